//! `/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/secret`: what is forwarded is signed with.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use hookwright::domain::capability::Capability;
use http::StatusCode;

use crate::api::body::OptionalJsonBody;
use crate::api::endpoint::secret::{EndpointSecretOut, EndpointSecretRotateIn, shown};
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, SourcePath};
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_show>(needs(Capability::ManageOrganisation, get(show)))
        .add::<__path_rotate>(needs(Capability::ManageOrganisation, post(rotate)))
}

/// The secret that what is forwarded to an endpoint is signed with.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/secret",
    operation_id = "v1.ingest.endpoint.get-secret", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    responses((status = 200, body = EndpointSecretOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    shown(&state.hooks.source_endpoint_get(organisation, &source, &named).await?)
}

/// Gives an endpoint of a source a new secret; the old one signs beside it for a while.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/secret/rotate",
    operation_id = "v1.ingest.endpoint.rotate-secret", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = EndpointSecretRotateIn,
    responses(
        (status = 204, description = "It has a new secret."),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn rotate(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
    OptionalJsonBody(body): OptionalJsonBody<EndpointSecretRotateIn>,
) -> Result<StatusCode, ApiError> {
    let (secret, grace) = body.checked()?;
    state.hooks.source_endpoint_rotate_secret(organisation, &source, &named, secret, grace).await?;
    Ok(StatusCode::NO_CONTENT)
}
