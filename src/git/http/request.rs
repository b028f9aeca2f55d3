//! One request of a conversation, to its answer: who we are in it, what a refusal of that means, and where a
//! redirect may lead. It must not know what is asked, nor read the answer.

use std::io;
use std::time::Instant;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use url::{Position, Url};

use super::{State, Trouble, locked, traced};
use crate::git::credential::Login;
use crate::plain;

const MAX_REDIRECTS: usize = 5;

/// How many logins one conversation tries, should one after another be refused.
const MAX_LOGINS: usize = 2;

impl State {
    /// The answer to a request, wherever on this server it is given, and where that was. `tail` is how the
    /// address ends that is asked for.
    pub(super) fn ask(
        &self,
        client: &Client,
        mut url: Url,
        tail: &str,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> io::Result<(Response, Url)> {
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(client, &url, headers, body)?;
            if !response.status().is_redirection() {
                return Ok((response, url));
            }
            url = self.next(&url, &response, tail, body.is_some())?;
        }
        Err(self.give_up(Trouble::NotGit("one redirect after another".into())))
    }

    /// The answer to a request; for a login that is refused, with the one that took its place.
    fn send(&self, client: &Client, url: &Url, headers: &HeaderMap, body: Option<&Bytes>) -> io::Result<Response> {
        let login = locked(&self.logins).last().cloned();
        let response = self.send_as(login.as_ref(), client, url, headers, body)?;
        let may_try = locked(&self.logins).len() < MAX_LOGINS;
        let Some(refused) = login.filter(|_| may_try && response.status() == StatusCode::UNAUTHORIZED) else {
            return Ok(response);
        };
        match self.account.other_than(&refused, client, self.deadline) {
            Ok(None) => Ok(response),
            Ok(Some(other)) => {
                locked(&self.logins).push(other.clone());
                self.send_as(Some(&other), client, url, headers, body)
            }
            Err(error) => Err(self.give_up(Trouble::Nobody(Box::new(error)))),
        }
    }

    fn send_as(
        &self,
        login: Option<&Login>,
        client: &Client,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> io::Result<Response> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(self.give_up(Trouble::TimedOut));
        }
        let request = match body {
            Some(body) => client.post(url.clone()).body(body.clone()),
            None => client.get(url.clone()),
        };
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut headers = headers.clone();
        if let Some(login) = login {
            let mut value = HeaderValue::from_str(login.header().expose()).map_err(io::Error::other)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // The timeout counts until the end of the body.
        let send = || request.headers(headers).timeout(remaining).send();
        traced::sent(method, url, |shown| self.scrub(shown), send).map_err(|error| self.lost(error))
    }

    /// Where a redirect leads, if we may follow it there.
    fn next(&self, from: &Url, response: &Response, tail: &str, sends_a_body: bool) -> io::Result<Url> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Ok(to) = from.join(location) else {
            return Err(self.give_up(Trouble::NotGit("a redirect to nowhere".into())));
        };
        let same_origin = to.origin() == self.base.origin();
        let shows_who_we_are = self.is_certified || !locked(&self.logins).is_empty();
        let reason = if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http")
        {
            "the connection would no longer be encrypted; mend the redirect, or give the https address that is meant"
        } else if !to.username().is_empty() || to.password().is_some() {
            "the server put a credential into the address; mend the redirect"
        } else if !same_origin && shows_who_we_are {
            "the credential is not meant for that server; give that address as the git url if it is right"
        } else if !same_origin && sends_a_body {
            "nobody asked for what we are about to send; give that address as the git url if it is right"
        } else if !to.as_str().ends_with(tail) {
            "there is no Git repository but perhaps a page to sign in; check the address and the credential"
        } else {
            return Ok(to);
        };
        let shown = format!("{}://{}", to.scheme(), &to[Position::BeforeHost..Position::AfterPath]);
        let shown = shown.strip_suffix("/info/refs").unwrap_or(&shown);
        Err(self.give_up(Trouble::Redirected { to: plain::line(&self.scrub(shown), 200), reason }))
    }

    /// Tells whoever runs this, once, that the repository is elsewhere now.
    pub(super) fn tell_if_moved(&self, base: &str) {
        let mut told = locked(&self.moved);
        if base != self.base.as_str() && told.as_deref() != Some(base) {
            let to = plain::line(&self.scrub(base), 300);
            tracing::warn!(repository = %self.base, "the repository has moved to {to}: give that as the git url");
            *told = Some(base.to_owned());
        }
    }
}
