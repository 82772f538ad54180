//! `/ingest/api/v1/source/{source_id}/endpoint`: where a source forwards what came.

mod dto;
pub(in crate::api) mod headers;
pub(in crate::api) mod secret;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use hookwright::Error;
use hookwright::domain::capability::Capability;
use hookwright::domain::page::Order;
use hookwright::hooks::EndpointEdit;
use http::StatusCode;

use crate::api::answer::{json, upserted};
use crate::api::body::JsonBody;
use crate::api::endpoint::EndpointPut;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EndpointPath, EndpointToPut, SourcePath};
use crate::api::query::Query;
use crate::auth::{Caller, OrganisationCaller, needs};
use crate::server::AppState;
use dto::{IngestEndpointIn, IngestEndpointOut, IngestEndpointUpsertIn};

pub(super) fn operations() -> Operations {
    let whole = |route| needs(Capability::ManageOrganisation, route);
    Operations::new()
        .add::<__path_list>(whole(get(list)))
        .add::<__path_create>(whole(post(create)))
        .add::<__path_show>(whole(get(show)))
        .add::<__path_upsert>(whole(put(upsert)))
        .add::<__path_remove>(whole(delete(remove)))
        .merge(secret::operations())
        .merge(headers::operations())
}

/// Lists a source's endpoints, oldest first.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/endpoint", operation_id = "v1.ingest.endpoint.list",
    tag = "Ingest Endpoint",
    params(("source_id" = String, Path, description = "The source's id or uid."), PageParams),
    responses((status = 200, body = ListResponse<IngestEndpointOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let page = state.hooks.source_endpoint_list(organisation, &source, request).await?;
    let data = page.items.iter().map(IngestEndpointOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |endpoint| endpoint.id, data))
}

/// Makes an endpoint that a source forwards to.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/endpoint",
    operation_id = "v1.ingest.endpoint.create", tag = "Ingest Endpoint",
    params(("source_id" = String, Path, description = "The source's id or uid.")),
    request_body = IngestEndpointIn,
    responses(
        (status = 201, body = IngestEndpointOut),
        (status = 404, body = Problem),
        (status = 409, description = "Another one has this uid, or there is no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    SourcePath(source): SourcePath,
    JsonBody(body): JsonBody<IngestEndpointIn>,
) -> Result<Response, ApiError> {
    let organisation = caller.require_organisation()?;
    let made = state.hooks.source_endpoint_create(organisation, &source, body.checked()?).await;
    let endpoint = made.map_err(|error| caller.explain(error))?;
    json(StatusCode::CREATED, &IngestEndpointOut::of(&endpoint))
}

/// An endpoint that a source forwards to.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}",
    operation_id = "v1.ingest.endpoint.get", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    responses((status = 200, body = IngestEndpointOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.source_endpoint_get(organisation, &source, &named).await?;
    json(StatusCode::OK, &IngestEndpointOut::of(&endpoint))
}

/// Puts an endpoint of a source in the place of the one that is there, or makes it. Its secret and its headers stay.
#[utoipa::path(put, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}",
    operation_id = "v1.ingest.endpoint.upsert", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    request_body = IngestEndpointUpsertIn,
    responses(
        (status = 200, description = "It was there.", body = IngestEndpointOut),
        (status = 201, description = "It was made.", body = IngestEndpointOut),
        (status = 404, description = "There is no such source.", body = Problem),
        (status = 409, description = "Another one has this uid, or there is no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    caller: Caller,
    SourcePath(source): SourcePath,
    EndpointToPut(named): EndpointToPut,
    JsonBody(body): JsonBody<IngestEndpointUpsertIn>,
) -> Result<Response, ApiError> {
    let organisation = caller.require_organisation()?;
    let put = EndpointPut::new(&named, body.checked()?);
    let replace = |edit: &mut EndpointEdit| put.replace(edit);
    let changed = state.hooks.source_endpoint_update(organisation, &source, &named, replace).await;
    let (made, endpoint) = match changed {
        Err(Error::NotFound(_)) => {
            (true, state.hooks.source_endpoint_create(organisation, &source, put.into_new()).await)
        }
        changed => (false, changed),
    };
    let endpoint = endpoint.map_err(|error| caller.explain(error))?;
    upserted(made, &IngestEndpointOut::of(&endpoint))
}

/// Deletes an endpoint of a source; what is on its way to it ends.
#[utoipa::path(delete, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}",
    operation_id = "v1.ingest.endpoint.delete", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    responses((status = 204, description = "It is gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
) -> Result<StatusCode, ApiError> {
    state.hooks.source_endpoint_delete(organisation, &source, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}
