//! What `demo` and `bench` are played on: a real server as a child process, a client of its API, and a receiver.
//!
//! Everything between them goes over HTTP on loopback, as it would between machines; nothing reaches into
//! the server from inside.

mod api; // reading order: who asks, who serves, who receives
mod child;
mod cores;
mod interrupt;
mod number;
mod receiver;

use std::process::ExitStatus;

use hyper_util::client::legacy::connect::HttpConnector;

pub(crate) use api::{Api, AttemptOut, HttpClient, accepted, http_client};
pub(crate) use child::{ChildServer, DATABASE_FILE, ServerSetup};
pub(crate) use cores::Core;
pub(crate) use interrupt::interrupted;
pub(crate) use number::grouped;
pub(crate) use receiver::{Answer, Answering, Receiver, RefusingPort, Webhook};

/// Why the rig could not be built, or broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RigError {
    /// A socket, a file or a process of the rig could not be had.
    #[error("Could not {what}.")]
    Io {
        /// What was tried, as an infinitive.
        what: &'static str,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("The operating system gave no random bytes for a token.")]
    Random(#[source] getrandom::Error),
    /// The server ended before it was ready.
    #[error("The server ended at its start ({status}). Its last words:\n{log}")]
    ServerEnded {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote.
        log: String,
    },
    /// The server did not get ready in time.
    #[error("The server was not ready after {seconds} s. Its last words:\n{log}")]
    ServerNotReady {
        /// How long it was waited for.
        seconds: u64,
        /// The end of what it wrote.
        log: String,
    },
    /// A request could not be made from its parts.
    #[error("A request could not be put together.")]
    Request(#[source] http::Error),
    /// A request could not be signed as its provider does.
    #[error("A request could not be signed.")]
    Unsigned(#[source] hookwright_signature::provider::SignError),
    /// There was no answer.
    #[error("The server did not answer.")]
    NoAnswer(#[source] hyper_util::client::legacy::Error),
    /// There was no answer in time.
    #[error("The server did not answer within {seconds} s.")]
    TooSlow {
        /// How long it was waited for.
        seconds: u64,
    },
    /// An answer broke off.
    #[error("The answer of the server broke off.")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused what was asked of it.
    #[error("The server answered {status} to {path}: {body}")]
    Refused {
        /// The status it answered.
        status: http::StatusCode,
        /// What was asked.
        path: String,
        /// The beginning of its answer.
        body: String,
    },
    /// The answer is not the JSON that was expected.
    #[error("The answer of the server to {path} is not what was expected.")]
    Unexpected {
        /// What was asked.
        path: String,
        /// What is wrong with the answer.
        #[source]
        source: serde_json::Error,
    },
}

impl RigError {
    fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> RigError {
        move |source| RigError::Io { what, source }
    }
}

/// Connections that send what they are given at once, instead of waiting for more to fill a packet.
fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}
