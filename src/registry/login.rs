//! A request, let in: a `401` → an `Authorization` that is accepted, and from then on shown at once.
//! Knows the registries' two ways to log in, and gives a credential only to the registry itself and to
//! the token server that it names.

mod grant;
mod refusals;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header;
use tokio::time::Instant;
use url::Url;

use self::grant::{Grant, Pass};
use self::refusals::Refusals;
use super::challenge::{self, Way};
use super::error::Kind;
use super::keychain::{Credential, Keychain};
use super::transport::{Answer, Ask, Transport};
use crate::image::{Registry, Repository};
use crate::secret::Secret;

/// Everything about who we are, per repository: tokens are made for one.
#[derive(Debug)]
pub(super) struct Login {
    keychain: Keychain,
    /// The lock of a grant is held while it is renewed, so that many requests fetch one token.
    grants: Mutex<HashMap<Repository, Arc<tokio::sync::Mutex<Grant>>>>,
    /// Tokens that are good for more than one repository.
    shared: Mutex<HashMap<SharedBy, Arc<tokio::sync::Mutex<Option<Pass>>>>>,
    /// How each registry wanted to be shown who asks, as long as it wants it of everybody: its other
    /// repositories need not be refused first.
    ways: Mutex<HashMap<Registry, Arc<Way>>>,
    refusals: Mutex<Refusals>,
}

/// The repository that we want to see, whether its registry is spoken to without TLS, and whether a
/// credential is shown to it even so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door<'a> {
    pub(super) repository: &'a Repository,
    pub(super) is_plain: bool,
    pub(super) is_trusted: bool,
}

/// What makes a token the same: realm, service and scope, and whose it is.
type SharedBy = (Url, Option<String>, String, Option<String>);

