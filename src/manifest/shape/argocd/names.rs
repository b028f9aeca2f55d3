//! What annotations call the images in `kustomize.images`: by the last part of a name, and where several
//! images share that, by the whole path with dots.
//!
//! Must not know what annotations say.

use std::collections::{BTreeSet, HashMap};

/// The names that an image can have, the best first: those of the image that it replaces, and its own.
struct Names<'a> {
    short: [&'a str; 2],
    whole: [String; 2],
}

/// One name for each image, as it is written: one that annotations use, if that means no other image, or
/// the first one that means no other. `None` where nothing is written.
pub(super) fn of<'a>(images: impl Iterator<Item = &'a str>, used: &BTreeSet<&str>) -> Vec<Option<String>> {
    let all: Vec<Names<'a>> = images.map(Names::of).collect();
    let mut whole: HashMap<&str, usize> = HashMap::new();
    let mut any: HashMap<&str, usize> = HashMap::new();
    for names in &all {
        for name in names.whole.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            *whole.entry(name).or_default() += 1;
        }
        for name in names.all().collect::<BTreeSet<_>>() {
            *any.entry(name).or_default() += 1;
        }
    }
    // A whole name means the image that has it, whatever the parts of others are.
    let is_own = |names: &Names<'a>, name: &str| match whole.get(name) {
        Some(count) => *count == 1 && names.whole.iter().any(|whole| whole == name),
        None => any.get(name) == Some(&1),
    };
    let name = |names: &Names<'a>| {
        let mut own = names.all().filter(|name| is_own(names, name));
        let first = own.next().or(Some(names.short[0]));
        let said = names.all().find(|name| used.contains(name) && is_own(names, name));
        said.or(first).filter(|name| !name.is_empty()).map(str::to_owned)
    };
    all.iter().map(name).collect()
}

impl<'a> Names<'a> {
    fn of(image: &'a str) -> Self {
        let (old, new) = image.split_once('=').unwrap_or((image, image));
        let bare = [old, new].map(|image| {
            let image = image.split('@').next().unwrap_or(image);
            let last = image.rfind('/').map_or(0, |slash| slash + 1);
            image[last..].find(':').map_or(image, |colon| &image[..last + colon])
        });
        let path = |name: &str| match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path.replace('/', "."),
            _ => name.replace('/', "."),
        };
        Self { short: bare.map(|name| name.rsplit('/').next().unwrap_or(name)), whole: bare.map(path) }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.short.into_iter().chain(self.whole.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(images: &[&str], used: &[&str], expected: &[&str]) {
        let names = super::of(images.iter().copied(), &used.iter().copied().collect());
        let names: Vec<_> = names.iter().map(|name| name.as_deref().unwrap_or("-")).collect();
        assert_eq!(names, expected, "{images:?} {used:?}");
    }

    #[test]
    fn an_image_has_the_name_that_means_no_other() {
        check(&["q.io/shop/web:1", "localhost:5000/db@sha256:0", "x"], &[], &["web", "db", "x"]);
        check(&["front=q.io/shop/web:1"], &[], &["front"]);
        check(&["front=q.io/shop/web:1"], &["web"], &["web"]);
        check(&["front=q.io/shop/web:1"], &["shop.web"], &["shop.web"]);
        check(&["q.io/old/front=q.io/shop/web:1", "b"], &["other"], &["front", "b"]);
        check(&["nginx:1", "bitnami/nginx:1"], &[], &["nginx", "bitnami.nginx"]);
        check(&["a/nginx:1", "b/nginx:1"], &["nginx", "b.nginx"], &["a.nginx", "b.nginx"]);
        check(&["a=nginx:1", "b=nginx:2"], &["nginx"], &["a", "b"]);
        check(&["a=web:1", "b=a:2"], &[], &["web", "b"]);
        check(&["nginx:1", "nginx:2"], &[], &["nginx", "nginx"]);
        check(&["", "=", ":1"], &[], &["-", "-", "-"]);
    }
}
