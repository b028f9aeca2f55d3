//! Lines as OpenSSH writes them, and what they prove.

use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::{FORGES, Known, Verdict, matches};

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7SO8jr3oTQ6Kn9czFbkCyHCQ40NDBlwLcF2WrqOakF";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJmJgvJEmwEQ293oAgtat74BPccn15MJ5dXyS9WFposH+B5eVYqL1NyqzmAi9Jd2Zfo1KlmwI92l/AZ5Zspy9vY=";
const AUTHORITY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnIivMMNwWe7c9QuqmsJ1HEd9OCnvy588ToSq+0jVGh";
/// ED25519 under the name git.example.com in salted hashes, by `ssh-keygen -H`; the second with port 2222.
const HASHED: &str = "|1|q7gG6WmqxmB0rVPgu/NnnEkKZho=|y/7F8x2gyp+wQ/xboyyEeYKl8rE= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7SO8jr3oTQ6Kn9czFbkCyHCQ40NDBlwLcF2WrqOakF
|1|o4l7Ak39e6WgrTKuMxTwf8PiSKg=|thoPUABT+vXQK+miBKZTR4GmqMA= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7SO8jr3oTQ6Kn9czFbkCyHCQ40NDBlwLcF2WrqOakF";
/// Of ECDSA by AUTHORITY, for git.example.com and *.example.org, in 2026.
const CERTIFICATE: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgHwlX51h94RTy16K8cPQxxSL/yN0HZ8HmJF8BrxyiXCsAAAAIbmlzdHAyNTYAAABBBJmJgvJEmwEQ293oAgtat74BPccn15MJ5dXyS9WFposH+B5eVYqL1NyqzmAi9Jd2Zfo1KlmwI92l/AZ5Zspy9vYAAAAAAAAAAAAAAAIAAAAEaG9zdAAAACQAAAAPZ2l0LmV4YW1wbGUuY29tAAAADSouZXhhbXBsZS5vcmcAAAAAaVW5AAAAAABrNuyAAAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDJyIrzDDcFnu3PULqprCdRxHfTgp78ufPE6EqvtI1RoQAAAFMAAAALc3NoLWVkMjU1MTkAAABAI4pRS8O/oS5T49eVYDy6XCXAGsF72jDprpLDDNLeBenxT2y9XFy1mXIMM4nNhgHoRp751Um9QFPPpPQfNlLRDw==";
/// One for a user.
const OF_A_USER: &str = "ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg6vAK5mJrlDFpbm0jvsv2V0+tFcT3KgOr/jwfD3NpBe4AAAADAQABAAABgQDOm7cyzpghFQv5DV/IC6K5WUXFdwAUmy3Yn/Loq9Lo0VxOz7njWAKbbwMFLMm86t83wAFQuVB86dO83lJVl8YD2Bmf0OYRT3hgmRNtL93oVDOKZdiPhPSsnqbas8q1mSZqsjKvPon8osGC0hvfAF3UGaqZ83ejKbojqTQCi+Zn5pz+cfqJ8z/ezqehi+INWtLcup0Mt3d9XdxfWsHTqDuObXuERhQS92wv9n98ileYXb2epZWzYn8QqBiXZOlgFPz48csyCEwfOZmqKpD1icvOEvd1BjsiZb44ccTEhS951MihpcExjHaHtE0CE+nQGuflHSN172ZTL2azXTYSj6GRzdlRehqgdt3ulVz29MgV2D8lbZPQCF02HmkVSZHG1L8ycq4M+NEwUelE87I6VjsxRkYyhA+n3va1rOqtQY3c3zFFPmoSaOjli7Uw6wn+rTRurLo6NpIXQyXZpA6yuM8TQTUpQufx5bZsjNiowOK4MXe5a9aMVPrGtip8O21gZ/cAAAAAAAAAAAAAAAEAAAAEdXNlcgAAABMAAAAPZ2l0LmV4YW1wbGUuY29tAAAAAGlVuQAAAAAAazbsgAAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIMnIivMMNwWe7c9QuqmsJ1HEd9OCnvy588ToSq+0jVGhAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEBo9pek5mm6Gz5Fu/780EzX/qVkQOJgzSDGLO7lRTkTSeS2N9NqAWiYt69jtnyuuCkDjNBWgbTIi/2XuT9u93cO";

/// A moment in June 2026, in seconds since 1970.
const JUNE: u64 = 1_780_300_000;

#[track_caller]
fn check(file: &str, name: &str, expected: Verdict) {
    let known = Known::of(name, &[file.to_owned()]);
    let key = PublicKey::from_openssh(&format!("{ED25519} a comment")).unwrap();
    assert_eq!(known.key(&key), expected, "{name} in {file}");
}

