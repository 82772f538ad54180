//! How far messages have come: at an endpoint, and at all endpoints; and sending one once more.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use hookwright::SentMessage;
use hookwright::domain::capability::Capability;
use hookwright::domain::page::{Order, Page, Searched};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::attempt::dto::{EndpointMessageOut, MessageEndpointOut, MessageStatus};
use crate::api::attempt::filter::{AttemptFilterParams, StatusFilter};
use crate::api::error::{ApiError, Problem};
use crate::api::message::MessageFilterParams;
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EndpointPath, InApplication, MessagePath};
use crate::api::query::Query;
use crate::auth::needs;
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list_messages>(get(list_messages))
        .add::<__path_list_destinations>(get(list_destinations))
        .add::<__path_resend>(needs(Capability::CreateAttempts, post(resend)))
}

/// Nothing to tell.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct EmptyResponse {}

/// Lists the messages that were meant for an endpoint, newest first, each with how far it has come.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/msg",
    operation_id = "v1.message-attempt.list-attempted-messages", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
        PageParams, MessageFilterParams, AttemptFilterParams,
        ("expanded_statuses" = Option<bool>, Query, description = "SDKs send it; it changes nothing here."),
        ("with_content" = Option<bool>, Query, description = "Show their payloads too."),
    ),
    responses((status = 200, body = ListResponse<EndpointMessageOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list_messages(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    query: Query,
) -> Result<Response, ApiError> {
    let with_content = query.flag("with_content", true)?;
    let filter = AttemptFilterParams::of(&query)?.into_filter(MessageFilterParams::of(&query)?);
    let (request, asked) = PageParams::of(&query)?.request(Order::Descending)?;
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?.id;
    let (filter, wanted) = match filter {
        StatusFilter::Stored(filter) => (Some(filter), None),
        StatusFilter::OnItsWay(filter, status) => (Some(filter), Some(status)),
        StatusFilter::Nothing => (None, None),
    };
    let found = match filter {
        Some(filter) => {
            state.hooks.message_list_by_endpoint(application.id, endpoint, filter, request).await?
        }
        None => Searched { page: Page { items: Vec::new(), done: true }, reached: None },
    };
    let is_wanted = |sent: &SentMessage| wanted.is_none_or(|wanted| MessageStatus::of(sent.status) == wanted);
    let shown = found.page.items.iter().filter(|sent| is_wanted(sent));
    let data = shown.map(|sent| EndpointMessageOut::of(sent, with_content)).collect();
    json(StatusCode::OK, &ListResponse::searched(&found, asked, |sent| sent.message.id, data))
}

/// Lists the endpoints that a message was meant for, each with how far the message has come there.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint",
    operation_id = "v1.message-attempt.list-attempted-destinations", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
        PageParams,
    ),
    responses((status = 200, body = ListResponse<MessageEndpointOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list_destinations(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    MessagePath(message): MessagePath,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    state.hooks.message_head(application.id, message).await?;
    let page = state.hooks.destination_list(application.id, message, request).await?;
    let data = page.items.iter().map(MessageEndpointOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |destination| destination.endpoint.id, data))
}

/// Sends a message to an endpoint once more.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend",
    operation_id = "v1.message-attempt.resend", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    responses(
        (status = 202, description = "It is on its way.", body = EmptyResponse),
        (status = 400, description = "The payload is no longer stored.", body = Problem),
        (status = 404, body = Problem),
    ))]
pub(in crate::api) async fn resend(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    MessagePath(message): MessagePath,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let message = state.hooks.message_get(application.id, message).await?;
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?;
    state.hooks.resend(message, &endpoint).await?;
    json(StatusCode::ACCEPTED, &EmptyResponse {})
}
