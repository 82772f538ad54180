//! `/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/headers`: what is sent with each attempt.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, put};
use hookwright::domain::capability::Capability;
use hookwright::hooks::EndpointEdit;
use http::StatusCode;

use crate::api::answer::json;
use crate::api::body::JsonBody;
use crate::api::endpoint::headers::{EndpointHeadersIn, EndpointHeadersOut};
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, SourcePath};
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_show>(needs(Capability::ManageOrganisation, get(show)))
        .add::<__path_replace>(needs(Capability::ManageOrganisation, put(replace)))
}

/// The headers that are sent with each attempt. Values that may be credentials are not shown.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/headers",
    operation_id = "v1.ingest.endpoint.get-headers", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    responses((status = 200, body = EndpointHeadersOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.source_endpoint_get(organisation, &source, &named).await?;
    json(StatusCode::OK, &EndpointHeadersOut::of(&endpoint))
}

/// Sets the headers that are sent with each attempt.
#[utoipa::path(put, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/headers",
    operation_id = "v1.ingest.endpoint.set-headers", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = EndpointHeadersIn,
    responses(
        (status = 204, description = "They are set."),
        (status = 404, body = Problem),
        (status = 422, description = "A header cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn replace(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<EndpointHeadersIn>,
) -> Result<StatusCode, ApiError> {
    let headers = body.checked()?;
    let set = |edit: &mut EndpointEdit| edit.headers.clone_from(&headers);
    state.hooks.source_endpoint_update(organisation, &source, &named, set).await?;
    Ok(StatusCode::NO_CONTENT)
}
