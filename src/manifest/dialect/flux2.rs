//! Flux version 2: comments such as `# {"$imagepolicy": "flux-system:app:tag"}`, and the `ImagePolicy`
//! and `ImageRepository` objects that they name.
//!
//! Read as plain data, file by file. Must not know which files there are: who names whom is joined by
//! the floor above.

mod object;
mod rule;

use std::collections::BTreeMap;
use std::fmt;

use super::nearest;
pub(in crate::manifest) use object::read;
pub use object::{ImagePolicy, ImageRepository, ObjectName};

/// The key that makes a comment a marker.
pub(in crate::manifest) const KEY: &str = "$imagepolicy";

/// What a marker asks to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The namespace of the policy.
    pub namespace: Box<str>,
    /// The name of the policy.
    pub policy: Box<str>,
    /// Which part of the chosen image.
    pub part: ImagePart,
}

/// A part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePart {
    /// The whole image.
    Whole,
    /// `:tag`
    Tag,
    /// `:name`, the repository.
    Name,
    /// `:digest`
    Digest,
}

/// What a comment asks for; `None` for one that is no marker, and the message with its mend for one that
/// was meant to be one. Flux wants the whole comment to be one JSON object of texts.
pub(in crate::manifest) fn read_comment(comment: &str) -> Option<Result<Wish, (String, String)>> {
    if !comment.starts_with('{') {
        return None;
    }
    if !comment.contains(KEY) {
        let is_shouted = comment.to_ascii_lowercase().contains(KEY);
        return is_shouted.then(|| {
            let mend = format!("write `{KEY}` in lower case");
            Err(("Flux knows no such key, since capitals count, and passes over the marker".to_owned(), mend))
        });
    }
    let wrong = |message: String| {
        (message, format!("write `# {{\"{KEY}\": \"namespace:name:tag\"}}` and nothing else in the comment"))
    };
    Some(match serde_json::from_str::<BTreeMap<String, String>>(comment) {
        Err(error) => Err(wrong(format!("the marker is no JSON object of texts: {error}"))),
        Ok(words) => {
            words.get(KEY).ok_or_else(|| wrong(format!("the marker has no key `{KEY}`"))).and_then(|value| wish(value))
        }
    })
}

fn wish(value: &str) -> Result<Wish, (String, String)> {
    let mut parts = value.splitn(3, ':');
    let (namespace, policy, suffix) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    if namespace.trim().is_empty() || policy.trim().is_empty() {
        let mend = "write both, as in `flux-system:app`";
        return Err((format!("`{value}` is no `namespace:name` of a policy"), mend.to_owned()));
    }
    let part = match suffix {
        None => ImagePart::Whole,
        Some("tag") => ImagePart::Tag,
        Some("name") => ImagePart::Name,
        Some("digest") => ImagePart::Digest,
        Some(suffix) => {
            let mend = match nearest(suffix, ["tag", "name", "digest"].into_iter(), |known| known) {
                Some(meant) => format!("did you mean `:{meant}`?"),
                None => {
                    "write `:tag`, `:name` or `:digest` behind the name of the policy, or nothing for the whole image"
                        .to_owned()
                }
            };
            return Err((format!("`{value}` asks for the unknown part `{suffix}`"), mend));
        }
    };
    Ok(Wish { namespace: namespace.into(), policy: policy.into(), part })
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.policy)
    }
}
