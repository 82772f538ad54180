//! `/ingest/api/v1/source`: sources of inbound webhooks.

mod confirm;
mod dto;
mod event_type;
pub(super) mod endpoint;
pub(super) mod log;
mod out;
pub(super) mod replay;
pub(super) mod token;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use hookwright::Error;
use hookwright::domain::capability::Capability;
use hookwright::domain::page::Order;
use hookwright::domain::source::{SourceRef, SourceSettings};
use http::StatusCode;

use crate::api::answer::{json, upserted};
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{SourcePath, SourceToPut};
use crate::api::query::Query;
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;
use dto::{IngestSourceIn, IngestSourcePatch};

pub(super) use out::IngestSourceOut;

pub(super) fn operations() -> Operations {
    let whole = |route| needs(Capability::ManageOrganisation, route);
    Operations::new()
        .add::<__path_list>(whole(get(list)))
        .add::<__path_create>(whole(post(create)))
        .add::<__path_show>(whole(get(show)))
        .add::<__path_upsert>(whole(put(upsert)))
        .add::<__path_change>(whole(patch(change)))
        .add::<__path_remove>(whole(delete(remove)))
        .merge(token::operations())
        .merge(log::operations())
        .merge(replay::operations())
        .merge(endpoint::operations())
}

/// Lists the organisation's sources, oldest first.
#[utoipa::path(get, path = "/ingest/api/v1/source", operation_id = "v1.ingest.source.list", tag = "Ingest Source",
    params(PageParams), responses((status = 200, body = ListResponse<IngestSourceOut>)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let page = state.hooks.source_list(organisation, request).await?;
    let data = page.items.iter().map(|source| IngestSourceOut::of(&state, source)).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |found| found.source.id, data))
}

/// Makes a source. Its `ingestUrl` is where its provider sends.
#[utoipa::path(post, path = "/ingest/api/v1/source", operation_id = "v1.ingest.source.create", tag = "Ingest Source",
    request_body = IngestSourceIn,
    responses(
        (status = 201, body = IngestSourceOut),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    JsonBody(body): JsonBody<IngestSourceIn>,
) -> Result<Response, ApiError> {
    let made = state.hooks.source_create(organisation, body.checked()?).await?;
    json(StatusCode::CREATED, &IngestSourceOut::of(&state, &made))
}

/// A source.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}", operation_id = "v1.ingest.source.get",
    tag = "Ingest Source", params(("source_id" = String, Path, description = "Its id or uid.")),
    responses((status = 200, body = IngestSourceOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
) -> Result<Response, ApiError> {
    let found = state.hooks.source_get(organisation, &named).await?;
    json(StatusCode::OK, &IngestSourceOut::of(&state, &found))
}

/// Puts a source in the place of the one that is there, or makes it. Its URL stays.
#[utoipa::path(put, path = "/ingest/api/v1/source/{source_id}", operation_id = "v1.ingest.source.upsert",
    tag = "Ingest Source", params(("source_id" = String, Path, description = "Its id or uid.")),
    request_body = IngestSourceIn,
    responses(
        (status = 200, description = "It was there.", body = IngestSourceOut),
        (status = 201, description = "It was made.", body = IngestSourceOut),
        (status = 404, description = "There is no source with this id.", body = Problem),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourceToPut(named): SourceToPut,
    JsonBody(body): JsonBody<IngestSourceIn>,
) -> Result<Response, ApiError> {
    let mut new = body.checked()?;
    if let SourceRef::Uid(uid) = &named {
        // Otherwise the same request sent again would not find it.
        new.uid.get_or_insert_with(|| uid.clone());
    }
    let replace = |settings: &mut SourceSettings| settings.clone_from(&new);
    let (made, source) = match state.hooks.source_update(organisation, &named, replace).await {
        // Ids are ours to give.
        Err(Error::NotFound(_)) if matches!(named, SourceRef::Uid(_)) => {
            (true, state.hooks.source_create(organisation, new).await?)
        }
        changed => (false, changed?),
    };
    upserted(made, &IngestSourceOut::of(&state, &source))
}

/// Changes what the body names of a source.
#[utoipa::path(patch, path = "/ingest/api/v1/source/{source_id}", operation_id = "v1.ingest.source.patch",
    tag = "Ingest Source", params(("source_id" = String, Path, description = "Its id or uid.")),
    request_body = IngestSourcePatch,
    responses(
        (status = 200, body = IngestSourceOut),
        (status = 404, body = Problem),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
    JsonBody(body): JsonBody<IngestSourcePatch>,
) -> Result<Response, ApiError> {
    let changed = state.hooks.source_update(organisation, &named, body.change()?).await?;
    json(StatusCode::OK, &IngestSourceOut::of(&state, &changed))
}

/// Deletes a source with its endpoints and its log; its URL is not found from then on.
#[utoipa::path(delete, path = "/ingest/api/v1/source/{source_id}", operation_id = "v1.ingest.source.delete",
    tag = "Ingest Source", params(("source_id" = String, Path, description = "Its id or uid.")),
    responses((status = 204, description = "It is gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
) -> Result<StatusCode, ApiError> {
    state.hooks.source_delete(organisation, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}
