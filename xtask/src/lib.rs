//! What the repository checks about itself: each check is a function from the tree to its findings.

mod blank;
mod checks;
mod finding;
mod markdown;
mod paths;
mod source;
mod tree; // reading order: the files, what is said of them, how Rust and Markdown are read, then the checks

pub use crate::checks::{CHECKS, Check, run_all};
pub use crate::finding::Finding;
pub use crate::tree::{File, Tree};
