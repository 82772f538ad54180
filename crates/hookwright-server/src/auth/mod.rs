//! Who is calling: tells it from the `Authorization` header.

mod caller; // what handlers ask for
mod jwt; // tokens of those who come from Svix

use std::sync::Arc;

use hookwright::domain::token::Scope;
use hookwright::{Error, Hooks};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::error::ApiError;
use crate::auth::jwt::JwtVerifier;
use crate::server::ServerOptions;

use caller::Proof;

pub(crate) use caller::{Caller, OrganisationCaller, needs, needs_nothing};

/// Tells who is calling. Clones are cheap.
#[derive(Clone)]
pub(crate) struct Auth {
    inner: Arc<Inner>,
}

struct Inner {
    hooks: Hooks,
    /// SHA-256 of the operator's own token.
    api_token: Option<[u8; 32]>,
    jwt: Option<JwtVerifier>,
    target_hints: bool,
}

impl Auth {
    pub(crate) fn new(hooks: &Hooks, options: &ServerOptions) -> Auth {
        let inner = Inner {
            hooks: hooks.clone(),
            api_token: options.api_token.as_ref().map(|token| Sha256::digest(token.as_bytes()).into()),
            jwt: options.jwt_secret.as_ref().map(|secret| JwtVerifier::new(secret.as_bytes())),
            target_hints: options.target_hints,
        };
        Auth { inner: Arc::new(inner) }
    }

    /// Who sent a request with these headers. 401 if that cannot be told.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let Some(text) = bearer(headers) else {
            return Err(ApiError::unauthorized(
                "This needs an access token: send it in the header \"Authorization: Bearer <token>\".",
            ));
        };
        self.recognise(text).await?.ok_or_else(|| {
            ApiError::unauthorized("The access token is not known here, has expired or was revoked.")
        })
    }

    /// Who the bearer of this token is; `None` if it is no good.
    pub(crate) async fn recognise(&self, text: &str) -> Result<Option<Caller>, Error> {
        let caller = |scope, proof| Caller::new(scope, proof, self.inner.target_hints);
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if self.inner.api_token.is_some_and(|expected| expected.ct_eq(&hash).into()) {
            let scope = Scope::Organisation(self.inner.hooks.default_organisation());
            return Ok(Some(caller(scope, Proof::Operator)));
        }
        if let Some(jwt) = self.inner.jwt.as_ref().filter(|_| jwt::looks_like_one(text)) {
            let signed = jwt.bearer(&self.inner.hooks, text, hash).await?;
            return Ok(signed.map(|bearer| caller(bearer.scope, Proof::Signed(bearer.feature_flags))));
        }
        let token = self.inner.hooks.token_authenticate(text).await?;
        Ok(token.map(|token| caller(token.settings.scope, Proof::Made(token))))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl ApiError {
    fn unauthorized(detail: &'static str) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "authentication_failed", detail)
    }
}