impl Login {
    pub(super) fn new(keychain: Keychain) -> Self {
        Self {
            keychain,
            grants: Mutex::default(),
            shared: Mutex::default(),
            ways: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    /// Sends a request about a repository, logged in as far as its registry asks for it.
    ///
    /// # Errors
    /// What the transport fails with, and that there is no way in: no challenge that we speak, no
    /// credential, or a refused one. The answer may still be a refusal of whoever we are.
    pub(super) async fn send(&self, transport: &Transport, at: Door<'_>, mut ask: Ask) -> Result<Answer, Kind> {
        let home = at.repository.registry();
        let pass = self.current(transport, at).await?;
        ask.authorization = pass.as_ref().map(|pass| pass.authorization.clone());
        let answer = transport.send(home, &ask).await?;
        self.note(at, pass.as_ref(), &answer);
        // A redirect may lead to a host that wants a login of its own: that one gets none.
        let challenge = match answer.status.as_u16() {
            401 if !answer.is_foreign => answer,
            // Some registries hide what they do not show to everybody. Whoever has a credential
            // knocks at the front door, where they do ask for it.
            403 | 404 if pass.is_none() && self.find(at.repository, false).await?.is_some() => {
                let door = Ask { url: at.front_door()?, ..ask.clone() };
                let challenge = transport.send(home, &door).await?;
                if challenge.status.as_u16() != 401 || challenge.is_foreign {
                    return Ok(answer);
                }
                challenge
            }
            _ => {
                if pass.is_none() && answer.status.is_success() {
                    self.grant(at.repository).lock().await.is_open = true;
                    self.ways().remove(at.repository.registry());
                }
                return Ok(answer);
            }
        };
        let pass = self.after_refusal(transport, at, &challenge, pass.as_ref()).await?;
        ask.authorization = Some(pass.authorization.clone());
        let answer = transport.send(home, &ask).await?;
        self.note(at, Some(&pass), &answer);
        Ok(answer)
    }

    /// Sends a request to the registry itself that takes a user and a password, and no token. Where there are
    /// none, or they may not be shown, it goes without.
    pub(super) async fn send_with_password(
        &self,
        transport: &Transport,
        at: Door<'_>,
        mut ask: Ask,
    ) -> Result<Answer, Kind> {
        let registry = at.repository.registry();
        let credential = if at.is_plain && !at.is_trusted { None } else { self.find(at.repository, false).await? };
        if let Some(credential) = &credential
            && let Some(basic) = token::basic(&credential.proof)
        {
            self.check_rest(registry.as_str(), &basic, credential)?;
            ask.authorization = Some(basic);
        }
        let answer = transport.send(registry, &ask).await?;
        if let Some(basic) = ask.authorization.as_ref().filter(|_| !answer.is_foreign) {
            self.refusals().note(registry.as_str(), basic, answer.status.as_u16() != 401, Instant::now());
        }
        Ok(answer)
    }

    /// Who we are for a repository, without the secret.
    pub(super) async fn who(&self, repository: &Repository) -> Result<Option<String>, Kind> {
        Ok(self.find(repository, false).await?.as_ref().map(Credential::to_string))
    }

    /// What a person can do about a refusal of what we sent last.
    pub(super) async fn advice(&self, repository: &Repository) -> String {
        let holder = self.grant(repository).lock().await.holder.clone();
        self.advice_to(repository, holder.as_deref())
    }

    /// What to show with the next request: what was accepted before, renewed when its time is up, or
    /// nothing.
    async fn current(&self, transport: &Transport, at: Door<'_>) -> Result<Option<Pass>, Kind> {
        let grant = self.grant(at.repository);
        let mut grant = grant.lock().await;
        if grant.is_good() {
            return Ok(grant.pass.clone());
        }
        let hint = || if grant.is_open { None } else { self.ways().get(at.repository.registry()).cloned() };
        let Some(way) = grant.way.clone().or_else(hint) else { return Ok(None) };
        match self.obtain(transport, at, &way, None).await {
            Ok(renewed) => {
                let Some(renewed) = renewed else { return Ok(None) };
                *grant = renewed;
                Ok(grant.pass.clone())
            }
            Err(kind) if matches!(kind, Kind::Credential(_)) || (grant.way.is_some() && kind.is_temporary()) => {
                Err(kind)
            }
            // The request goes without, and the registry says anew how to log in.
            Err(kind) => {
                tracing::debug!(repository = %at.repository, error = %kind, "the token was not renewed");
                grant.way = None;
                Ok(None)
            }
        }
    }

    /// What to show after `refusal`, a `401` to a request that showed `sent`.
    async fn after_refusal(
        &self,
        transport: &Transport,
        at: Door<'_>,
        refusal: &Answer,
        sent: Option<&Pass>,
    ) -> Result<Pass, Kind> {
        let grant = self.grant(at.repository);
        let mut grant = grant.lock().await;
        // Somebody else may have been refused and let in since that request was sent.
        if let Some(pass) = grant.pass.as_ref().filter(|pass| pass.is_good() && !pass.is_same(sent)) {
            return Ok(pass.clone());
        }
        let headers = refusal.headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let Some(way) = challenge::way(headers, at.repository.path()) else {
            let mend =
                "it offers no way to log in that Landwaiter speaks (Basic, Bearer); check that this is a registry";
            return Err(refused(refusal, mend.to_owned()));
        };
        let way = self.learn(at.repository.registry(), way);
        // Another token like one that never opened anything would open nothing either.
        if let Some(sent) = sent.filter(|sent| sent.is_hopeless() && grant.way.as_ref() == Some(&way)) {
            let credential = self.find(at.repository, false).await?;
            if credential.as_ref().map(|credential| &credential.proof) == sent.proof.as_ref() {
                return Err(refused(refusal, self.advice_to(at.repository, grant.holder.as_deref())));
            }
        }
        let Some(renewed) = self.obtain(transport, at, &way, sent).await? else {
            return Err(refused(refusal, self.log_in(at.repository)));
        };
        *grant = renewed;
        if let Some(pass) = grant.pass.clone().filter(|pass| !pass.is_same(sent)) {
            return Ok(pass);
        }
        // Next time it is read again: somebody may have mended it by then.
        grant.pass = None;
        Err(refused(refusal, self.advice_to(at.repository, grant.holder.as_deref())))
    }

    /// Goes the way; `None` when it needs a credential and there is none. What was `sent` was refused,
    /// so that the credential helpers are asked again.
    async fn obtain(
        &self,
        transport: &Transport,
        at: Door<'_>,
        way: &Arc<Way>,
        sent: Option<&Pass>,
    ) -> Result<Option<Grant>, Kind> {
        let credential = self.find(at.repository, sent.is_some()).await?;
        if let Some(credential) = credential.as_ref().filter(|_| at.is_plain && !at.is_trusted) {
            let registry = at.repository.registry();
            return Err(Kind::Credential(format!(
                "{credential} is not shown to {registry}, which is spoken to without TLS: whoever is on the way could \
                 read it; give the registry a certificate, or set `credentials: anonymous` for it in the configuration \
                 file, or `insecure-credentials: true`"
            )));
        }
        let holder = credential.as_ref().map(Credential::to_string);
        let (realm, service) = match &**way {
            Way::Token { realm, service, .. } => (realm, service.as_deref()),
            Way::Basic => {
                let Some(credential) = credential else { return Ok(None) };
                let registry = at.repository.registry();
                let Some(basic) = token::basic(&credential.proof) else {
                    let problem =
                        format!("{credential} is for a token server, and {registry} has none: give user and password");
                    return Err(Kind::Credential(problem));
                };
                self.check_rest(registry.as_str(), &basic, &credential)?;
                return Ok(Some(Grant::new(way, Pass::basic(basic, credential.proof), holder)));
            }
        };
        let scope = way.scope(at.repository.path());
        let proof = credential.as_ref().map(|credential| &credential.proof);
        let ask = token::request(at, realm, service, &scope, proof)?;
        let fetch = async || {
            if let Some(credential) = &credential {
                self.check_rest(realm.as_str(), credential.proof.secret(), credential)?;
            }
            let answer = transport.send(at.repository.registry(), &ask).await?;
            let status = answer.status.as_u16();
            if let Some(proof) = proof.filter(|_| matches!(status, 200 | 401)) {
                self.refusals().note(realm.as_str(), proof.secret(), status == 200, Instant::now());
            }
            if status != 200 {
                return Err(refused(&answer, self.advice_to(at.repository, holder.as_deref())));
            }
            token::read(&answer).map(|token| Pass::token(token, proof.cloned()))
        };
        let pass = if way.is_shared() {
            let key = (realm.clone(), service.map(str::to_owned), scope, holder.clone());
            let cell = Arc::clone(lock(&self.shared).entry(key).or_default());
            let mut shared = cell.lock().await;
            match shared.as_ref().filter(|pass| pass.is_good() && !pass.is_same(sent)) {
                Some(pass) => pass.clone(),
                None => shared.insert(fetch().await?).clone(),
            }
        } else {
            fetch().await?
        };
        Ok(Some(Grant::new(way, pass, holder)))
    }

    /// What came of showing `pass`.
    fn note(&self, at: Door<'_>, pass: Option<&Pass>, answer: &Answer) {
        let Some(pass) = pass.filter(|_| !answer.is_foreign) else { return };
        let is_accepted = answer.status.as_u16() != 401;
        if is_accepted {
            pass.accept();
        }
        if pass.is_basic {
            let registry = at.repository.registry().as_str();
            self.refusals().note(registry, &pass.authorization, is_accepted, Instant::now());
        }
    }

    /// That this credential may be shown there.
    fn check_rest(&self, place: &str, shown: &Secret, credential: &Credential) -> Result<(), Kind> {
        self.refusals().rest(place, shown, Instant::now()).map_or(Ok(()), |(refusals, rest)| {
            Err(Kind::Credential(format!(
                "{credential} was refused by {place} {refusals} times in a row and is not shown again for {} s, so that                  no account is locked: renew it, and it is tried at once",
                rest.as_secs()
            )))
        })
    }

    async fn find(&self, repository: &Repository, anew: bool) -> Result<Option<Credential>, Kind> {
        self.keychain.find(repository, anew).await.map_err(Kind::Credential)
    }

    /// Remembers the way for the other repositories of the registry.
    fn learn(&self, registry: &Registry, way: Way) -> Arc<Way> {
        let mut ways = self.ways();
        match ways.get(registry) {
            Some(known) if **known == way => Arc::clone(known),
            _ => {
                let way = Arc::new(way);
                ways.insert(registry.clone(), Arc::clone(&way));
                way
            }
        }
    }

    fn advice_to(&self, repository: &Repository, holder: Option<&str>) -> String {
        match holder {
            Some(holder) => format!("{holder} was refused: renew it, or give it the right to pull {repository}"),
            None => self.log_in(repository),
        }
    }

    fn log_in(&self, repository: &Repository) -> String {
        let (registry, path) = (repository.registry(), repository.path());
        let why = self.keychain.lack(repository).unwrap_or_else(|| {
            format!("no credential for {registry} is configured, give --docker-config a file that has one")
        });
        format!(
            "log in: {why}; or check the spelling of {path}, for some registries say this of a name that does not exist"
        )
    }

    fn grant(&self, repository: &Repository) -> Arc<tokio::sync::Mutex<Grant>> {
        Arc::clone(lock(&self.grants).entry(repository.clone()).or_default())
    }

    fn ways(&self) -> MutexGuard<'_, HashMap<Registry, Arc<Way>>> {
        lock(&self.ways)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        lock(&self.refusals)
    }
}

impl Door<'_> {
    /// The address of what lies behind the door: `tags/list`, `manifests/1.2`.
    pub(super) fn url(self, rest: &str) -> Result<Url, Kind> {
        let Self { repository, .. } = self;
        self.front_door()?
            .join(&format!("{}/{rest}", repository.path()))
            .map_err(|error| Kind::Setup(format!("{repository} makes no URL: {error}")))
    }

    /// The address of the registry itself.
    pub(super) fn front_door(self) -> Result<Url, Kind> {
        let registry = self.repository.registry();
        let scheme = if self.is_plain { "http" } else { "https" };
        Url::parse(&format!("{scheme}://{}/v2/", registry.api_host()))
            .map_err(|error| Kind::Setup(format!("{registry} makes no URL: {error}")))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(answer: &Answer, mend: String) -> Kind {
    let (request, status, said) = (answer.request.clone(), answer.status.as_u16(), answer.said());
    Kind::Refused { request, status, said, mend, retry_after: None }
}
