//! `GET /api/v1/auth/whoami`: what the token of the request is.

use axum::response::Response;
use axum::routing::get;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::{ApplicationId, OrganisationId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::{Shown, json};
use crate::api::error::ApiError;
use crate::api::operations::Operations;
use crate::auth::{Caller, needs_nothing};

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_whoami>(needs_nothing(get(whoami)))
}

/// What a token is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WhoamiOut<'a> {
    /// The organisation it is for.
    #[schema(value_type = String)]
    env_id: Shown<OrganisationId>,
    /// The application it is limited to, if it is.
    #[schema(value_type = Option<String>)]
    app_id: Option<Shown<ApplicationId>>,
    /// `SvixJwt` for one that the open-source Svix server signed, else `RegionalAuthToken`.
    permission_source: &'static str,
    /// The session it was made for.
    session_id: Option<&'a str>,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    capabilities: Vec<&'static str>,
}

/// What the token of this request is.
#[utoipa::path(get, path = "/api/v1/auth/whoami", operation_id = "v1.authentication.whoami",
    tag = "Authentication", responses((status = 200, body = WhoamiOut)))]
pub(in crate::api) async fn whoami(caller: Caller) -> Result<Response, ApiError> {
    let session = caller.token().and_then(|token| token.settings.session.as_ref());
    let who = WhoamiOut {
        env_id: Shown(caller.organisation()),
        app_id: caller.tenant().map(Shown),
        permission_source: if caller.is_signed_elsewhere() { "SvixJwt" } else { "RegionalAuthToken" },
        session_id: session.map(|session| session.as_str()),
        capabilities: caller.capabilities().iter().map(Capability::word).collect(),
    };
    json(StatusCode::OK, &who)
}
