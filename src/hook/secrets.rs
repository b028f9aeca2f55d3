//! The secrets of a source, and whether they can be guessed.

use crate::secret::Secret;

/// The shortest secret, in bytes.
const LEAST: usize = 16;

/// How many different characters a secret has at least: a repeated word is no secret.
const LEAST_DIFFERENT: usize = 8;

/// The secrets of one source. There is more than one while it is being changed: each of them counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets(Vec<Secret>);

/// A secret that could be guessed, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Nothing is there.
    #[error("there is no secret in it")]
    Missing,
    /// It could be guessed.
    #[error(
        "a secret in it has fewer than {LEAST} characters, or fewer than {LEAST_DIFFERENT} different ones, and can be \
         guessed; make one with `openssl rand -hex 32`"
    )]
    Guessable,
    /// It has characters that do not belong in a secret.
    #[error("a secret in it has other characters than those of ASCII; make one with `openssl rand -hex 32`")]
    Characters,
    /// It cannot stand in a URL.
    #[error("a secret in it cannot stand in a URL, where this sender shows it; make one with `openssl rand -hex 32`")]
    NotForUrls,
}

impl Secrets {
    /// Reads secrets, one to a line.
    ///
    /// # Errors
    /// [`WeakSecret`] for the first that is none.
    pub fn parse(text: &str, in_url: bool) -> Result<Self, WeakSecret> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<_> = lines.map(|line| strong(line, in_url)).collect::<Result<_, _>>()?;
        if secrets.is_empty() { Err(WeakSecret::Missing) } else { Ok(Self(secrets)) }
    }

    /// Each of them, for the comparison and for nothing else.
    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Secret::expose)
    }
}

fn strong(line: &str, in_url: bool) -> Result<Secret, WeakSecret> {
    if !line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(WeakSecret::Characters);
    }
    let mut different: Vec<u8> = line.bytes().collect();
    different.sort_unstable();
    different.dedup();
    if line.len() < LEAST || different.len() < LEAST_DIFFERENT {
        return Err(WeakSecret::Guessable);
    }
    let fits = line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    if in_url && !fits { Err(WeakSecret::NotForUrls) } else { Ok(Secret::new(line)) }
}

#[cfg(test)]
mod tests {
    use super::{Secrets, WeakSecret};

    #[test]
    fn what_can_be_guessed_is_no_secret() {
        for (text, in_url, expected) in [
            ("0123456789abcdef\n", true, Ok(1)),
            ("0123456789abcdef\nfedcba9876543210\n\n", true, Ok(2)),
            ("0123456789abcdef+/=", false, Ok(1)),
            ("0123456789abcdef+/=", true, Err(WeakSecret::NotForUrls)),
            ("", true, Err(WeakSecret::Missing)),
            (" \n\n", true, Err(WeakSecret::Missing)),
            ("0123456789abcde", true, Err(WeakSecret::Guessable)),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", true, Err(WeakSecret::Guessable)),
            ("0123456789abcdef\nchangeme", true, Err(WeakSecret::Guessable)),
            ("correct horse battery staple", false, Ok(1)),
            ("correct horse battery staple", true, Err(WeakSecret::NotForUrls)),
            ("0123456789\tabcdef", false, Err(WeakSecret::Characters)),
            ("0123456789abcdefü", false, Err(WeakSecret::Characters)),
        ] {
            assert_eq!(Secrets::parse(text, in_url).map(|secrets| secrets.each().count()), expected, "{text:?}");
        }
    }
}
