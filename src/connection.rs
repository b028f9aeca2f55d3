//! What is set for the connections to one host: whose certificates count, who we are, and the way out of this
//! machine.
//!
//! Stands under the docks, because [`registry`](crate::registry) and [`git`](crate::git) are told alike. It knows
//! files and what is in them, and must not know what is asked of whom.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use url::Url;

use crate::secret::Secret;
use crate::tls;

/// How requests leave the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// Without one, whatever the environment says.
    Direct,
    /// Through this one.
    Through(Url),
}

/// A certificate by which we show who we are, and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, with those that issued it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What is set for the connections to one host. What is `None` is as for every other host. The files are read
/// again when they change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// A PEM file with authorities that are trusted for this host, beside those of the machine.
    pub ca_bundle: Option<PathBuf>,
    /// Who we are, for this host.
    pub client_certificate: Option<ClientCertificate>,
    /// How requests to this host leave the machine; as the environment says (`HTTPS_PROXY`, `NO_PROXY`) when
    /// `None`.
    pub proxy: Option<Proxy>,
    /// A file with `user:password` for that proxy.
    pub proxy_credentials: Option<PathBuf>,
}

impl Proxy {
    /// Reads `none`, or `http://host:port`.
    ///
    /// # Errors
    /// What is wrong with it. The text is not repeated, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self::Direct);
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or("this is no proxy: expected a URL such as `http://proxy.example.com:3128`, or `none`")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a password does not belong here: name this proxy in `HTTPS_PROXY` instead");
        }
        Ok(Self::Through(url))
    }
}

impl ConnectionOptions {
    /// Every file that is named.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let own = self.client_certificate.iter().flat_map(|own| [&own.certificate, &own.key]);
        self.ca_bundle.iter().chain(own).chain(&self.proxy_credentials).cloned().collect()
    }

    /// The settings of TLS connections to `host`.
    ///
    /// # Errors
    /// A text that names the file and the host, and says what is wrong.
    pub(crate) fn tls(&self, host: &dyn Display) -> Result<tls::ClientConfig, String> {
        let wrong = |path: &Path, problem: String| format!("{} for {host}: {problem}", path.display());
        let read = |path: &PathBuf| fs::read(path).map_err(|error| wrong(path, format!("cannot be read: {error}")));
        let own = self.client_certificate.as_ref();
        let extra = tls::Extra {
            authorities: self.ca_bundle.as_ref().map(read).transpose()?,
            identity: own.map(|own| Ok::<_, String>((read(&own.certificate)?, read(&own.key)?))).transpose()?,
        };
        tls::client_config_with(&extra).map_err(|(part, problem)| {
            let path = match part {
                tls::Part::Authorities => self.ca_bundle.as_ref(),
                tls::Part::Certificate => own.map(|own| &own.certificate),
                tls::Part::Key => own.map(|own| &own.key),
            };
            wrong(path.map_or(Path::new(""), PathBuf::as_path), problem)
        })
    }

    /// User and password for the proxy.
    ///
    /// # Errors
    /// A text that names the file, and says what is wrong.
    pub(crate) fn proxy_login(&self) -> Result<Option<(String, Secret)>, String> {
        let Some(path) = &self.proxy_credentials else { return Ok(None) };
        let wrong = |problem: String| format!("{} for the proxy: {problem}", path.display());
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        match text.trim().split_once(':') {
            Some((user, password)) if !text.trim().contains(['\n', '\r']) => {
                Ok(Some((user.to_owned(), Secret::new(password))))
            }
            _ => Err(wrong("expected one line, `user:password`".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionOptions, Proxy};

    #[track_caller]
    fn check(text: &str, read: Result<&str, &str>) {
        let shown = Proxy::parse(text).map(|proxy| match proxy {
            Proxy::Direct => "direct".to_owned(),
            Proxy::Through(url) => url.to_string(),
        });
        assert_eq!(shown, read.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_proxy_is_a_url_without_a_password() {
        let none = "this is no proxy: expected a URL such as `http://proxy.example.com:3128`, or `none`";
        check("none", Ok("direct"));
        check("http://proxy:3128", Ok("http://proxy:3128/"));
        check("https://proxy.example.com", Ok("https://proxy.example.com/"));
        check("proxy:3128", Err(none));
        check("socks5://proxy:1080", Err(none));
        check("", Err(none));
        check(
            "http://bob:hunter2@proxy",
            Err("a password does not belong here: name this proxy in `HTTPS_PROXY` instead"),
        );
    }

    #[test]
    fn a_password_for_a_proxy_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy");
        let options = ConnectionOptions { proxy_credentials: Some(path.clone()), ..ConnectionOptions::default() };
        assert!(options.proxy_login().unwrap_err().contains("cannot be read"));
        for (text, pair) in [("bob:h:2\n", Some("bob h:2")), ("bob", None), ("a:b\nc:d", None), ("", None)] {
            std::fs::write(&path, text).unwrap();
            let read = options.proxy_login().map(|pair| pair.unwrap());
            let shown = read.as_ref().map(|(user, password)| format!("{user} {}", password.expose()));
            match pair {
                Some(pair) => assert_eq!(shown.unwrap(), pair),
                None => assert!(shown.unwrap_err().ends_with("expected one line, `user:password`"), "{text}"),
            }
        }
    }
}
