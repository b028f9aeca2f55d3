//! Everything that needs a socket, a process or the file system, in one binary.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up stops there")]

mod binary;
mod commands;
mod connections;
mod corpus;
mod deploy;
mod dialects;
mod docs;
mod doctor;
mod git_server;
mod github_api;
mod hooks;
mod law;
mod leaks;
mod mirror;
mod pass;
mod registry_client;
mod registry_server;
mod settings;
mod ssh_server;
mod tidy;
mod tls;
mod tls_server;
