//! What stands in a file, and how to change it.

mod dialect;
mod edit;
mod problem;
mod shape;
mod yaml;

pub use problem::{Place, Problem, Severity};
