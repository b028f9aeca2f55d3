//! The `WWW-Authenticate` header → how to log in. Pure: knows no credential and sends nothing.

use url::Url;

/// How a registry wants to be shown who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Fetch a token at `realm`, for `service`. `metadata` when the registry asks for that right
    /// too (Azure does for tag lists). `scope` when it wants one that is not for a repository at all
    /// (Amazon's public registry does: `aws`).
    Token { realm: Url, service: Option<String>, metadata: bool, scope: Option<String> },
    /// Send user and password with every request.
    Basic,
}

/// One challenge, such as `Bearer realm="…",service="…"`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

/// The way to log in that these headers offer; a token is preferred. `None` when they offer nothing
/// that we speak (`Negotiate`, `AWS4-HMAC-SHA256`, …).
///
/// `path` is the repository: a scope for another one is a placeholder and does not count.
pub(super) fn way<'a>(headers: impl IntoIterator<Item = &'a str>, path: &str) -> Option<Way> {
    let challenges: Vec<Challenge> = headers.into_iter().flat_map(read).collect();
    let token = challenges.iter().filter(|challenge| challenge.scheme == "bearer").find_map(|challenge| {
        let realm = Url::parse(challenge.parameter("realm")?).ok().filter(Url::has_host)?;
        let service = challenge.parameter("service").filter(|service| !service.is_empty()).map(str::to_owned);
        let metadata = challenge
            .parameter("scope")
            .and_then(|scope| scope.strip_prefix("repository:")?.strip_prefix(path)?.strip_prefix(':'))
            .is_some_and(|actions| actions.split(',').any(|action| action == "metadata_read"));
        let scope = challenge.parameter("scope").filter(|scope| is_a_word(scope)).map(str::to_owned);
        Some(Way::Token { realm, service, metadata, scope })
    });
    // A Bearer challenge whose realm is no URL comes from registries that take the password itself.
    let basic = || challenges.iter().any(|challenge| matches!(challenge.scheme.as_str(), "basic" | "bearer"));
    token.or_else(|| basic().then_some(Way::Basic))
}

impl Way {
    /// What a token for the repository at `path` has to be good for: to pull, and nothing more.
    pub(super) fn scope(&self, path: &str) -> String {
        match self {
            Self::Token { scope: Some(scope), .. } => scope.clone(),
            Self::Token { metadata: true, .. } => format!("repository:{path}:pull,metadata_read"),
            _ => format!("repository:{path}:pull"),
        }
    }

    /// Whether one token is good for every repository.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Token { scope: Some(_), .. })
    }
}

/// A scope that is one word is the name of a right of its own. `repository:user/image:pull` and `*` are
/// placeholders, or say what we say better ourselves.
fn is_a_word(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

impl Challenge {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The challenges of one header (RFC 7235 §4.1). What is no challenge is left out.
fn read(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return challenges;
        }
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // A word before `=` is a parameter of the challenge before it; any other begins a challenge.
        if let Some(value) = after.trim_start().strip_prefix('=') {
            let value = value.trim_start();
            let text;
            (text, rest) = value.strip_prefix('"').map_or_else(|| read_token(value), read_quoted);
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push((word.to_ascii_lowercase(), text));
            }
        } else {
            challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            rest = after;
        }
    }
}

fn read_token(text: &str) -> (String, &str) {
    let (token, rest) = text.split_at(text.find([' ', '\t', ',']).unwrap_or(text.len()));
    (token.to_owned(), rest)
}

/// What stands before the closing quote, and the text after it. `\` takes the next character as it is.
fn read_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Way, way};

    fn token(realm: &str, service: Option<&str>) -> Way {
        let (realm, service) = (Url::parse(realm).unwrap(), service.map(str::to_owned));
        Way::Token { realm, service, metadata: false, scope: None }
    }

    #[track_caller]
    fn check(header: &str, expected: impl Into<Option<Way>>) {
        assert_eq!(way([header], "org/app"), expected.into(), "{header}");
    }

    #[test]
    fn a_token_is_preferred() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#;
        check(hub, token("https://auth.docker.io/token", Some("registry.docker.io")));
        check(r#"bearer realm="https://a.example/t""#, token("https://a.example/t", None));
        check(r#"Bearer realm="https://a.example/t",service="""#, token("https://a.example/t", None));
        check("Bearer realm=https://a.example/t , service=s", token("https://a.example/t", Some("s")));
        check(r#"Bearer service="a, b=c",realm="https://a.example/t""#, token("https://a.example/t", Some("a, b=c")));
        check(r#"Bearer service="a\"b",realm="https://a.example/t""#, token("https://a.example/t", Some(r#"a"b"#)));
        check(
            r#"Basic realm="x", Bearer realm="https://a.example/t",service="s""#,
            token("https://a.example/t", Some("s")),
        );
        check(
            r#"Bearer realm="https://a.example/t",service="s",scope="*",Basic realm="https://a.example""#,
            token("https://a.example/t", Some("s")),
        );
        check(r#"Negotiate abc==, Bearer realm="https://a.example/t""#, token("https://a.example/t", None));
    }

    #[test]
    fn several_headers() {
        let headers = [r#"Basic realm="x""#, r#"Bearer realm="https://a.example/t""#];
        assert_eq!(way(headers, "org/app"), Some(token("https://a.example/t", None)));
    }

    #[test]
    fn otherwise_the_password_itself() {
        check(r#"Basic realm="Registry""#, Way::Basic);
        check("Basic", Way::Basic);
        check("BASIC realm=x", Way::Basic);
        check(r#"Bearer realm="/token""#, Way::Basic);
        check(r#"Bearer realm="not a url""#, Way::Basic);
        check(r#"Bearer realm="mailto:a@b.example""#, Way::Basic);
        check("Bearer", Way::Basic);
    }

    #[test]
    fn nothing_that_we_speak() {
        for header in ["", ",", "Negotiate", "Authenticate you must", r#"realm="x""#, "\"", "= = ="] {
            check(header, None);
        }
    }

    #[test]
    fn a_scope_for_this_very_repository_may_add_a_right() {
        for (scope, metadata) in [
            ("repository:org/app:metadata_read", true),
            ("repository:org/app:pull,metadata_read", true),
            ("repository:org/app:pull", false),
            ("repository:user/image:metadata_read", false),
            ("aws", false),
            ("*", false),
        ] {
            let header = format!(r#"Bearer realm="https://a.example/t",scope="{scope}""#);
            let found = way([header.as_str()], "org/app");
            assert!(matches!(found, Some(Way::Token { metadata: found, .. }) if found == metadata), "{scope}");
        }
    }

    #[test]
    fn the_scope_of_a_token_is_this_repository_or_a_word_of_the_registry() {
        for (scope, expected, shared) in [
            ("repository:org/app:pull,metadata_read", "repository:org/app:pull,metadata_read", false),
            ("repository:org/app:pull,push,delete", "repository:org/app:pull", false),
            ("repository:user/image:pull", "repository:org/app:pull", false),
            ("registry:catalog:*", "repository:org/app:pull", false),
            ("*", "repository:org/app:pull", false),
            ("", "repository:org/app:pull", false),
            ("aws", "aws", true),
        ] {
            let header = format!(r#"Bearer realm="https://a.example/t",scope="{scope}""#);
            let way = way([header.as_str()], "org/app").unwrap();
            assert_eq!((way.scope("org/app").as_str(), way.is_shared()), (expected, shared), "{scope}");
        }
    }
}
