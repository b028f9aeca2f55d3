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
//! | `client`, `options` | what all questions share, and how they are asked |
//! | `look` | which tags there are: asked when it is time |
//! | `images` | when their images were made |
//! | `digest` | what a tag points at |
//! | `details` | what stands behind it, for a person who looks |
//! | `site` | what is set for one registry, or for a part of it |
//! | `standing` | the same as it would be used, for those who check a configuration |
//! | `checkup` | who we are, and whether a registry is there, for a person who looks |
//! | `schedule` | when it is time (pure) |
//! | `belief` | which tags are believed to be there, list by list (pure) |
//! | `dates`, `vendor` | when tags were pushed, where a vendor tells it |
//! | `store` | what is known, in memory and on disk |
//! | `listing` | all pages of a list, or that they are the known ones |
//! | `walk` | which page is asked next, and whether the pages are the whole list (pure) |
//! | `page` | a `Link` header → the next page of tags, on the same host (pure) |
//! | `metadata` | manifest, index and image configuration → created (pure) |
//! | `login` | a `401` → a token or a password, by the challenge of the registry |
//! | `challenge` | the `WWW-Authenticate` header (pure) |
//! | `keychain`, `helper` | which credential belongs to a repository: files, Docker's `config.json`, `docker-credential-*` |
//! | `transport` | one request: redirects, deadline, size limit, retries |
//! | `body` | the body of an answer, as far as it is wanted and as long as it comes |
//! | `wire` | which connections lead to which host: authorities, certificates and proxies of its own |
//! | `throttle` | when the next request to a host may go: at once, per second, by what it has left, and while it is dead |
//! | `told` | the headers of an answer → when we may come again, what is left, what time it is there (pure) |
//! | `hosts` | what is known of each host, for people and machines |
//! | `error` | what people read |

mod belief;
mod body;
mod challenge;
mod checkup;
mod client;
mod dates;
mod details;
mod digest;
mod error;
mod helper;
mod hosts;
mod images;
mod keychain;
mod listing;
mod login;
mod look;
mod metadata;
mod options;
mod page;
mod schedule;
mod site;
mod standing;
mod store;
mod throttle;
mod told;
mod traced;
mod transport;
mod vendor;
mod walk;
mod wire;

pub use crate::connection::{ClientCertificate, Proxy};
pub use checkup::store_status;
pub use client::Client;
pub use details::Details;
pub use error::Error;
pub use hosts::{HostStatus, Outage, QuotaStatus};
pub use look::Listing;
pub use options::{HostLimits, Options};
pub use schedule::Pace;
pub use site::{CredentialSource, InvalidPrefix, Prefix, Site, Sites};
pub use standing::{Setting, Standing, faults, standings};
pub use store::StoreStatus;
pub use vendor::Dates;
