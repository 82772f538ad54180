//! The server `hookwright`: the engine behind HTTP, pages and a command line.

pub mod cli; // reading order: a process starts, is configured, and serves
pub mod config;
pub mod server;

mod api;
mod auth;
mod inbound;
mod middleware;
mod nearest;
mod notify;
mod outgoing;
pub mod pages;
mod rest_hooks;
mod telemetry;

pub use api::openapi;
