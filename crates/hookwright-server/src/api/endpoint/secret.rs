//! `/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret`: what an endpoint's webhooks are signed with.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use hookwright::domain::capability::Capability;
use hookwright::domain::endpoint::Endpoint;
use hookwright_signature::Secret;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::body::OptionalJsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, InApplication};
use crate::auth::needs;
use crate::server::AppState;

/// How long a replaced secret goes on signing, unless the caller says otherwise: a day.
const GRACE_SECONDS_DEFAULT: u32 = 24 * 3_600;
/// How long a replaced secret may go on signing: a week.
const GRACE_SECONDS_MAX: u32 = 7 * 24 * 3_600;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_show>(needs(Capability::ViewEndpointSecret, get(show)))
        .add::<__path_rotate>(needs(Capability::ManageEndpointSecret, post(rotate)))
}

/// A new secret for an endpoint.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EndpointSecretRotateIn {
    /// The new secret; leave it out for a fresh one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 94)]
    key: Option<String>,
    /// How many seconds the old one goes on signing beside it.
    #[serde(default)]
    #[schema(maximum = 604800, default = 86400)]
    grace_period_seconds: Option<u32>,
}

/// An endpoint's secret.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct EndpointSecretOut<'a> {
    /// `whsec_` and base64.
    key: &'a str,
}

impl EndpointSecretRotateIn {
    /// The new secret, unless a fresh one is wanted, and how long the old one goes on signing.
    pub(in crate::api) fn checked(self) -> Result<(Option<Secret>, Duration), ApiError> {
        let mut fields = Fields::default();
        let secret = fields.secret("key", self.key.as_deref());
        let grace = self.grace_period_seconds.unwrap_or(GRACE_SECONDS_DEFAULT);
        if grace > GRACE_SECONDS_MAX {
            fields.refuse("gracePeriodSeconds", format_args!("must be at most {GRACE_SECONDS_MAX}"));
        }
        fields.finish()?;
        Ok((secret, Duration::from_secs(grace.into())))
    }
}

/// The secret that an endpoint's webhooks are signed with.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret",
    operation_id = "v1.endpoint.get-secret", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    responses((status = 200, body = EndpointSecretOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    shown(&state.hooks.endpoint_get(application.id, &named).await?)
}

/// Gives an endpoint a new secret; the old one signs beside it for a while.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret/rotate",
    operation_id = "v1.endpoint.rotate-secret", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = EndpointSecretRotateIn,
    responses(
        (status = 200, description = "The new secret.", body = EndpointSecretOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn rotate(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    OptionalJsonBody(body): OptionalJsonBody<EndpointSecretRotateIn>,
) -> Result<Response, ApiError> {
    let (secret, grace) = body.checked()?;
    shown(&state.hooks.endpoint_rotate_secret(application.id, &named, secret, grace).await?)
}

pub(in crate::api) fn shown(endpoint: &Endpoint) -> Result<Response, ApiError> {
    json(StatusCode::OK, &EndpointSecretOut { key: &endpoint.secret.expose() })
}
