//! A Git repository by whatever address: `https`, `ssh` or `host:path`, with `.git` or without, is one name here.
//!
//! It is the name of a hint. Two repositories that look alike to it cost a question, and no more.

use std::fmt;

use super::names::bare_host;

/// The longest address that is looked at, in bytes.
const LONGEST: usize = 2048;

/// A Git repository on some server: host and path, in lower case, without port, user and `.git`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remote(Box<str>);

impl Remote {
    /// Reads an address as forges and people write it; `None` for a path of this machine and for what is no
    /// address.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let address = address.trim();
        if address.len() > LONGEST || address.contains(|c: char| c.is_control()) {
            return None;
        }
        let (host, path) = match address.split_once("://") {
            Some(("file", _)) => return None,
            Some((_, rest)) => rest.split_once('/')?,
            None => {
                // `user@host:path`; `[host:port]:path` has a colon of its own.
                let after_user = address.split_once('@').map_or(address, |(_, rest)| rest);
                match after_user.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
                    Some(bracketed) => bracketed,
                    None => after_user.split_once(':').filter(|(host, _)| !host.contains('/'))?,
                }
            }
        };
        let host = host_name(bare_host(host));
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/').to_lowercase();
        let path = path.strip_suffix(".git").unwrap_or(&path).trim_end_matches('/');
        if host.is_empty() || path.is_empty() {
            return None;
        }
        Some(Self(one_spelling(&host, path).into()))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host without its port: forges have one for ssh and another for https.
fn host_name(host: &str) -> String {
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None if host.matches(':').count() == 1 => host.split(':').next().unwrap_or_default(),
        None => host,
    };
    host.to_lowercase()
}

/// Where forges have another host or path for ssh than for https.
fn one_spelling(host: &str, path: &str) -> String {
    let devops = |organisation: &str, rest: &str| format!("dev.azure.com/{organisation}/{}", rest.replace("_git/", ""));
    match host {
        "ssh.github.com" => format!("github.com/{path}"),
        "altssh.gitlab.com" => format!("gitlab.com/{path}"),
        "altssh.bitbucket.org" => format!("bitbucket.org/{path}"),
        "ssh.dev.azure.com" | "vs-ssh.visualstudio.com" => {
            let path = path.strip_prefix("v3/").unwrap_or(path);
            path.split_once('/').map_or_else(|| format!("{host}/{path}"), |(one, rest)| devops(one, rest))
        }
        "dev.azure.com" => {
            path.split_once('/').map_or_else(|| format!("{host}/{path}"), |(one, rest)| devops(one, rest))
        }
        _ => match host.strip_suffix(".visualstudio.com") {
            Some(organisation) => devops(organisation, path.strip_prefix("defaultcollection/").unwrap_or(path)),
            // Bitbucket's own server has this before the path, and only for https.
            None => format!("{host}/{}", path.strip_prefix("scm/").unwrap_or(path)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Remote;

    #[track_caller]
    fn check(addresses: &[&str], expected: &str) {
        for address in addresses {
            assert_eq!(Remote::parse(address).map(|remote| remote.to_string()).as_deref(), Some(expected), "{address}");
        }
    }

    #[test]
    fn many_addresses_one_repository() {
        check(
            &[
                "https://github.com/org/config.git",
                "https://github.com/Org/config/",
                "https://x-access-token:hunter2@github.com/org/config",
                "git@github.com:org/config.git",
                "github.com:org/config",
                "ssh://git@github.com/org/config.git",
                "ssh://git@ssh.github.com:443/org/config.git",
                "git://github.com/org/config.git",
            ],
            "github.com/org/config",
        );
        check(
            &[
                "https://git.example.com:8443/scm/prj/config.git",
                "ssh://git@git.example.com:7999/prj/config.git",
                "git@[git.example.com:7999]:prj/config.git",
            ],
            "git.example.com/prj/config",
        );
        check(
            &[
                "https://org@dev.azure.com/org/Project/_git/config",
                "git@ssh.dev.azure.com:v3/org/Project/config",
                "https://org.visualstudio.com/DefaultCollection/Project/_git/config",
            ],
            "dev.azure.com/org/project/config",
        );
        check(
            &["ssh://git@[2001:db8::1]:22/org/config", "https://[2001:db8::1]/org/config.git"],
            "2001:db8::1/org/config",
        );
    }

    #[test]
    fn what_is_no_address_of_a_server() {
        for text in
            ["", "/srv/git/config.git", "file:///srv/config.git", "https://github.com", "https:///x", "a\nb:c", "./a:b"]
        {
            assert_eq!(Remote::parse(text), None, "{text:?}");
        }
        assert_eq!(Remote::parse(&format!("https://a/{}", "x".repeat(3000))), None);
    }
}
