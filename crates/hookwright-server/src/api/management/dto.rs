//! An access token on the wire.

use hookwright::domain::capability::{Capabilities, Capability};
use hookwright::domain::ids::TokenId;
use hookwright::domain::token::{Token, TokenChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::Shown;
use crate::api::authentication::GRACE_MAX;
use crate::api::capabilities;
use crate::api::error::ApiError;
use crate::api::fields::{Fields, given};
use crate::api::time::Rfc3339;

/// What is shown of a token instead of its text, which nobody has any more.
const CENSORED: &str = "hw_***";

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ApiTokenIn {
    /// What it is for.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// The capabilities it has, `ViewBase` among them, which alone reads everything but secrets; everything if left out.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// Another name for a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ApiTokenUpdate {
    /// What it is for.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
}

/// What to change about a token; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ApiTokenPatch {
    /// What it is for.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// The capabilities it has, in the place of those it had; null: everything it can.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Option<Vec<String>>>,
}

/// When a token ends.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ApiTokenExpireIn {
    /// In how many seconds; at once if left out.
    #[serde(default)]
    #[schema(maximum = 259200, default = 0)]
    expiry: Option<u32>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct ApiTokenOut<'a> {
    /// What to send as `Authorization: Bearer …`. It is not shown again.
    token: &'a str,
    #[serde(flatten)]
    about: AboutToken<'a>,
}

/// A token, without what proves it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiTokenCensoredOut<'a> {
    /// What its text begins with, which is the same for all.
    censored_token: &'static str,
    #[serde(flatten)]
    about: AboutToken<'a>,
}

/// What is known of a token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AboutToken<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<TokenId>,
    /// What it is for.
    name: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it ends or has ended, if it does.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Rfc3339>,
    /// The capabilities it has; null: it may do everything in the organisation.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<&'static str>>,
}

impl ApiTokenIn {
    /// Its name, and its capabilities if they are named.
    pub(super) fn checked(self) -> Result<(String, Option<Capabilities>), ApiError> {
        let mut fields = Fields::default();
        let name = fields.name(self.name);
        let scopes = self.scopes.map(|words| capabilities::checked(&mut fields, "scopes", &words));
        fields.finish()?;
        Ok((name, scopes))
    }
}

impl ApiTokenUpdate {
    pub(super) fn checked(self) -> Result<TokenChange, ApiError> {
        ApiTokenPatch { name: Some(self.name), scopes: None }.checked()
    }
}

impl ApiTokenPatch {
    pub(super) fn checked(self) -> Result<TokenChange, ApiError> {
        let mut fields = Fields::default();
        let name = self.name.map(|name| fields.name(name));
        let capabilities = self.scopes.map(|words| match words {
            // What its scope cannot do is left out of it.
            None => Capabilities::organisation(),
            Some(words) => capabilities::checked(&mut fields, "scopes", &words),
        });
        fields.finish()?;
        Ok(TokenChange { name, capabilities })
    }
}

impl ApiTokenExpireIn {
    /// In how many seconds it ends.
    pub(super) fn checked(self) -> Result<u32, ApiError> {
        let mut fields = Fields::default();
        let expiry = self.expiry.unwrap_or(0);
        if expiry > GRACE_MAX {
            fields.refuse("expiry", format_args!("must be at most {GRACE_MAX} seconds"));
        }
        fields.finish()?;
        Ok(expiry)
    }
}

impl<'a> ApiTokenOut<'a> {
    pub(super) fn of(token: &'a Token, text: &'a str) -> ApiTokenOut<'a> {
        ApiTokenOut { token: text, about: AboutToken::of(token) }
    }
}

impl ApiTokenCensoredOut<'_> {
    pub(super) fn of(token: &Token) -> ApiTokenCensoredOut<'_> {
        ApiTokenCensoredOut { censored_token: CENSORED, about: AboutToken::of(token) }
    }
}

impl AboutToken<'_> {
    fn of(token: &Token) -> AboutToken<'_> {
        let capabilities = token.settings.capabilities;
        let limited = !capabilities.allow(Capability::ManageOrganisation);
        AboutToken {
            id: Shown(token.id),
            name: &token.settings.name,
            created_at: Rfc3339(token.created_at),
            expires_at: token.ends_at().map(Rfc3339),
            scopes: limited.then(|| capabilities.iter().map(Capability::word).collect()),
        }
    }
}
