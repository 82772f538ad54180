//! The server `hookwright`: the engine behind HTTP, pages and a command line.

pub mod server; // reading order: a process serves

mod api;
mod auth;
mod middleware;
mod pages;
pub mod telemetry;

pub use api::openapi;
