//! The page for people, over HTTP and in a real browser.

mod browser;
pub(crate) mod events;
mod site; // what the tests drive

mod showing;
mod signing_in;
mod streaming;
mod watching;
