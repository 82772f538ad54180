//! Standard Webhooks signatures: prove that a webhook is genuine, or sign your own.
//!
//! The crate does nothing but arithmetic on bytes you give it: no runtime, no HTTP client, no database, no
//! clock except in [`Verifier::verify`].
//!
//! # Receiving
//!
//! Make one [`Verifier`] at start from the secret the sender gave you, and hand it every request: the headers
//! as a lookup, and the body **as it came over the wire**. A body that was parsed and serialised again has
//! different bytes, and does not verify.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use hookwright_signature::Verifier;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier: Verifier = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
//!
//! let body = br#"{"test": 2432232314}"#;
//! let headers = HashMap::from([
//!     ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
//!     ("webhook-timestamp", "1614265330"),
//!     ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
//! ]);
//!
//! // This example is from 2021, so it says what time it is; a receiver calls `verify`, which asks the clock.
//! let verified = verifier.verify_at(|name| headers.get(name), body, 1_614_265_330)?;
//! assert_eq!(verified.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
//!
//! let forged = verifier.verify_at(|name| headers.get(name), b"{}", 1_614_265_330);
//! assert!(forged.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! With the `http` crate's map (axum, hyper, actix, reqwest) the lookup is `|name| headers.get(name)` too.
//! Answer 2xx only once the work is safe, and remember [`Verified::id`] for a while: senders deliver at least
//! once, and a repeated delivery has the same id.
//!
//! While a sender rotates its secret, give the verifier both: `"whsec_new… whsec_old…".parse()`, or
//! [`Verifier::with_key`]. For asymmetric signatures give it the public key, `whpk_…`.
//!
//! Two whole receivers are in `examples/`: `receive_with_axum` and `receive_with_hyper`.
//!
//! # Sending
//!
//! ```
//! use hookwright_signature::{Secret, Signer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (new, old) = (Secret::generate()?, Secret::generate()?);
//! let signer = Signer::new(&new).with_secret(&old); // both, until receivers have the new one
//! let header = signer.sign("msg_1", 1_700_000_000, b"{}")?;
//! assert_eq!(header.split(' ').count(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Receiving from providers
//!
//! `provider` (the feature `providers`, on by default) does the same for GitHub, Stripe, Slack and the
//! others, each in its own scheme.
//!
//! # The scheme
//!
//! Standard Webhooks 1.0.0, "Signature scheme": the bytes signed are `{id}.{timestamp}.{body}`. `v1` is
//! HMAC-SHA256 with a shared secret (`whsec_`, 24 to 64 bytes), `v1a` is Ed25519 (`whsk_` private, `whpk_`
//! public). The signature header is a list of `version,base64` separated by spaces.
//!
//! Where the specification leaves room, this crate is strict:
//!
//! - An id is 1 to 256 visible ASCII characters without `.`. Otherwise `a.1` + `2.x` and `a` + `1.2.x` are the
//!   same signed bytes, and whoever controls the start of one genuine body could move its border.
//! - A timestamp is decimal digits: no sign, no space, no fraction.
//! - Signatures are canonical, padded base64. Keys, which people copy by hand, may lack the padding.
//! - At most [`MAX_SIGNATURES`] entries of the header are looked at; unknown versions among them are skipped.

mod encoding;
mod error; // reading order: keys first, then what is signed, then both directions
mod header;
#[cfg(feature = "providers")]
pub mod provider;
mod public_key;
mod secret;
mod signer;
mod standard;
mod verifier;

/// The page that the registry shows, so that its code is compiled.
#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
mod readme {}

pub use error::{
    GenerateError, KeyError, MessageIdError, ParsePublicKeyError, ParseSecretError, VerifyError,
};
pub use header::{HeaderNames, MAX_SIGNATURES};
pub use public_key::PublicKey;
pub use secret::{GENERATED_SECRET_BYTES, SYMMETRIC_MAX_BYTES, SYMMETRIC_MIN_BYTES, Secret};
pub use signer::{Signer, sign};
pub use standard::{MESSAGE_ID_MAX_BYTES, Version};
pub use verifier::{DEFAULT_TOLERANCE, Parts, VerificationKey, Verified, Verifier};
