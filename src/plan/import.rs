//! A repository that another tool manages, as Landwaiter sees it: what that tool chooses and what we will,
//! what has no equivalent, and the words of ours that say the same.
//!
//! Must not know how anything is written in files, nor how it is shown.

mod compare;
mod environment;
mod shared;
mod words;

pub use compare::{Agreement, Ours};
pub use environment::{Environment, Unsaid, Variable};
