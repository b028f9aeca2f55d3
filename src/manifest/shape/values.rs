//! Images in the values of a chart: in a `HelmRelease`, a values file, an Argo CD `Application`.
//!
//! Knows how charts write images (`image`, `repository`, `tag`, …) and what annotations call them; must
//! not know which objects have values. `level.rs` lays values over one another, `parts.rs` tells which
//! keys say an image.

mod level;
mod parameters;
mod parts;

use super::super::dialect::CHART_IMAGE;
use super::super::yaml::NodeRef;
use super::field_path::FieldPath;
use super::{Ask, Find, Slot};
use crate::path::RepoPath;
pub(super) use level::{Layer, Level};
pub(super) use parameters::Parameters;
pub(super) use parts::{Found, Width, at_path, explicit};

/// How many aliases of one object are looked up by path.
pub(super) const MOST_ALIASES: usize = 100;

/// Adds a slot for each image of these values: at the top (`chart-image`), one level down under each key
/// `K` (`K`), and deeper where the alias of an annotation is the path with dots, of the image or of the
/// mapping around it. Aliases that have a path of their own are left to
/// [`read_paths`](super::anywhere::read_paths), which comes behind. `file` is the file of the values
/// where it is not that of the object.
pub(super) fn read<'a>(values: NodeRef<'a>, ask: &Ask<'_>, file: Option<&'a RepoPath>, find: &mut Find<'a>) {
    read_level(&Level::of(values, file), ask, find);
}

/// As [`read`], for values that lie over one another.
pub(super) fn read_level<'a>(values: &Level<'a>, ask: &Ask<'_>, find: &mut Find<'a>) {
    find.is_chart = true;
    if let Some(found) = parts::at(values) {
        consider(CHART_IMAGE, &found, false, ask, find);
    }
    for (key, level) in values.entries() {
        match parts::at(&level) {
            Some(found) => consider(key, &found, true, ask, find),
            None if ask.aliases.contains(key) => find.hidden = find.hidden.or_else(|| level.hidden_image()),
            None => {}
        }
    }
    find.hidden = find.hidden.or_else(|| values.hidden_image());
    let named: Vec<&str> = ask.aliases.iter().copied().filter(|alias| !ask.paths.contains_key(alias)).collect();
    for alias in named.into_iter().filter(|alias| *alias != CHART_IMAGE).take(MOST_ALIASES) {
        if find.slots.iter().any(|slot| slot.name.as_deref() == Some(alias)) {
            continue;
        }
        let Ok(path) = FieldPath::parse(alias) else { continue };
        let Ok(level) = values.look(&path) else { continue };
        let found = parts::at(&level).or_else(|| explicit(values, &path, &level, Width::Flux));
        if let Some(found) = found {
            super::anywhere::give_way(alias, &found, ask, find);
            consider(alias, &found, true, ask, find);
        }
    }
}

/// The tag of an image whose repository is written nowhere in these values.
pub(super) fn lone_tag<'a>(values: &Level<'a>, alias: &str) -> Option<Layer<'a>> {
    let around =
        if alias == CHART_IMAGE { values.clone() } else { values.look(&FieldPath::parse(alias).ok()?).ok()? };
    let image = around.get("image")?;
    image.get("tag")?.scalar().filter(|_| image.get("repository").is_none())
}

/// Adds the image, unless it is none and nobody asked for it.
fn consider<'a>(alias: &str, found: &Found<'a>, is_aside: bool, ask: &Ask<'_>, find: &mut Find<'a>) {
    let is_named = ask.aliases.contains(alias);
    if ask.paths.contains_key(alias) || (!is_named && found.spot.read(found.file.unwrap_or(ask.file)).is_err()) {
        return;
    }
    find.slots.push(found.slot(alias, is_aside));
}

impl<'a> Found<'a> {
    /// The slot of this image.
    pub(super) fn slot(&self, alias: &str, is_aside: bool) -> Slot<'a> {
        Slot {
            name: Some(alias.to_owned().into()),
            spot: Some(self.spot),
            file: self.file,
            node: self.spot.carrier(),
            position: alias.to_owned(),
            is_aside,
        }
    }
}

#[cfg(test)]
mod tests;
