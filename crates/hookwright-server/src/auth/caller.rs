//! The caller of a request, as handlers ask for it, and what the operation needs of its token.

use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::routing::MethodRouter;
use hookwright::Error;
use hookwright::domain::capability::{Capabilities, Capability};
use hookwright::domain::ids::{ApplicationId, OrganisationId, TokenId};
use hookwright::domain::names::FeatureFlag;
use hookwright::domain::token::{Scope, Token};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::api::error::ApiError;
use crate::api::query::KnownNames;
use crate::server::AppState;

/// Whoever sent the request, with a good token that allows the operation.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    scope: Scope,
    capabilities: Capabilities,
    proof: Proof,
    target_hints: bool,
}

/// What shows who the caller is.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// The operator's own token.
    Operator,
    /// A token that was signed elsewhere, and the feature flags it holds.
    Signed(Arc<[FeatureFlag]>),
    /// A token that was made here.
    Made(Arc<Token>),
}

/// A caller that acts for this organisation as a whole; others get 403.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganisationCaller(pub(crate) OrganisationId);

/// What an operation needs of the token; `None`: nothing. Routes say it, and [`Caller`] sees to it.
#[derive(Clone, Copy)]
struct Need(Option<Capability>);

/// These operations need `capability`.
///
/// One that says nothing needs [`Capability::ViewBase`] if it reads, else [`Capability::ManageOrganisation`]: what was forgotten
/// is refused.
pub(crate) fn needs(capability: Capability, route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.route_layer(Extension(Need(Some(capability))))
}

/// These operations need a good token, whatever it may do.
pub(crate) fn needs_nothing(route: MethodRouter<AppState>) -> MethodRouter<AppState> {
    route.route_layer(Extension(Need(None)))
}

impl Caller {
    pub(super) fn new(scope: Scope, proof: Proof, target_hints: bool) -> Caller {
        let capabilities = match &proof {
            Proof::Operator | Proof::Signed(_) => scope.capabilities(),
            Proof::Made(token) => token.settings.capabilities.within(scope.capabilities()),
        };
        Caller { scope, capabilities, proof, target_hints }
    }

    /// The caller's own token, if it is one that was made here.
    pub(crate) fn token(&self) -> Option<&Token> {
        match &self.proof {
            Proof::Made(token) => Some(token),
            Proof::Operator | Proof::Signed(_) => None,
        }
    }

    /// Whether its token is one that the open-source Svix server signed.
    pub(crate) fn is_signed_elsewhere(&self) -> bool {
        matches!(self.proof, Proof::Signed(_))
    }

    /// What its token may do.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The organisation that the caller acts in.
    pub(crate) fn organisation(&self) -> OrganisationId {
        self.scope.organisation()
    }

    /// The one application that the caller may look after, if it may not do more.
    pub(crate) fn tenant(&self) -> Option<ApplicationId> {
        match self.scope {
            Scope::Organisation(_) => None,
            Scope::Application(_, application) => Some(application),
        }
    }

    /// Whether the caller sees what is behind these flags: nothing is behind none, and an organisation sees all.
    pub(crate) fn sees(&self, flags: &[FeatureFlag]) -> bool {
        self.tenant().is_none() || flags.is_empty() || flags.iter().any(|flag| self.held().contains(flag))
    }

    /// The feature flags that its token holds.
    pub(crate) fn flags(&self) -> Vec<FeatureFlag> {
        self.held().to_vec()
    }

    fn held(&self) -> &[FeatureFlag] {
        match &self.proof {
            Proof::Operator => &[],
            Proof::Signed(flags) => flags,
            Proof::Made(token) => &token.settings.feature_flags,
        }
    }

    /// What tells the idempotency keys of this caller from those of others in its organisation; `None` for the organisation
    /// itself. What was answered to those who may do more is not for others, whatever keys they guess.
    pub(crate) fn apart(&self) -> Option<(Option<ApplicationId>, Option<TokenId>)> {
        let restricted = self.tenant().is_some() || !self.capabilities.allow(Capability::ManageOrganisation);
        restricted.then(|| (self.tenant(), self.token().map(|token| token.id)))
    }

    /// The organisation, if the caller acts for it as a whole. 403 otherwise.
    pub(crate) fn require_organisation(&self) -> Result<OrganisationId, ApiError> {
        match self.scope {
            Scope::Organisation(organisation) => Ok(organisation),
            Scope::Application(..) => Err(ApiError::insufficient("insufficient access")),
        }
    }

    /// The organisation, if the caller may do everything in it.
    pub(crate) fn whole_organisation(&self) -> Option<OrganisationId> {
        let everything = self.tenant().is_none() && self.capabilities.allow(Capability::ManageOrganisation);
        everything.then(|| self.organisation())
    }

    /// What the caller is told about an error: a tenant learns nothing of how the server is set up.
    pub(crate) fn explain(&self, error: Error) -> ApiError {
        let hints = self.target_hints || self.tenant().is_none();
        ApiError::from_engine(error, hints)
    }

    fn check(&self, Need(needed): Need) -> Result<(), ApiError> {
        match needed {
            Some(capability) if !self.capabilities.allow(capability) => {
                // What no token of an application can have is nothing that it lacks.
                if capability == Capability::ManageOrganisation {
                    self.require_organisation()?;
                }
                Err(ApiError::insufficient(format!(
                    "insufficient access: the token lacks the capability {capability}"
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Need {
    fn of(method: &Method) -> Need {
        let reads = method == Method::GET || method == Method::HEAD;
        Need(Some(if reads { Capability::ViewBase } else { Capability::ManageOrganisation }))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Caller, ApiError> {
        let caller = match parts.extensions.get::<Caller>() {
            Some(caller) => caller.clone(),
            None => state.auth.caller(&parts.headers).await?,
        };
        let need = parts.extensions.get::<Need>().copied();
        caller.check(need.unwrap_or_else(|| Need::of(&parts.method)))?;
        // Here and not in a layer before it, so that nobody without a token learns what an operation knows.
        if let (Some(query), Some(known)) = (parts.uri.query(), parts.extensions.get::<KnownNames>()) {
            known.check(query)?;
        }
        Ok(caller)
    }
}

impl FromRequestParts<AppState> for OrganisationCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<OrganisationCaller, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_organisation().map(OrganisationCaller)
    }
}

impl ApiError {
    fn insufficient(detail: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, "insufficient_access", detail)
    }
}
