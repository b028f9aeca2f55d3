//! The tokens of a GitHub App: one is made for the repository, kept until shortly before it ends, and made anew.
//! Speaks to the API of the forge; what a token is for it must not know.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, LOCATION};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{cause, locked, traced};
use crate::git::credential::Login;
use crate::git::github::{CLOCK_MARGIN, GithubApp, Place};
use crate::git::{Error, RemoteUrl};
use crate::secret::Secret;
use crate::{plain, tls};

/// A token that ends sooner than this is not begun anything with.
const MARGIN: Duration = Duration::from_mins(10);

/// As much of an answer as is read.
const MAX_ANSWER: u64 = 256 << 10;

/// How often a question is sent on: GitHub does that for repositories that were renamed.
const MAX_REDIRECTS: usize = 3;

const ASKING: &str = "asking for a token";

/// An installation of an app, as long as the process lives.
pub(super) struct Installation {
    app: GithubApp,
    url: RemoteUrl,
    place: Place,
    /// The file with authorities for this server alone.
    bundle: Option<PathBuf>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The installation that was found.
    found: Option<Found>,
    login: Option<(Login, Timestamp)>,
}

/// What the API says of an installation.
#[derive(Clone, Deserialize)]
struct Found {
    id: u64,
    app_slug: Option<String>,
    account: Option<Owner>,
    suspended_at: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Owner {
    login: String,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
}

/// What goes with every question of one conversation.
struct Call<'a> {
    client: &'a Client,
    deadline: Instant,
    proof: Secret,
}

/// An answer with a status that is none.
struct Refusal {
    status: u16,
    said: String,
    /// By how many seconds our clock is ahead of theirs.
    ahead: i64,
}

impl Installation {
    /// # Errors
    /// [`Error::Credential`] when there can be no such installation.
    pub(super) fn new(app: &GithubApp, url: &RemoteUrl, bundle: Option<&Path>) -> Result<Self, Error> {
        let wrong = |problem| Error::Credential { url: url.to_string(), source_name: app.source(), problem };
        let place = app.place(url).map_err(wrong)?;
        app.proof(Timestamp::now()).map_err(wrong)?;
        let (app, url, bundle) = (app.clone(), url.clone(), bundle.map(Path::to_owned));
        Ok(Self { app, url, place, bundle, kept: Mutex::default() })
    }