#[test]
fn lines_of_known_hosts() {
    let line = |names: &str, key: &str| format!("{names} {key}\n");
    for (names, name, is_known) in [
        ("git.example.com", "git.example.com", true),
        ("GIT.example.com", "git.example.com", true),
        ("git.example.com", "git.example.org", false),
        ("git.example.com", "[git.example.com]:2222", false),
        ("[git.example.com]:2222", "[git.example.com]:2222", true),
        ("[*.example.com]:2222", "[git.example.com]:2222", true),
        ("a,b,git.example.com", "git.example.com", true),
        ("*.example.com,!git.example.com", "git.example.com", false),
        ("*.example.com,!www.*", "git.example.com", true),
        ("!git.example.com", "git.example.com", false),
        ("::1", "::1", true),
    ] {
        let expected = if is_known { Verdict::Trusted } else { Verdict::Unknown };
        check(&line(names, ED25519), name, expected);
    }
    check(HASHED, "git.example.com", Verdict::Trusted);
    check(HASHED, "[git.example.com]:2222", Verdict::Trusted);
    check(HASHED, "git.example.org", Verdict::Unknown);
    let name = "git.example.com";
    check(&format!("\n# {name} {ED25519}\n"), name, Verdict::Unknown);
    check(&format!("  {name}\t{ED25519}  who knows \r\n"), name, Verdict::Trusted);
    check(
        &format!("{name} ssh-ed25519 AAAA\n{name} {ED25519}\nnonsense\n{name} 1024 37 159\n"),
        name,
        Verdict::Trusted,
    );
    check(&line(name, ECDSA), name, Verdict::Changed);
    check(&(line(name, ECDSA) + &line(name, ED25519)), name, Verdict::Trusted);
    check(&format!("@revoked * {ED25519}\n{name} {ED25519}"), name, Verdict::Revoked);
    check(&format!("@cert-authority {name} {ED25519}"), name, Verdict::Unknown);
    check(&format!("@unheard-of {name} {ED25519}"), name, Verdict::Unknown);
}

#[test]
fn patterns() {
    for (pattern, name, expected) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*a*b*", "xxaxxbxx", true),
        ("*aab", "aaaab", true),
        ("", "a", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
    let many = "*a".repeat(40);
    assert!(!matches(&many, &"a".repeat(39)), "no pattern takes long");
}

#[test]
fn a_server_is_asked_for_the_keys_that_are_known() {
    let known = Known::of("github.com", &[]);
    let sha = |hash| Algorithm::Rsa { hash: Some(hash) };
    let all = known.algorithms();
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!((&all[0], &all[2], &all[3]), (&Algorithm::Ed25519, &sha(HashAlg::Sha512), &sha(HashAlg::Sha256)));
    assert!(Known::of("git.example.com", &[]).algorithms().is_empty());
    // Somebody's own file counts instead of what the forge publishes.
    let own = Known::of("github.com", &[format!("github.com {ECDSA}")]);
    assert_eq!(own.algorithms().len(), 1);
}

#[test]
fn an_authority_vouches_for_its_hosts() {
    let check = |certificate: &str, file: &str, host: &str, now: u64, expected: &str| {
        let certificate = Certificate::from_openssh(certificate).unwrap();
        let known = Known::of(host, &[file.to_owned()]);
        let said = known.certificate(&certificate, host, now).err().unwrap_or_default();
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said:?}, not {expected:?}");
    };
    let by = format!("@cert-authority * {AUTHORITY}");
    check(CERTIFICATE, &by, "git.example.com", JUNE, "");
    check(CERTIFICATE, &by, "www.example.org", JUNE, "");
    check(CERTIFICATE, &by, "git.example.net", JUNE, "its certificate is for git.example.com, *.example.org");
    check(CERTIFICATE, &by, "git.example.com", JUNE - 400 * 86_400, "out of date");
    check(CERTIFICATE, &by, "git.example.com", JUNE + 400 * 86_400, "out of date");
    check(CERTIFICATE, &format!("@cert-authority * {ED25519}"), "git.example.com", JUNE, "no authority");
    check(CERTIFICATE, &format!("* {AUTHORITY}"), "git.example.com", JUNE, "no authority");
    check(CERTIFICATE, &format!("{by}\n@revoked * {AUTHORITY}"), "git.example.com", JUNE, "is revoked");
    check(CERTIFICATE, &format!("{by}\n@revoked * {ECDSA}"), "git.example.com", JUNE, "is revoked");
    check(OF_A_USER, &by, "git.example.com", JUNE, "the certificate of a user");
}

/// What the forges publish, beside their names.
#[test]
fn the_keys_of_forges_are_those_that_they_publish() {
    let published = "\
        github.com SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU
        github.com SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM
        github.com SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s
        gitlab.com SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8
        gitlab.com SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw
        gitlab.com SHA256:ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ
        bitbucket.org SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM
        bitbucket.org SHA256:FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0
        bitbucket.org SHA256:46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E
        codeberg.org SHA256:mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g
        codeberg.org SHA256:T9FYDEHELhVkulEKKwge5aVhVTbqCW0MIRwAfpARs/E
        codeberg.org SHA256:6QQmYi4ppFS4/+zSZ5S4IU+4sa6rwvQ4PbhCtPEBekQ
        ssh.dev.azure.com SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og";
    let lines = FORGES.lines().filter(|line| !line.starts_with('#'));
    let shipped = lines.map(|line| {
        let (name, key) = line.split_once(' ').unwrap();
        format!("{name} {}", PublicKey::from_openssh(key).unwrap().fingerprint(HashAlg::Sha256))
    });
    let published: Vec<_> = published.lines().map(str::trim).collect();
    assert_eq!(shipped.collect::<Vec<_>>(), published);
}
