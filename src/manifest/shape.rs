//! Where images can stand in an object: one file per shape.
//!
//! Shapes know paths through a tree. They know nothing of annotations and policies.

pub(super) mod pod;
