//! The official SDKs, unchanged, against the real program.

mod installed; // reading order: getting them, running them, what they run
mod running;

mod checks;
mod tour;
