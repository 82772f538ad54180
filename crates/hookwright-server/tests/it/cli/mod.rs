//! The command line, as a user has it: the real binary, its output and its exit code.

mod bench;
mod demo;
