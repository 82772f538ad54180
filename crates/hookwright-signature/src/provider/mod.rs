//! Requests of other people's webhooks: prove that the provider made them, for every kind a source can have.
//!
//! A [`SourceConfig`] is made once, from a [`Source`] in code or from a [`SourceKind`] and the fields of a
//! configuration, and [verifies](SourceConfig::verify) every request over the bytes as they came. What it learns on the way comes back as [`Verified`]: the
//! provider's id and event type, and the answer where the provider asks for a certain one.
//!
//! ```
//! use hookwright_signature::provider::{Inbound, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Source::github("It's a Secret to Everybody").config()?;
//! let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
//! let headers = [("X-GitHub-Event", "ping"), ("X-Hub-Signature-256", signature)];
//! let request = Inbound { body: b"Hello, World!", headers: &headers, ..Inbound::POST };
//!
//! let verified = config.verify(&request, 1_700_000_000)?;
//! assert_eq!(verified.event_type.as_deref(), Some("ping"));
//! assert!(config.verify(&Inbound { body: b"Hello, Mallory!", ..request }, 1_700_000_000).is_err());
//! # Ok(())
//! # }
//! ```

mod kind; // reading order: which kinds there are, what a source is given, what a request proves
mod scheme;
mod table;
mod source;
mod config;
mod fields;
mod request;
mod verify;
mod sign;
mod recipe;
mod ed25519;
mod template;
mod mac;
mod facts;
mod handshake;
mod credentials;
mod error;

pub use config::SourceConfig;
pub use error::{ConfigError, Refused, SignError};
pub use kind::{Evidence, SourceKind};
pub use request::{Answer, Headers, Inbound, Signed, Verified};
pub use source::Source;

/// How far a signed timestamp may be from the receiver's time, in seconds and either direction.
pub const TOLERANCE_SECONDS: u64 = crate::DEFAULT_TOLERANCE.as_secs();
