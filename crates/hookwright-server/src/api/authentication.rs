//! `/api/v1/auth`: tokens for an application's own customers, and their end.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::names::FeatureFlag;
use hookwright::domain::token::Scope;
use hookwright::{Error, Thing};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::application::{ApplicationIn, make_named};
use crate::api::body::OptionalJsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::{ApplicationPath, InApplication};
use crate::auth::{Caller, OrganisationCaller};
use crate::server::AppState;

/// How long a token for the portal is good, unless the caller says otherwise: a week.
const EXPIRY_DEFAULT: u32 = 7 * 24 * 3_600;
/// How long a token for the portal may be good: 30 days.
const EXPIRY_MAX: u32 = 30 * 24 * 3_600;
/// At most so many feature flags on a token.
const FEATURE_FLAGS_MAX: usize = 25;
/// How long a session's id may be, in bytes.
const SESSION_ID_MAX: usize = 64;
/// How long tokens that are ended may stay good: three days.
const GRACE_MAX: u32 = 3 * 24 * 3_600;
/// All that a token for an application can be allowed to do. A token that may do less is not there yet.
const CAPABILITIES: [&str; 6] = [
    "ViewBase",
    "ViewEndpointSecret",
    "ManageEndpointSecret",
    "ManageTransformations",
    "CreateAttempts",
    "ManageEndpoint",
];

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_app_portal_access>(post(app_portal_access))
        .add::<__path_expire_all>(post(expire_all))
        .add::<__path_logout>(post(logout))
}

/// What a token for the portal is to be.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct AppPortalAccessIn {
    /// Makes the application on the way, if it is not there.
    #[serde(default)]
    application: Option<ApplicationIn>,
    /// How many seconds the token is good.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2592000, default = 604800)]
    expiry: Option<u32>,
    /// Not there yet: must be false.
    #[serde(default)]
    read_only: Option<bool>,
    /// All of them, which is what a token has that names none. Tokens with fewer are not there yet.
    #[serde(default)]
    capabilities: Option<Vec<String>>,
    /// Has no effect yet: event types behind a feature flag are not shown to applications.
    #[serde(default)]
    #[schema(max_items = 25)]
    feature_flags: Option<Vec<String>>,
    /// Has no effect yet.
    #[serde(default)]
    session_id: Option<String>,
}

/// A way into the portal.
#[derive(Serialize, ToSchema)]
struct AppPortalAccessOut<'a> {
    /// Where the application's customer is to be sent.
    url: &'a str,
    /// A token for this application alone. It is not shown again.
    token: &'a str,
}

/// Which tokens end, and when.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ApplicationTokenExpireIn {
    /// In how many seconds they end; at once if left out.
    #[serde(default)]
    #[schema(maximum = 259200, default = 0)]
    expiry: Option<u32>,
    /// Not there yet: must be empty.
    #[serde(default)]
    session_ids: Vec<String>,
}

/// Makes a token with which an application's customer can look after its endpoints, and the URL of the portal.
///
/// The portal itself is not there yet: a page says so. The URL holds no secret.
#[utoipa::path(post, path = "/api/v1/auth/app-portal-access/{app_id}",
    operation_id = "v1.authentication.app-portal-access", tag = "Authentication",
    params(("app_id" = String, Path, description = "The application's id or uid.")),
    request_body = AppPortalAccessIn,
    responses(
        (status = 200, body = AppPortalAccessOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn app_portal_access(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    ApplicationPath(named): ApplicationPath,
    OptionalJsonBody(body): OptionalJsonBody<AppPortalAccessIn>,
) -> Result<Response, ApiError> {
    let expiry = body.checked_expiry()?;
    let application = match (state.hooks.application_get(organisation, &named).await, body.application) {
        (Err(Error::NotFound(Thing::Application)), Some(inline)) => {
            make_named(&state, organisation, &named, inline).await?;
            state.hooks.application_get(organisation, &named).await?
        }
        (found, _) => found?,
    };
    let scope = Scope::Application(organisation, application.id);
    let expires_at = state.hooks.clock().now().after(expiry);
    let new = state.hooks.token_create("application portal", scope, Some(expires_at)).await?;
    let base = state.options.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/app-portal/{}", application.id);
    json(StatusCode::OK, &AppPortalAccessOut { url: &url, token: &new.text })
}

/// Ends all tokens for an application. Tokens that the open-source Svix server signed are not known here, and stay good.
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
    if !body.session_ids.is_empty() {
        fields.refuse("sessionIds", "is not there yet; without it all tokens of the application end");
    }
    fields.finish()?;
    let after = Duration::from_secs(expiry.into());
    state.hooks.tokens_expire(organisation, application.id, after).await?;
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
    state.hooks.token_revoke(caller.organisation(), token).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl AppPortalAccessIn {
    /// How long the token is to be good. Refuses what would have to narrow it: leaving that out in silence would give away more
    /// than was asked for.
    fn checked_expiry(&self) -> Result<Duration, ApiError> {
        let mut fields = Fields::default();
        let expiry = self.expiry.unwrap_or(EXPIRY_DEFAULT);
        if !(1..=EXPIRY_MAX).contains(&expiry) {
            fields.refuse("expiry", format_args!("must be from 1 to {EXPIRY_MAX} seconds"));
        }
        if self.read_only == Some(true) {
            fields.refuse_saying("readOnly", "Tokens that only read are not there yet. Leave readOnly out.");
        }
        let has_all =
            |list: &Vec<String>| CAPABILITIES.iter().all(|one| list.iter().any(|given| given == one));
        if self.capabilities.as_ref().is_some_and(|list| !has_all(list)) {
            fields.refuse_saying(
                "capabilities",
                "Tokens with fewer than all capabilities are not there yet. Leave capabilities out.",
            );
        }
        if let Some(flags) = &self.feature_flags {
            fields.names("featureFlags", flags, FEATURE_FLAGS_MAX, FeatureFlag::parse);
        }
        let session = self.session_id.as_deref();
        if session.is_some_and(|session| !(1..=SESSION_ID_MAX).contains(&session.len())) {
            fields.refuse("sessionId", format_args!("must have 1 to {SESSION_ID_MAX} characters"));
        }
        fields.finish()?;
        Ok(Duration::from_secs(expiry.into()))
    }
}
