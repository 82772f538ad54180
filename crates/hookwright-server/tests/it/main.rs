//! The server, its pages and its command line, each driven from outside.

#[cfg(test)]
mod api;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod pages;
