//! The decisions for a whole config repository, as a value that can be printed, tested and committed.
//!
//! Floor 3. Pure: it is given texts, tag lists and the time, and gives back verdicts, edits and a
//! commit message. It knows no registry client and no Git.
//!
//! In reading order: [`Inventory`] (which containers are there, what is asked for them, which
//! repositories must be watched), [`Plan`] (a [`Verdict`] for each of them; [`Page`] by page with the
//! proved edits, and without what people took back), [`message`] (the commit message).

mod draw;
mod inventory;
pub mod message;
mod verdict;

pub use draw::{Change, Entry, Page, Plan};
pub use inventory::{Inventory, Memory, POLICIES, Reading, Readings, Scan, Scans, Source, Watch};
pub use verdict::{Hold, Update, Verdict};

#[cfg(test)]
mod tests;
