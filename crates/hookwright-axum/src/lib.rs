//! Hookwright in a product on axum: the REST Hooks API as a router under the product's own path, with its own authentication.
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

mod rest_hooks;

pub use http::request::Parts;
pub use rest_hooks::{Authenticate, Refusal, RestHooks, User};