    /// The token that is kept, or a new one where it ends soon or is the one that was `refused`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn login(&self, refused: Option<&Login>, client: &Client, deadline: Instant) -> Result<Login, Error> {
        let mut kept = locked(&self.kept);
        let now = Timestamp::now();
        let is_good = |login: &Login, until: Timestamp| {
            now + MARGIN < until && refused.is_none_or(|refused| refused.header() != login.header())
        };
        if let Some((login, until)) = &kept.login
            && is_good(login, *until)
        {
            return Ok(login.clone());
        }
        kept.login = None;
        let proof = self.app.proof(now).map_err(|problem| self.wrong(problem))?;
        let call = Call { client, deadline, proof };
        let made = self.make(&call, kept.found.clone());
        // An app that was installed anew is another installation.
        kept.found = made.as_ref().ok().and_then(|(_, found)| found.clone());
        let (minted, found) = made?;
        let shown = self.shown(found.as_ref());
        tracing::debug!(until = %minted.expires_at, "{shown}: a new token");
        let login = Login::installation(&minted.token, minted.expires_at, self.app.source(), shown);
        let login = login.map_err(|problem| self.wrong(problem))?;
        kept.login = Some((login.clone(), minted.expires_at));
        Ok(login)
    }

    fn make(&self, call: &Call<'_>, found: Option<Found>) -> Result<(Minted, Option<Found>), Error> {
        let (id, found) = match (self.app.installation, found) {
            (Some(id), _) => (id, None),
            (None, Some(found)) => (found.id, Some(found)),
            (None, None) => {
                let found = self.find(call)?;
                (found.id, Some(found))
            }
        };
        let url = self.at(&format!("app/installations/{id}/access_tokens"))?;
        let body = json!({"repositories": [self.place.name], "permissions": {"contents": "write"}});
        let request = call.client.post(url).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let response = call.send(request).map_err(|error| self.lost(error))?;
        let minted = self.read(call, response)?.map_err(|refusal| {
            let Place { owner, name, .. } = &self.place;
            let said = refusal.said.clone();
            match refusal.status {
                403 if said.contains("suspended") => self.suspended(id),
                404 if !is_about_the_app(&said) => self.wrong(format!(
                    "there is no installation {id} of it any more ({said:?}); install the app for {owner}/{name} again, \
                     and give the number of that installation, or none"
                )),
                422 if said.contains("permission") => self.wrong(format!(
                    "it may not write to {owner}/{name} ({said:?}); give the app the repository permission \"Contents: \
                     Read and write\", and accept that where it is installed"
                )),
                422 => self.wrong(format!(
                    "installation {id} has no {owner}/{name} ({said:?}); add the repository to it, or give the address \
                     that the repository has now"
                )),
                _ => self.refused(refusal),
            }
        })?;
        Ok((minted, found))
    }

    /// The installation that has the repository.
    fn find(&self, call: &Call<'_>) -> Result<Found, Error> {
        let Place { owner, name, .. } = &self.place;
        let mut url = self.at(&format!("repos/{owner}/{name}/installation"))?;
        for _ in 0..=MAX_REDIRECTS {
            let response = call.send(call.client.get(url.clone())).map_err(|error| self.lost(error))?;
            if response.status().is_redirection() {
                let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let to = location.and_then(|location| url.join(location).ok());
                let to = to.filter(|to| to.origin() == self.place.api.origin());
                url = to.ok_or_else(|| self.wrong("the API sends us elsewhere, where we do not follow".into()))?;
                continue;
            }
            let found: Found = self.read(call, response)?.map_err(|refusal| match refusal.status {
                404 if !is_about_the_app(&refusal.said) => self.wrong(format!(
                    "it is not installed for {owner}/{name}, or there is no such repository ({:?}); install the app for \
                     it, or check the address",
                    refusal.said
                )),
                _ => self.refused(refusal),
            })?;
            return if found.suspended_at.is_some() { Err(self.suspended(found.id)) } else { Ok(found) };
        }
        Err(self.wrong("the API sends us from one place to the next".into()))
    }

    /// What is in an answer, or what it says instead.
    fn read<T: for<'de> Deserialize<'de>>(
        &self,
        call: &Call<'_>,
        response: Response,
    ) -> Result<Result<T, Refusal>, Error> {
        let status = response.status();
        let theirs = response.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
        let now = Timestamp::now();
        let mut bytes = Vec::new();
        let read = response.take(MAX_ANSWER).read_to_end(&mut bytes);
        if status.is_success() {
            read.map_err(|error| self.interrupted(&plain::chain(&error)))?;
            // What is in it is for nobody's eyes, so that what is wrong with it is not told.
            return serde_json::from_slice(&bytes).map(Ok).map_err(|_| {
                self.wrong(format!(
                    "{} does not answer as the API of GitHub does; give its address with --git-github-api",
                    self.place.api
                ))
            });
        }
        let complaint = serde_json::from_slice(&bytes).map(|Complaint { message }| message).unwrap_or_default();
        let said = plain::line(&complaint.replace(call.proof.expose(), "…"), 200);
        let ahead = theirs.map_or(0, |theirs| now.as_second() - theirs.as_second());
        Ok(Err(Refusal { status: status.as_u16(), said, ahead }))
    }

    /// What every question may be refused for.
    fn refused(&self, refusal: Refusal) -> Error {
        let Refusal { status, said, ahead } = refusal;
        let (id, key) = (&self.app.id, self.app.key.display());
        if status == 401 && ahead.abs() > CLOCK_MARGIN {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            let (by, theirs) = (ahead.abs(), self.place.api.host_str().unwrap_or_default());
            return self
                .wrong(format!("the clock of this machine is {by} s {way} that of {theirs} ({said:?}); set it"));
        }
        match status {
            _ if is_about_the_app(&said) => self.wrong(format!(
                "there is no app {id:?} at {} ({said:?}); give the App ID, or the Client ID, from its settings",
                self.place.api
            )),
            401 if said.contains("decoded") => self.wrong(format!(
                "{key} is not a key of it ({said:?}); make one in the settings of the app, \"Private keys\", or check \
                 that {id} is its App ID"
            )),
            401 => self.wrong(format!(
                "it was not let in ({said:?}); check that {id} is its App ID or Client ID, and {key} a key of it"
            )),
            _ => Error::Server { url: self.place.api.to_string(), doing: ASKING, status, said },
        }
    }

    fn suspended(&self, id: u64) -> Error {
        let owner = &self.place.owner;
        self.wrong(format!(
            "its installation {id} is suspended; an owner of {owner} can end that in the settings of installed apps"
        ))
    }

    fn shown(&self, found: Option<&Found>) -> String {
        let id = self.app.installation.or(found.map(|found| found.id)).unwrap_or_default();
        let slug = found.and_then(|found| found.app_slug.as_deref());
        let app =
            slug.map_or_else(|| self.app.id.clone(), |slug| format!("{} ({})", plain::line(slug, 100), self.app.id));
        let owner = found.and_then(|found| found.account.as_ref()).map(|owner| plain::line(&owner.login, 100));
        let of = owner.map(|owner| format!(" of {owner}")).unwrap_or_default();
        format!("GitHub App {app}, installation {id}{of}, with the key from {}", self.app.key.display())
    }

    fn at(&self, path: &str) -> Result<Url, Error> {
        self.place.api.join(path).map_err(|error| self.wrong(format!("no such address: {error}")))
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Credential { url: self.url.to_string(), source_name: self.app.source(), problem }
    }

    fn interrupted(&self, cause: &str) -> Error {
        Error::Interrupted { url: self.place.api.to_string(), doing: ASKING, cause: cause.to_owned() }
    }

    fn lost(&self, error: reqwest::Error) -> Error {
        let (url, host) = (self.place.api.to_string(), self.place.api.host_str().unwrap_or_default());
        if let Some(cause) = tls::refusal(&error, host, self.bundle.as_deref()) {
            Error::Untrusted { url, cause }
        } else if error.is_connect() || error.is_timeout() {
            Error::Unreachable { url, cause: plain::line(&cause(error), plain::CHAIN_LIMIT) }
        } else {
            self.interrupted(&plain::line(&cause(error), plain::CHAIN_LIMIT))
        }
    }
}

impl Call<'_> {
    fn send(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let mut request = request
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .timeout(self.deadline.saturating_duration_since(Instant::now()));
        // It is base64 and points, which any header can carry.
        if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", self.proof.expose())) {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let (client, request) = request.build_split();
        let request = request?;
        let (method, url) = (request.method().clone(), request.url().clone());
        traced::sent(method.as_str(), &url, str::to_owned, || client.execute(request))
    }
}

/// Whether the API does not know the app, whatever it was asked.
fn is_about_the_app(said: &str) -> bool {
    said.contains("Integration") || said.contains("Issuer") || said.contains("'iss'")
}

/// A time as HTTP writes it.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
