//! The host part of an address. Floor 0: knows no URL and asks no name server.

use std::net::IpAddr;

/// Whether `host`, with a port or without, is this machine: `localhost` and every name below it (no
/// name server answers for those), `127.0.0.0/8` and `[::1]`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_this_machine() {
        for (host, loopback) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("registry.localhost:5000", true),
            ("127.0.0.1", true),
            ("127.1.2.3:5000", true),
            ("[::1]", true),
            ("[::1]:5000", true),
            ("", false),
            ("10.0.0.1:5000", false),
            ("0.0.0.0", false),
            ("[::2]:5000", false),
            ("localhost.example.com", false),
            ("notlocalhost", false),
        ] {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}
