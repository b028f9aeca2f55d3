//! Parses the arguments, runs, and maps the outcome to an exit code.

fn main() {}
