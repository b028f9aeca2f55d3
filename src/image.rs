//! What an image is called: exactly as written, and exactly as meant.
//!
//! Floor 0. Pure words: no I/O, no policy, no YAML. Everything above parses text into these types
//! once, at the door, and from then on no tag, digest or image name travels as a `&str`.
//!
//! ```
//! use landwaiter::image::{Reference, Tag};
//!
//! let image: Reference = "docker.io/nginx:1.25".parse().unwrap();
//! assert_eq!(image.repository().to_string(), "docker.io/library/nginx");
//! assert_eq!(image.with_tag(&Tag::parse("1.27").unwrap()), "docker.io/nginx:1.27");
//! ```

mod digest;
mod reference;
mod repository;
mod tag;

pub use digest::{Digest, InvalidDigest};
pub use reference::{InvalidReference, Reference};
pub use repository::{InvalidRepository, Registry, Repository};
pub use tag::{InvalidTag, Tag};
