//! Where a repository is that is reached by ssh: `ssh://user@host:port/path`, or `user@host:path` as people
//! copy it from their forge. Pure.

use std::fmt;

use super::super::remote::decoded;
use url::{Host, Url};

/// The port of ssh.
const PORT: u16 = 22;

/// Whom forges know all their users as.
const USER: &str = "git";

/// A repository on a server that speaks ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git) struct Address {
    pub(in crate::git) user: String,
    /// Lower case, and an IPv6 address without brackets.
    pub(in crate::git) host: String,
    pub(in crate::git) port: u16,
    /// As the server is to see it.
    path: String,
    /// Whether it was written without `ssh://`.
    is_short: bool,
}

impl Address {
    /// Reads `ssh://user@host:port/path`.
    pub(in crate::git) fn from_url(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("a repository has no `?` or `#` part".into());
        }
        if url.password().is_some() {
            return Err("an ssh address holds no password: a key proves who we are".into());
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => decoded(&host.to_string())?,
            None => return Err("no host".into()),
        };
        let path = decoded(url.path())?;
        // `/~user/…` is relative to somebody's home, as Git has it.
        let path = path.strip_prefix('/').filter(|rest| rest.starts_with('~')).unwrap_or(&path);
        Self::new(&decoded(url.username())?, &host, url.port().unwrap_or(PORT), path, false)
    }

    /// Reads `user@host:path`, `[host:port]:path` and the like. `None` for what is a path of this machine.
    pub(in crate::git) fn from_short(text: &str) -> Option<Result<Self, String>> {
        let (user, rest) = match text.split_once('@') {
            Some((user, rest)) if !user.contains(['/', ':']) => (user, rest),
            _ => ("", text),
        };
        let (host, port, path) = if let Some(inner) = rest.strip_prefix('[') {
            let (inner, rest) = inner.split_once(']')?;
            let path = rest.strip_prefix(':')?;
            match inner.split_once(':') {
                Some((host, port)) if !port.contains(':') => match port.parse() {
                    Ok(port) => (host, port, path),
                    Err(_) => return Some(Err(format!("{port:?} is no port"))),
                },
                _ => (inner, PORT, path),
            }
        } else {
            let (host, path) = rest.split_once(':').filter(|(host, _)| !host.contains('/'))?;
            (host, PORT, path)
        };
        Some(Self::new(user, host, port, path, true))
    }

    fn new(user: &str, host: &str, port: u16, path: &str, is_short: bool) -> Result<Self, String> {
        let path = path.trim_end_matches('/');
        let user = if user.is_empty() { USER } else { user };
        if host.is_empty() || host.starts_with('-') || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(format!("{host:?} is no host"));
        }
        if user.starts_with('-') || user.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("{user:?} is no user"));
        }
        if path.is_empty() {
            return Err("no path of a repository".into());
        }
        if path.starts_with('-') || path.contains(char::is_control) {
            return Err(format!("{path:?} is no path of a repository"));
        }
        if port == 0 {
            return Err("0 is no port".into());
        }
        let host = host.to_ascii_lowercase();
        Ok(Self { user: user.to_owned(), host, port, path: path.to_owned(), is_short })
    }

    /// What the server is to run, in the words of a shell.
    pub(super) fn command(&self, service: &str) -> String {
        format!("{service} '{}'", self.path.replace('\'', r"'\''").replace('!', r"'\!'"))
    }

    /// The path as the server sees it.
    pub(in crate::git) fn path(&self) -> &str {
        &self.path
    }

    /// The name by which `known_hosts` files know the server.
    pub(super) fn known_as(&self) -> String {
        if self.port == PORT { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, path, is_short } = self;
        let is_bare = *port == PORT && !host.contains(':');
        if *is_short && is_bare {
            return write!(f, "{user}@{host}:{path}");
        }
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let port = if *port == PORT { String::new() } else { format!(":{port}") };
        let slash = if path.starts_with('/') { "" } else { "/" };
        write!(f, "ssh://{user}@{host}{port}{slash}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[track_caller]
    fn read(text: &str) -> Result<Address, String> {
        if text.contains("://") { Address::from_url(text) } else { Address::from_short(text).unwrap() }
    }

    #[track_caller]
    fn check(text: &str, shown: &str, command: &str, known_as: &str) {
        let address = read(text).unwrap();
        assert_eq!(address.to_string(), shown);
        assert_eq!(address.command("git-upload-pack"), format!("git-upload-pack {command}"), "{text}");
        assert_eq!(address.known_as(), known_as, "{text}");
        assert_eq!(read(shown).unwrap().command(""), address.command(""), "shown, it is the same address");
    }

    #[test]
    fn addresses_as_forges_show_them() {
        check("git@github.com:team/config.git", "git@github.com:team/config.git", "'team/config.git'", "github.com");
        check("GitHub.com:team/config", "git@github.com:team/config", "'team/config'", "github.com");
        check(
            "ssh://git@github.com/team/config.git/",
            "ssh://git@github.com/team/config.git",
            "'/team/config.git'",
            "github.com",
        );
        check("ssh://host:2222/a", "ssh://git@host:2222/a", "'/a'", "[host]:2222");
        check("ssh://bot@[::1]:2222/srv/a", "ssh://bot@[::1]:2222/srv/a", "'/srv/a'", "[::1]:2222");
        check("[host:2222]:/srv/a", "ssh://git@host:2222/srv/a", "'/srv/a'", "[host]:2222");
        check("me@[::1]:/srv/a", "ssh://me@[::1]/srv/a", "'/srv/a'", "::1");
        check("ssh://me@host/~me/a%20b", "ssh://me@host/~me/a b", "'~me/a b'", "host");
        check("host:it's/a!", "git@host:it's/a!", r"'it'\''s/a'\!''", "host");
        check(
            "ssh://ssh.dev.azure.com/v3/o/p/r",
            "ssh://git@ssh.dev.azure.com/v3/o/p/r",
            "'/v3/o/p/r'",
            "ssh.dev.azure.com",
        );
    }

    #[test]
    fn what_is_none() {
        for (text, problem) in [
            ("ssh://git:s3cret@host/a", "an ssh address holds no password: a key proves who we are"),
            ("ssh://host", "no path of a repository"),
            ("host:", "no path of a repository"),
            ("ssh://-oProxyCommand=x/a", "\"-oproxycommand=x\" is no host"),
            ("-x@host:a", "\"-x\" is no user"),
            ("host:-x", "\"-x\" is no path of a repository"),
            ("[host:x]:a", "\"x\" is no port"),
            ("ssh://host/a?b", "a repository has no `?` or `#` part"),
            ("ssh://host:0/a", "0 is no port"),
        ] {
            assert_eq!(read(text).unwrap_err().to_lowercase(), problem.to_lowercase(), "{text}");
        }
        for path in ["/srv/a", "../a", "./a:b", "a/b:c"] {
            assert_eq!(Address::from_short(path), None, "{path} is a path of this machine");
        }
    }
}
