//! The page for people, over HTTP and in a real browser.

mod site; // what the tests drive
mod browser;
mod events;

mod signing_in;
mod showing;
mod streaming;
mod watching;
