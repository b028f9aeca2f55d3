//! The world in a box: what `landwaiter demo` needs to show itself without a network.

pub mod registry;
