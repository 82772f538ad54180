//! Requests of providers: what each kind takes, and what it refuses.

#![cfg(feature = "providers")]

mod config;
mod documented;
mod handshakes;
mod hostile;
mod sent;
mod source;
mod tampered;
mod vectors;
