//! The official SDKs, unchanged, against the real program; and receivers in their languages, which the real program sends to.

mod installed; // reading order: getting them, running them, what they run
mod running;

mod answerable;
mod checks;
mod django;
mod receivers;
mod tour;
