//! The config repository of the demo and the releases that follow. The manifests are those of
//! `fixtures/demo`, in the binary; only the registry's address is put in.

use std::time::Duration;

use super::{Error, PATIENCE, POLL, wrong};
use crate::path::RepoPath;

/// The registry's address as the fixtures have it.
const ADDRESS: &str = "127.0.0.1:5000";

const FILES: &[(&str, &str)] = &[
    ("kustomization.yaml", include_str!("../../fixtures/demo/kustomization.yaml")),
    ("apps/billing/billing.yaml", include_str!("../../fixtures/demo/apps/billing/billing.yaml")),
    ("apps/billing/invoices.yaml", include_str!("../../fixtures/demo/apps/billing/invoices.yaml")),
    ("apps/nordic-app/deployment.yaml", include_str!("../../fixtures/demo/apps/nordic-app/deployment.yaml")),
    ("apps/shop/shop.yaml", include_str!("../../fixtures/demo/apps/shop/shop.yaml")),
    ("apps/web/nginx.yaml", include_str!("../../fixtures/demo/apps/web/nginx.yaml")),
    ("infra/ingress.yaml", include_str!("../../fixtures/demo/infra/ingress.yaml")),
];

/// Images that are released together.
#[derive(Debug)]
pub(super) struct Release {
    /// Repository and tag.
    pub(super) images: &'static [(&'static str, &'static str)],
    /// Why this is interesting.
    pub(super) about: &'static str,
    /// Whether a commit follows.
    pub(super) lands: bool,
}

/// What happens in the demo, in this order.
pub(super) const RELEASES: &[Release] = &[
    Release {
        images: &[("nordic/app", "master-f00ba47")],
        about: "a build of master: nordic-app follows the newest master-*",
        lands: true,
    },
    Release {
        images: &[
            ("library/nginx", "1.2.10"),
            ("library/nginx", "1.3.0"),
            ("shop/cart", "1.2.7"),
            ("shop/cart", "1.3.0"),
        ],
        about: "patches and new minors: web wants 1.2.*, cart wants ~1.2, one commit for both",
        lands: true,
    },
    Release {
        images: &[("shop/shop", "v2.0.0-rc.1"), ("billing/api", "2.1.0"), ("nordic/app", "feature-login-77")],
        about: "a pre-release, an image that is locked, a build of another branch",
        lands: false,
    },
    Release {
        images: &[("shop/shop", "v2.0.0"), ("billing/invoices", "build-10")],
        about: "shop takes every stable release; for invoices build 10 is newer than build 9",
        lands: true,
    },
];

impl Release {
    /// How long to wait for a commit: where none is expected, long enough for every poll to have
    /// seen the release.
    pub(super) fn patience(&self) -> Duration {
        if self.lands { PATIENCE } else { POLL * 3 }
    }
}

/// The manifests, with images in the registry at `address`.
pub(super) fn files(address: &str) -> Result<Vec<(RepoPath, Vec<u8>)>, Error> {
    let file = |(path, text): &(&str, &str)| {
        let path = RepoPath::parse(path).map_err(wrong)?;
        Ok((path, text.replace(ADDRESS, address).into_bytes()))
    };
    FILES.iter().map(file).collect()
}
