//! Svix-style tokens: JSON Web Tokens (RFC 7519) with HS256, so that those who migrate keep theirs.
//!
//! `iss` is "svix-server"; `sub` is an organisation (`org_…`), or an application (`app_…`) with the organisation in the
//! claim `org` and the feature flags it holds in `feature_flags`. `exp` and `nbf` are honoured if they are there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookwright::domain::names::FeatureFlag;
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::Scope;
use hookwright::{Error, Hooks};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

const ISSUER: &str = "svix-server";
/// A verified token is not verified again for so long.
const CACHE_TIME: Duration = Duration::from_secs(60);
/// So many verified tokens are kept; beyond that the cache starts again.
const CACHE_SIZE: usize = 4_096;

/// Verifies tokens, and remembers those it has verified for a short while.
pub(super) struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
    /// By SHA-256 of the token: what it proves, and until when that is taken on trust.
    verified: Mutex<HashMap<[u8; 32], (Signed, Timestamp)>>,
}

/// What a token proves.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) scope: Scope,
    pub(super) feature_flags: Arc<[FeatureFlag]>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    org: Option<String>,
    #[serde(default)]
    feature_flags: Option<Vec<String>>,
    #[serde(default)]
    exp: Option<i64>,
}

impl JwtVerifier {
    pub(super) fn new(secret: &[u8]) -> JwtVerifier {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub"]);
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.leeway = 0;
        JwtVerifier { key: DecodingKey::from_secret(secret), validation, verified: Mutex::default() }
    }

    /// What the bearer may do; `None` if the token is no good. An organisation never seen before is made, empty.
    pub(super) async fn bearer(
        &self,
        hooks: &Hooks,
        text: &str,
        hash: [u8; 32],
    ) -> Result<Option<Signed>, Error> {
        let now = hooks.clock().now();
        if let Some((signed, until)) = self.verified().get(&hash)
            && now < *until
        {
            return Ok(Some(signed.clone()));
        }
        let Some((signed, expires)) = self.verify(text) else {
            return Ok(None);
        };
        hooks.organisation_ensure(signed.scope.organisation()).await?;
        let mut verified = self.verified();
        if verified.len() >= CACHE_SIZE {
            verified.clear();
        }
        verified.insert(hash, (signed.clone(), now.after(CACHE_TIME).min(expires)));
        Ok(Some(signed))
    }

    fn verify(&self, text: &str) -> Option<(Signed, Timestamp)> {
        let claims = jsonwebtoken::decode::<Claims>(text, &self.key, &self.validation).ok()?.claims;
        let scope = match claims.org {
            None => Scope::Organisation(claims.sub.parse().ok()?),
            Some(organisation) => Scope::Application(organisation.parse().ok()?, claims.sub.parse().ok()?),
        };
        let expires = claims
            .exp
            .map_or(Timestamp::MAX, |seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000)));
        // A flag that no event type can have opens none.
        let feature_flags = claims
            .feature_flags
            .unwrap_or_default()
            .iter()
            .filter_map(|flag| FeatureFlag::parse(flag).ok())
            .collect();
        Some((Signed { scope, feature_flags }, expires))
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (Signed, Timestamp)>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a token has the three parts of a signed JSON Web Token.
pub(super) fn looks_like_one(text: &str) -> bool {
    text.bytes().filter(|&byte| byte == b'.').count() == 2
}
