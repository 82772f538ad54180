//! `POST /api/v1/auth/app-portal-access/{app_id}`: a token for an application's own customer.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::capability::Capabilities;
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::names::{FeatureFlag, SessionId};
use hookwright::domain::token::{Scope, TokenSettings};
use hookwright::hooks::ApplicationRef;
use hookwright::{Error, Thing};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::application::{ApplicationIn, make_named};
use crate::api::body::OptionalJsonBody;
use crate::api::capabilities;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::ApplicationPath;
use crate::auth::OrganisationCaller;
use crate::server::AppState;

/// How long a token for the portal is good, unless the caller says otherwise: a week.
const EXPIRY_DEFAULT: u32 = 7 * 24 * 3_600;
/// How long a token for the portal may be good: 30 days.
const EXPIRY_MAX: u32 = 30 * 24 * 3_600;
/// At most so many feature flags on a token.
const FEATURE_FLAGS_MAX: usize = 25;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_app_portal_access>(post(app_portal_access))
        .add::<__path_dashboard_access>(post(dashboard_access))
}

/// What a token for the portal is to be.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct AppPortalAccessIn {
    /// Makes the application on the way, if it is not there.
    #[serde(default)]
    application: Option<ApplicationIn>,
    /// How many seconds the token is good.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2592000, default = 604800)]
    expiry: Option<u32>,
    /// Only reads, without the secrets of endpoints: `capabilities` of `ViewBase` alone.
    #[serde(default)]
    #[schema(deprecated)]
    read_only: Option<bool>,
    /// What it may do, `ViewBase` among it; everything if left out.
    #[serde(default)]
    capabilities: Option<Vec<String>>,
    /// The flags it holds. Event types that have flags are shown to it only if it holds one of them.
    #[serde(default)]
    #[schema(max_items = 25)]
    feature_flags: Option<Vec<String>>,
    /// The session it is for, by which it can be ended.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
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
    give_access(&state, organisation, named, body).await
}

/// The older name of `app-portal-access`, which older SDKs have beside the newer one: with nothing to choose, and no body.
#[utoipa::path(post, path = "/api/v1/auth/dashboard-access/{app_id}",
    operation_id = "v1.authentication.dashboard-access", tag = "Authentication",
    params(("app_id" = String, Path, description = "The application's id or uid.")),
    responses((status = 200, body = AppPortalAccessOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn dashboard_access(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    ApplicationPath(named): ApplicationPath,
) -> Result<Response, ApiError> {
    give_access(&state, organisation, named, AppPortalAccessIn::default()).await
}

async fn give_access(
    state: &AppState,
    organisation: OrganisationId,
    named: ApplicationRef,
    body: AppPortalAccessIn,
) -> Result<Response, ApiError> {
    let (access, inline) = body.checked()?;
    let application = match (state.hooks.application_get(organisation, &named).await, inline) {
        (Err(Error::NotFound(Thing::Application)), Some(inline)) => {
            make_named(state, organisation, &named, inline).await?;
            state.hooks.application_get(organisation, &named).await?
        }
        (found, _) => found?,
    };
    let scope = Scope::Application(organisation, application.id);
    let settings = TokenSettings {
        capabilities: access.capabilities.unwrap_or(scope.capabilities()),
        feature_flags: access.feature_flags,
        session: access.session,
        expires_at: Some(state.hooks.clock().now().after(access.expiry)),
        ..TokenSettings::new("application portal", scope)
    };
    let new = state.hooks.token_create(settings).await?;
    let base = state.options.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/app-portal/{}", application.id);
    json(StatusCode::OK, &AppPortalAccessOut { url: &url, token: &new.text })
}

/// What is to be made, checked.
struct Access {
    expiry: Duration,
    /// All if `None`.
    capabilities: Option<Capabilities>,
    feature_flags: Vec<FeatureFlag>,
    session: Option<SessionId>,
}

impl AppPortalAccessIn {
    fn checked(self) -> Result<(Access, Option<ApplicationSettings>), ApiError> {
        let mut fields = Fields::default();
        let expiry = self.expiry.unwrap_or(EXPIRY_DEFAULT);
        if !(1..=EXPIRY_MAX).contains(&expiry) {
            fields.refuse("expiry", format_args!("must be from 1 to {EXPIRY_MAX} seconds"));
        }
        let mut capabilities =
            self.capabilities.map(|words| capabilities::checked(&mut fields, "capabilities", &words));
        if self.read_only == Some(true) {
            if capabilities.is_some_and(|named| named != Capabilities::READ_ONLY) {
                fields.refuse("readOnly", "contradicts capabilities beyond ViewBase; leave one of them out");
            }
            capabilities = Some(Capabilities::READ_ONLY);
        }
        let flags = self.feature_flags.unwrap_or_default();
        let feature_flags = fields.names("featureFlags", &flags, FEATURE_FLAGS_MAX, FeatureFlag::parse);
        let session = self.session_id.as_deref();
        let session = session.and_then(|session| fields.parsed("sessionId", session, SessionId::parse));
        fields.finish()?;
        let expiry = Duration::from_secs(expiry.into());
        let application = self.application.map(ApplicationIn::brought_along).transpose()?;
        Ok((Access { expiry, capabilities, feature_flags, session }, application))
    }
}
