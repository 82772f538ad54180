//! `/api/v1/operational-webhook/endpoint`: the organisation's own endpoints, which are told what becomes of everybody's webhooks.

mod dto;
pub(super) mod headers;
pub(super) mod secret;

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
use crate::api::path::{EndpointPath, EndpointToPut};
use crate::api::query::Query;
use crate::auth::{Caller, OrganisationCaller, needs};
use crate::server::AppState;
use dto::{OperationalWebhookEndpointIn, OperationalWebhookEndpointOut, OperationalWebhookEndpointUpsertIn};

pub(super) fn operations() -> Operations {
    let whole = |route| needs(Capability::ManageOrganisation, route);
    Operations::new()
        .add::<__path_list>(get(list))
        .add::<__path_create>(whole(post(create)))
        .add::<__path_show>(get(show))
        .add::<__path_upsert>(whole(put(upsert)))
        .add::<__path_remove>(whole(delete(remove)))
        .merge(secret::operations())
        .merge(headers::operations())
}

/// Lists the organisation's endpoints for operational webhooks, oldest first.
#[utoipa::path(get, path = "/api/v1/operational-webhook/endpoint",
    operation_id = "v1.operational-webhook.endpoint.list", tag = "Operational Webhook Endpoint", params(PageParams),
    responses((status = 200, body = ListResponse<OperationalWebhookEndpointOut>)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let page = state.hooks.operational_endpoint_list(organisation, request).await?;
    let data = page.items.iter().map(OperationalWebhookEndpointOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |endpoint| endpoint.id, data))
}

/// Makes an endpoint for operational webhooks.
#[utoipa::path(post, path = "/api/v1/operational-webhook/endpoint",
    operation_id = "v1.operational-webhook.endpoint.create", tag = "Operational Webhook Endpoint",
    request_body = OperationalWebhookEndpointIn,
    responses(
        (status = 201, body = OperationalWebhookEndpointOut),
        (status = 409, description = "Another one has this uid, or there is no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<OperationalWebhookEndpointIn>,
) -> Result<Response, ApiError> {
    let organisation = caller.require_organisation()?;
    let made = state.hooks.operational_endpoint_create(organisation, body.checked()?).await;
    let endpoint = made.map_err(|error| caller.explain(error))?;
    json(StatusCode::CREATED, &OperationalWebhookEndpointOut::of(&endpoint))
}

/// An endpoint for operational webhooks.
#[utoipa::path(get, path = "/api/v1/operational-webhook/endpoint/{endpoint_id}",
    operation_id = "v1.operational-webhook.endpoint.get", tag = "Operational Webhook Endpoint",
    params(("endpoint_id" = String, Path, description = "Its id or uid.")),
    responses((status = 200, body = OperationalWebhookEndpointOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.operational_endpoint_get(organisation, &named).await?;
    json(StatusCode::OK, &OperationalWebhookEndpointOut::of(&endpoint))
}

/// Puts an endpoint for operational webhooks in the place of the one that is there, or makes it. Its secret and its headers stay.
#[utoipa::path(put, path = "/api/v1/operational-webhook/endpoint/{endpoint_id}",
    operation_id = "v1.operational-webhook.endpoint.upsert", tag = "Operational Webhook Endpoint",
    params(("endpoint_id" = String, Path, description = "Its id or uid.")),
    request_body = OperationalWebhookEndpointUpsertIn,
    responses(
        (status = 200, description = "It was there.", body = OperationalWebhookEndpointOut),
        (status = 201, description = "It was made.", body = OperationalWebhookEndpointOut),
        (status = 409, description = "Another one has this uid, or there is no room for more.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    caller: Caller,
    EndpointToPut(named): EndpointToPut,
    JsonBody(body): JsonBody<OperationalWebhookEndpointUpsertIn>,
) -> Result<Response, ApiError> {
    let organisation = caller.require_organisation()?;
    let put = EndpointPut::new(&named, body.checked()?);
    let replace = |edit: &mut EndpointEdit| put.replace(edit);
    let changed = state.hooks.operational_endpoint_update(organisation, &named, replace).await;
    let (made, endpoint) = match changed {
        Err(Error::NotFound(_)) => {
            (true, state.hooks.operational_endpoint_create(organisation, put.into_new()).await)
        }
        changed => (false, changed),
    };
    let endpoint = endpoint.map_err(|error| caller.explain(error))?;
    upserted(made, &OperationalWebhookEndpointOut::of(&endpoint))
}

/// Deletes an endpoint for operational webhooks; what is on its way to it ends.
#[utoipa::path(delete, path = "/api/v1/operational-webhook/endpoint/{endpoint_id}",
    operation_id = "v1.operational-webhook.endpoint.delete", tag = "Operational Webhook Endpoint",
    params(("endpoint_id" = String, Path, description = "Its id or uid.")),
    responses((status = 204, description = "It is gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    EndpointPath(named): EndpointPath,
) -> Result<StatusCode, ApiError> {
    state.hooks.operational_endpoint_delete(organisation, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}
