//! Tests of the server from outside.

// `cfg(test)` is always on here; it tells clippy that functions shared by tests may unwrap as tests do.
#[cfg(test)]
mod cli;
