//! The kit's own behaviour, seen by plain TCP clients.

mod breaking;
mod client;
mod plain;
mod postgres;
mod process;
mod proxy;
mod replies;
mod tls;
mod waits;
