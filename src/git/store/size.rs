//! How much our copy has become, and when that is too much. Must not know what is done about it.

use std::fs::{self, DirEntry};
use std::path::Path;

/// Each fetch adds a pack, and reading slows down with their number.
const MOST_PACKS: usize = 200;

/// Each commit of ours adds a few single objects.
const MOST_OBJECTS: usize = 5_000;

/// What a copy may take beside the double of its largest pack, which is mostly the one that it began with.
const SPARE_BYTES: u64 = 64 << 20;

/// What is in a copy.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    packs: usize,
    objects: usize,
    bytes: u64,
    largest: u64,
}

impl Size {
    /// Of the objects in this folder. What cannot be read takes nothing.
    pub(super) fn of(objects: &Path) -> Self {
        let mut size = Self::default();
        for entry in entries(objects) {
            let is_pack_folder = entry.file_name() == "pack";
            for file in entries(&entry.path()) {
                let bytes = file.metadata().map_or(0, |file| file.len());
                size.bytes += bytes;
                if !is_pack_folder {
                    size.objects += 1;
                } else if file.path().extension().is_some_and(|end| end == "pack") {
                    size.packs += 1;
                    size.largest = size.largest.max(bytes);
                }
            }
        }
        size
    }

    /// Whether a new copy would be much smaller, or faster to read.
    pub(super) fn is_too_much(&self) -> bool {
        let most = self.largest.saturating_mul(2).saturating_add(SPARE_BYTES);
        self.packs > MOST_PACKS || self.objects > MOST_OBJECTS || self.bytes > most
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}
