//! `/api/hooks`: the REST Hooks API, for users who prove themselves with a token of their application, or with a key that the
//! product knows.

mod credentials; // who is calling
mod verify;

use axum::Router;
use hookwright_axum::RestHooks;

use crate::server::AppState;
use credentials::Credentials;

pub(crate) use verify::{Verifier, VerifySetupError};

/// Where it is.
const PATH: &str = "/api/hooks";

/// The REST Hooks API. With a verifier, keys that are not known here are shown to the product.
pub(crate) fn routes(state: &AppState, verifier: Option<Verifier>) -> Router<AppState> {
    let credentials = Credentials { hooks: state.hooks.clone(), auth: state.auth.clone(), verifier };
    RestHooks::new(state.hooks.clone(), credentials).router(PATH)
}
