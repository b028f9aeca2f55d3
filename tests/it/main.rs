//! Everything that needs a socket, a process or the file system, in one binary.
#![allow(missing_docs, clippy::unwrap_used)]

mod corpus;
mod git_server;
mod mirror;
mod registry_client;
mod registry_server;
mod tidy;
