//! A text that must never be printed. Floor 0: knows nothing of what it protects.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A password, a token or a whole `Authorization` header. It has no `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes a text out of circulation.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The value of an `Authorization` header that shows a user and a password.
    pub(crate) fn basic(user: &str, password: &Self) -> Self {
        Self(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.0))).into())
    }

    /// `text` without it, should whoever was shown it have repeated it. Of an `Authorization` header, what stands
    /// behind its scheme is hidden, and the password in that, or the user where a token stands in its place.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        let basic = self.0.strip_prefix("Basic ");
        let shown = basic.or_else(|| self.0.strip_prefix("Bearer ")).unwrap_or(&self.0);
        let pair = basic.and_then(|pair| String::from_utf8(BASE64_STANDARD.decode(pair).ok()?).ok());
        let password = pair
            .as_deref()
            .and_then(|pair| pair.split_once(':'))
            .map(|(user, password)| if password.is_empty() { user } else { password });
        // Three letters are no secret but may well be a part of every word.
        let hidden = [Some(shown), password].into_iter().flatten().filter(|secret| secret.len() > 3);
        hidden.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    /// The text itself, for the wire and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn nothing_of_it_is_printed() {
        let password = Secret::new("hunter2");
        assert_eq!(format!("{:?}", Some(&password)), "Some(Secret(…))");
        assert_eq!(Secret::basic("bob", &password).expose(), "Basic Ym9iOmh1bnRlcjI=");
    }

    #[track_caller]
    fn check(secret: &str, text: &str, hidden: &str) {
        assert_eq!(Secret::new(secret).hide_in(text), hidden);
    }

    #[test]
    fn what_others_repeat_of_it_is_hidden() {
        check("hunter2", "bob:hunter2 is wrong: hunter2", "bob:… is wrong: …");
        check("Bearer hunter2", "no such token: Bearer hunter2", "no such token: Bearer …");
        check("Basic Ym9iOmh1bnRlcjI=", "Basic Ym9iOmh1bnRlcjI= is bob with hunter2", "Basic … is bob with …");
        check("Basic aHVudGVyMjo=", "aHVudGVyMjo= is hunter2", "… is …");
        check("Basic Ym9iOm5v", "bob, there is nothing", "bob, there is nothing");
        check("", "nothing", "nothing");
    }
}
