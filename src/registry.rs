//! What tags exist, and when their images were made: asked patiently, within limits, completely.
//!
//! Floor 2. Knows image names and HTTP, and nothing of policies, manifests, plans or Git. The only
//! door to `reqwest` and `oci-distribution`.
//!
//! [`Client::tags`] gives the whole list of a repository or an [`Error`]; there is no half list.
//! [`Client::created`] reads the time out of the image configuration. In reading order:
//!
//! | module | what it is |
//! |---|---|
//! | `client`, `options` | the two questions, and how they are asked |
//! | `site` | what is set for one registry, or for a part of it |
//! | `store` | what is remembered between them |
//! | `page` | a `Link` header → the next page of tags, on the same host (pure) |
//! | `metadata` | manifest, index and image configuration → created (pure) |
//! | `login` | a `401` → a token or a password, by the challenge of the registry |
//! | `challenge` | the `WWW-Authenticate` header (pure) |
//! | `keychain`, `helper` | which credential belongs to a repository: files, Docker's `config.json`, `docker-credential-*` |
//! | `transport` | one request: redirects, deadline, size limit, retries |
//! | `throttle` | how many requests at once, and which host wants to be left alone |
//! | `error` | what people read |

mod challenge;
mod client;
mod error;
mod helper;
mod keychain;
mod login;
mod metadata;
mod options;
mod page;
mod site;
mod store;
mod throttle;
mod transport;

pub use client::{Client, Listing};
pub use error::Error;
pub use options::Options;
pub use site::{ClientCertificate, CredentialSource, InvalidPrefix, Prefix, Proxy, Site, Sites};
