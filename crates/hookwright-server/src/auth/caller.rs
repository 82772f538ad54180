//! The caller of a request, as handlers ask for it.

use axum::extract::FromRequestParts;
use hookwright::Error;
use hookwright::domain::ids::{ApplicationId, OrganisationId, TokenId};
use hookwright::domain::token::Scope;
use http::StatusCode;
use http::request::Parts;

use crate::api::error::ApiError;
use crate::server::AppState;

/// Whoever sent the request, with a good token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    scope: Scope,
    token: Option<TokenId>,
    target_hints: bool,
}

/// A caller that may do everything in this organisation; others get 403.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganisationCaller(pub(crate) OrganisationId);

impl Caller {
    pub(crate) fn new(scope: Scope, token: Option<TokenId>, target_hints: bool) -> Caller {
        Caller { scope, token, target_hints }
    }

    /// The caller's own token, if it is one that can be revoked.
    pub(crate) fn token(self) -> Option<TokenId> {
        self.token
    }

    /// The organisation that the caller acts in.
    pub(crate) fn organisation(self) -> OrganisationId {
        self.scope.organisation()
    }

    /// The one application that the caller may look after, if it may not do more.
    pub(crate) fn tenant(self) -> Option<ApplicationId> {
        match self.scope {
            Scope::Organisation(_) => None,
            Scope::Application(_, application) => Some(application),
        }
    }

    /// The organisation, if the caller may do everything in it. 403 otherwise.
    pub(crate) fn require_organisation(self) -> Result<OrganisationId, ApiError> {
        match self.scope {
            Scope::Organisation(organisation) => Ok(organisation),
            Scope::Application(..) => {
                Err(ApiError::new(StatusCode::FORBIDDEN, "insufficient_access", "insufficient access"))
            }
        }
    }

    /// What the caller is told about an error: a tenant learns nothing of how the server is set up.
    pub(crate) fn explain(self, error: Error) -> ApiError {
        let hints = self.target_hints || self.tenant().is_none();
        ApiError::from_engine(error, hints)
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Caller, ApiError> {
        match parts.extensions.get::<Caller>() {
            Some(caller) => Ok(*caller),
            None => state.auth.caller(&parts.headers).await,
        }
    }
}

impl FromRequestParts<AppState> for OrganisationCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<OrganisationCaller, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_organisation().map(OrganisationCaller)
    }
}
