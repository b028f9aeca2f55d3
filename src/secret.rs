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
}
