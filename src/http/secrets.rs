//! Where the secrets of sources are kept, and what they are now.

use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fmt, fs};

use crate::hook::Secrets;
use crate::watched::Watched;

/// The largest file of secrets, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Where a secret is kept. It never stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file with one secret to a line. It is looked at when it is used, and a changed one is used at once.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
}

/// The secrets of one source, as they are now.
#[derive(Debug)]
pub(super) struct Kept(Watched<Secrets>);

impl Kept {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Where they are, what is wrong with them and how to mend it.
    pub(super) fn open(place: &SecretPlace, in_url: bool) -> Result<Self, String> {
        let files = match place {
            SecretPlace::File(path) => vec![path.clone()],
            SecretPlace::Environment(_) => Vec::new(),
        };
        let place = place.clone();
        Watched::open(files, move || read(&place, in_url)).map(Self)
    }

    /// What they are now. While the file cannot be read, the last good ones hold, with one warning.
    pub(super) fn now(&self) -> Arc<Secrets> {
        self.0.now()
    }
}

fn read(place: &SecretPlace, in_url: bool) -> Result<Secrets, String> {
    let text = match place {
        SecretPlace::File(path) => {
            let large = || format!("{place} is larger than {LARGEST} bytes, which no secret is");
            let length = fs::metadata(path).map_err(|error| format!("{place} cannot be read: {error}"))?.len();
            if length > LARGEST {
                return Err(large());
            }
            fs::read_to_string(path).map_err(|error| format!("{place} cannot be read: {error}"))?
        }
        SecretPlace::Environment(name) => env::var(name).map_err(|_| format!("{place} is not set"))?,
    };
    Secrets::parse(&text, in_url).map_err(|weak| format!("{place}: {weak}"))
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the secret in {}", path.display()),
            Self::Environment(name) => write!(f, "the secret in the variable {name}"),
        }
    }
}
