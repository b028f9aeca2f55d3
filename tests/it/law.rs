//! The law: byte-exactness, held by tables, by generated files and by anything at all.
//!
//! | file | what it holds |
//! |---|---|
//! | `law/file.rs` | the one door to the API |
//! | `law/damage.rs` | what the tools of this field do to files, row by row, and what we do instead |
//! | `law/generate.rs` | files of which it is known where each image stands, since it was put there |
//! | `law/generated.rs` | what must hold for all of those |
//! | `law/any_bytes.rs` | what must hold for any bytes: the fuzz targets are these functions |
//! | `law/words.rs` | what must hold when annotations come, change and go |
//! | `law/kept.rs` | the seeds, and what once fell to a fuzz target |

mod any_bytes;
mod damage;
mod file;
mod generate;
mod generated;
mod kept;
mod words;
