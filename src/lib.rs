//! Landwaiter watches container registries and commits new image tags to a config repository.
//!
//! This file is the map; it holds no code. Read [`reconcile`] next: one pass, top to bottom.
//!
//! ```text
//! git::Mirror ─fetch─► Snapshot ─files─► manifest::Manifest ─► Workload { containers } + Policy
//!                                                                 │  plan::Inventory
//!                                                                 ▼
//!                 registry::Client ◄── image::Repository (what to watch, each once)
//!                        │ Candidates (tag, created)              │
//!                        └──────────────► policy::decide ─► Decision ─► plan::Plan ─► manifest edits (proved)
//!                                                                                          │ (path, bytes) + message
//!                                                            git: blobs ─► tree ─► commit ─► push ─► PushOutcome
//! ```
//!
//! Nothing flows back up. A push that comes too late repairs nothing: it ends the pass, and the next
//! pass starts at fetch.
//!
//! # The floors
//!
//! Imports only go down, siblings on a floor are blind to each other, and floors 0, 1, 3,
//! `manifest` and `hook` are pure: no I/O, no clock, no logging. `tests/it/tidy.rs` keeps these rules.
//!
//! | floor | modules | what they know |
//! |---|---|---|
//! | 0 words | [`image`], [`path`]; under them `host`, `plain`, [`secret`] | what things are called, and what may be printed |
//! | 1 judgement | [`policy`] | which tag a container should run, and if not, why not |
//! | under the docks | `span`, `task`, `tls`, `watched`, `connection` (private) | what a trace is made of, for which pass work is done, whose certificates are trusted, when files changed, what is set for the connections to a host |
//! | 2 paper and docks | [`manifest`] · [`hook`] · [`registry`] · [`git`] | where an image stands in a text · what others tell by webhook · which tags exist · commits in, one commit out |
//! | 3 intention | [`plan`] | the decisions for a whole repository, as a value |
//! | 4 one pass, one port | [`reconcile`] · [`http`] | fetch, survey, scan, draw, commit, push · who may ask and tell us something by HTTP |
//! | 5 the parts | [`config`], [`telemetry`] | what a daemon is told, and where its log and its traces go |
//! | 6 the daemon | [`daemon`] | when to make a pass, for which config repository, and how to stop |
//! | 7 what is seen of it | [`health`] · [`metrics`] · [`status`] | whether it does its work, for machines · what can be measured of it · what it shows of itself to whoever may ask |
//! | 8 the demo | [`demo`] | the same parts on one machine |
//! | 9 the door | [`cli`] | what people ask for and what they are shown |

mod host;
pub mod image;
pub mod path;
mod plain;
pub mod secret;

pub mod policy;

mod connection;
mod span;
mod task;
mod tls;
mod watched;

pub mod git;
pub mod hook;
pub mod manifest;
pub mod registry;

pub mod plan;

pub mod http;
pub mod reconcile;

pub mod config;
pub mod telemetry;

pub mod daemon;

pub mod health;
pub mod metrics;
pub mod status;

pub mod cli;
pub mod demo;
