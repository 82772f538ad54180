//! `/api/v1/auth`: tokens for an application's own customers, their end, and what a token is.

pub(super) mod portal_access;
pub(super) mod whoami;

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use hookwright::domain::names::SessionId;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::body::OptionalJsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::InApplication;
use crate::auth::{Caller, needs_nothing};
use crate::server::AppState;

/// How long tokens that are ended may stay good: three days.
pub(super) const GRACE_MAX: u32 = 3 * 24 * 3_600;
/// At most so many sessions end in one request.
const SESSIONS_MAX: usize = 1_000;

pub(super) fn operations() -> Operations {
    Operations::new()
        .merge(portal_access::operations())
        .add::<__path_expire_all>(post(expire_all))
        .add::<__path_logout>(needs_nothing(post(logout)))
        .merge(whoami::operations())
}

/// Which tokens end, and when.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct ApplicationTokenExpireIn {
    /// In how many seconds they end; at once if left out.
    #[serde(default)]
    #[schema(maximum = 259200, default = 0)]
    expiry: Option<u32>,
    /// Only those that were made for one of these sessions; all if empty.
    #[serde(default)]
    #[schema(max_items = 1000)]
    session_ids: Vec<String>,
}

/// Ends the tokens for an application, all of them or those of some sessions.
///
/// Tokens that the open-source Svix server signed are not known here, and stay good.
#[utoipa::path(post, path = "/api/v1/auth/app/{app_id}/expire-all",
    operation_id = "v1.authentication.expire-all", tag = "Authentication",
    params(("app_id" = String, Path, description = "The application's id or uid.")),
    request_body = ApplicationTokenExpireIn,
    responses(
        (status = 204, description = "They end."),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn expire_all(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    OptionalJsonBody(body): OptionalJsonBody<ApplicationTokenExpireIn>,
) -> Result<StatusCode, ApiError> {
    let organisation = caller.require_organisation()?;
    let mut fields = Fields::default();
    let expiry = body.expiry.unwrap_or(0);
    if expiry > GRACE_MAX {
        fields.refuse("expiry", format_args!("must be at most {GRACE_MAX} seconds"));
    }
    let sessions = fields.names("sessionIds", &body.session_ids, SESSIONS_MAX, SessionId::parse);
    fields.finish()?;
    let after = Duration::from_secs(expiry.into());
    state.hooks.tokens_expire(organisation, application.id, &sessions, after).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the token that this request is sent with.
#[utoipa::path(post, path = "/api/v1/auth/logout", operation_id = "v1.authentication.logout",
    tag = "Authentication",
    responses(
        (status = 204, description = "The token is good for nothing any more."),
        (status = 400, description = "The token is the operator's own, or was signed elsewhere.", body = Problem),
    ))]
pub(in crate::api) async fn logout(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<StatusCode, ApiError> {
    let Some(token) = caller.token() else {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "token_not_revocable",
            "This token was not made here, so it cannot be ended here. It ends as its maker set it.",
        ));
    };
    state.hooks.token_revoke(caller.organisation(), token.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
