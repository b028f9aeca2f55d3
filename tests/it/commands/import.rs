//! `import`: what other tools were told, and what becomes of it.

mod environment;
