//! `/api/v1/app/{app_id}/endpoint`: endpoints.

mod dto;
pub(super) mod example;
pub(super) mod headers;
mod out;
mod put;
pub(super) mod recovery;
pub(super) mod secret;
pub(super) mod stats;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use hookwright::Error;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::ApplicationId;
use hookwright::domain::page::Order;
use hookwright::hooks::{EndpointEdit, EndpointRef};
use http::StatusCode;

use crate::api::answer::{json, upserted};
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::event_type::check_filter;
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EndpointPath, EndpointToPut, InApplication};
use crate::api::query::Query;
use crate::auth::{Caller, needs};
use crate::server::AppState;
use dto::{EndpointIn, EndpointPatch};

pub(super) use dto::trimmed;
pub(super) use out::EndpointOut;
pub(super) use put::EndpointPut;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list>(get(list))
        .add::<__path_create>(needs(Capability::ManageEndpoint, post(create)))
        .add::<__path_show>(get(show))
        .add::<__path_upsert>(needs(Capability::ManageEndpoint, put(upsert)))
        .add::<__path_change>(needs(Capability::ManageEndpoint, patch(change)))
        .add::<__path_remove>(needs(Capability::ManageEndpoint, delete(remove)))
        .merge(secret::operations())
        .merge(headers::operations())
        .merge(recovery::operations())
        .merge(stats::operations())
        .merge(example::operations())
}

/// Lists an application's endpoints, oldest first.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint", operation_id = "v1.endpoint.list", tag = "Endpoint",
    params(("app_id" = String, Path, description = "The application's id or uid."), PageParams),
    responses((status = 200, body = ListResponse<EndpointOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let page = state.hooks.endpoint_list(application.id, request).await?;
    let data = page.items.iter().map(EndpointOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |endpoint| endpoint.id, data))
}

/// Makes an endpoint.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint", operation_id = "v1.endpoint.create",
    tag = "Endpoint", params(("app_id" = String, Path, description = "The application's id or uid.")),
    request_body = EndpointIn,
    responses(
        (status = 201, body = EndpointOut),
        (status = 404, body = Problem),
        (status = 409, description = "Another one has this uid, or the application has no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    JsonBody(body): JsonBody<EndpointIn>,
) -> Result<Response, ApiError> {
    let new = body.checked()?;
    check_filter(&state, &caller, &new.settings.event_types, &[]).await?;
    let made = state.hooks.endpoint_create(application.id, new).await;
    let endpoint = made.map_err(|error| caller.explain(error))?;
    json(StatusCode::CREATED, &EndpointOut::of(&endpoint))
}

/// An endpoint.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}", operation_id = "v1.endpoint.get",
    tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    responses((status = 200, body = EndpointOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?;
    json(StatusCode::OK, &EndpointOut::of(&endpoint))
}

/// Puts an endpoint in the place of the one that is there, or makes it. Its secret and its headers stay.
#[utoipa::path(put, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}", operation_id = "v1.endpoint.upsert",
    tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    request_body = EndpointIn,
    responses(
        (status = 200, description = "It was there.", body = EndpointOut),
        (status = 201, description = "It was made.", body = EndpointOut),
        (status = 404, description = "There is no such application.", body = Problem),
        (status = 409, description = "Another one has this uid, or the application has no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    EndpointToPut(named): EndpointToPut,
    JsonBody(body): JsonBody<EndpointIn>,
) -> Result<Response, ApiError> {
    let put = EndpointPut::new(&named, body.checked()?);
    let replace = |edit: &mut EndpointEdit| put.replace(edit);
    check_change(&state, &caller, application.id, &named, replace).await?;
    let (made, endpoint) = match state.hooks.endpoint_update(application.id, &named, replace).await {
        Err(Error::NotFound(_)) => {
            let new = put.into_new();
            check_filter(&state, &caller, &new.settings.event_types, &[]).await?;
            (true, state.hooks.endpoint_create(application.id, new).await)
        }
        changed => (false, changed),
    };
    let endpoint = endpoint.map_err(|error| caller.explain(error))?;
    upserted(made, &EndpointOut::of(&endpoint))
}

/// Changes what the body names of an endpoint.
#[utoipa::path(patch, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}", operation_id = "v1.endpoint.patch",
    tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    request_body = EndpointPatch,
    responses(
        (status = 200, body = EndpointOut),
        (status = 404, body = Problem),
        (status = 409, description = "Another one has this uid, or the application has no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<EndpointPatch>,
) -> Result<Response, ApiError> {
    let mut change = body.change()?;
    check_change(&state, &caller, application.id, &named, &mut change).await?;
    let changed = state.hooks.endpoint_update(application.id, &named, change).await;
    let endpoint = changed.map_err(|error| caller.explain(error))?;
    json(StatusCode::OK, &EndpointOut::of(&endpoint))
}

/// Deletes an endpoint; what is on its way to it ends.
#[utoipa::path(delete, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}", operation_id = "v1.endpoint.delete",
    tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "Its id or uid."),
    ),
    responses((status = 204, description = "It is gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
) -> Result<StatusCode, ApiError> {
    state.hooks.endpoint_delete(application.id, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a change that makes an endpoint filter by an event type which the caller does not see.
async fn check_change(
    state: &AppState,
    caller: &Caller,
    application: ApplicationId,
    named: &EndpointRef,
    mut change: impl FnMut(&mut EndpointEdit) + Send,
) -> Result<(), ApiError> {
    if caller.tenant().is_none() {
        return Ok(());
    }
    let there = match state.hooks.endpoint_get(application, named).await {
        // Whoever changes it says so, or makes it.
        Err(Error::NotFound(_)) => return Ok(()),
        there => there?,
    };
    let already = there.settings.event_types.clone();
    let mut edit =
        EndpointEdit { settings: there.settings, headers: there.headers, disabled: there.disabled };
    change(&mut edit);
    check_filter(state, caller, &edit.settings.event_types, &already).await
}
