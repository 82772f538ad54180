//! The server, the pages and the command line, each driven from outside.

mod cli;
