//! Hookwright in a product on axum: the REST Hooks API as a router under the product's own path, with its own authentication;
//! webhooks of others, proven before a handler sees them ([`Verified`]), or kept in an inbox (`inbox_route`, feature `receive`).
//!
//! ```no_run
//! use axum::Router;
//! use hookwright::Hooks;
//! use hookwright::domain::names::Uid;
//! use hookwright_axum::{Parts, Refusal, RestHooks, User};
//!
//! /// Whoever the product's own middleware found.
//! #[derive(Clone)]
//! struct SignedIn(Uid);
//!
//! fn router(hooks: Hooks) -> Router {
//!     let organisation = hooks.default_organisation();
//!     let authenticate = move |parts: Parts| async move {
//!         match parts.extensions.get::<SignedIn>() {
//!             Some(SignedIn(uid)) => Ok(User::new(organisation, uid.clone())),
//!             None => Err(Refusal::unauthenticated("Sign in first.")),
//!         }
//!     };
//!     Router::new().merge(RestHooks::new(hooks, authenticate).router("/api/hooks"))
//! }
//! ```

#[cfg(feature = "receive")]
mod inbox;
mod rest_hooks;
mod verified;

/// The page about receiving, so that its code is compiled and run.
#[cfg(all(doctest, feature = "receive"))]
#[doc = include_str!("../../../docs/receiving.md")]
mod receiving {}

pub use hookwright_signature::provider::{Answer, ConfigError, Source};
pub use http::request::Parts;
#[cfg(feature = "receive")]
pub use inbox::{inbox_route, inbox_router};
pub use rest_hooks::{Authenticate, Refusal, RestHooks, User};
pub use verified::{ByExtension, ByState, FindProof, Proof, Unverified, Verified};
