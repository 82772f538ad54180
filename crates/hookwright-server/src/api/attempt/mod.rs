//! Attempts: by endpoint, by message, and one by one.

pub(super) mod content; // what was answered
pub(super) mod destination; // how far messages have come
mod dto;
mod filter;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hookwright::Error;
use hookwright::domain::attempt::Attempt;
use hookwright::domain::ids::AttemptId;
use hookwright::domain::page::{Order, Page, Searched};
use hookwright::hooks::EndpointRef;
use http::StatusCode;

use crate::api::answer::json;
use crate::api::error::{ApiError, Problem};
use crate::api::message::MessageFilterParams;
use crate::api::operations::Operations;
use crate::api::page::{Asked, ListResponse, PageParams};
use crate::api::path::{AttemptPath, EndpointPath, InApplication, MessagePath};
use crate::api::query::{Query, refused};
use crate::server::AppState;
pub(super) use dto::MessageAttemptOut;
use filter::{AttemptFilterParams, EXPANDED_STATUSES, StatusFilter};

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list_by_endpoint>(get(list_by_endpoint))
        .add::<__path_list_by_message>(get(list_by_message))
        .add::<__path_show>(get(show))
        .merge(content::operations())
        .merge(destination::operations())
}

/// Lists the attempts at an endpoint, newest first.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/attempt/endpoint/{endpoint_id}",
    operation_id = "v1.message-attempt.list-by-endpoint", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
        PageParams, MessageFilterParams, AttemptFilterParams,
        ("expanded_statuses" = Option<bool>, Query, description = "SDKs send it; it changes nothing here."),
        ("with_content" = Option<bool>, Query, description = "Show what was answered too."),
        ("with_msg" = Option<bool>, Query, description = "Show the messages too, without their payloads."),
    ),
    responses((status = 200, body = ListResponse<MessageAttemptOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list_by_endpoint(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    query: Query,
) -> Result<Response, ApiError> {
    let filter = AttemptFilterParams::of(&query)?.into_filter(MessageFilterParams::of(&query)?);
    let (request, asked) = PageParams::of(&query)?.request::<AttemptId>(Order::Descending)?;
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?.id;
    let StatusFilter::Stored(filter) = filter else {
        return answer(&state, &query, nothing(), asked).await;
    };
    let page = state.hooks.attempt_list_by_endpoint(application.id, endpoint, filter, request).await?;
    answer(&state, &query, page, asked).await
}

/// Lists a message's attempts, newest first.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/attempt/msg/{msg_id}",
    operation_id = "v1.message-attempt.list-by-msg", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
        PageParams, MessageFilterParams, AttemptFilterParams,
        ("expanded_statuses" = Option<bool>, Query, description = "SDKs send it; it changes nothing here."),
        ("endpoint_id" = Option<String>, Query, description = "Only those at the endpoint with this id or uid."),
        ("with_content" = Option<bool>, Query, description = "Show what was answered too."),
        ("with_msg" = Option<bool>, Query, description = "Show the message too, without its payload."),
    ),
    responses((status = 200, body = ListResponse<MessageAttemptOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list_by_message(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    MessagePath(message): MessagePath,
    query: Query,
) -> Result<Response, ApiError> {
    let filter = AttemptFilterParams::of(&query)?.into_filter(MessageFilterParams::of(&query)?);
    let (request, asked) = PageParams::of(&query)?.request::<AttemptId>(Order::Descending)?;
    let endpoint = query.parsed("endpoint_id", EndpointRef::parse)?;
    state.hooks.message_head(application.id, message).await?;
    let StatusFilter::Stored(mut filter) = filter else {
        return answer(&state, &query, nothing(), asked).await;
    };
    if let Some(named) = endpoint {
        let found = state.hooks.endpoint_get(application.id, &named).await;
        filter.endpoint = match found {
            Ok(endpoint) => Some(endpoint.id),
            Err(Error::NotFound(_)) => {
                return Err(refused("endpoint_id", "names no endpoint of this application"));
            }
            Err(error) => return Err(error.into()),
        };
    }
    let page = state.hooks.attempt_list_by_message(application.id, message, filter, request).await?;
    answer(&state, &query, page, asked).await
}

/// An attempt.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}",
    operation_id = "v1.message-attempt.get", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
        ("attempt_id" = String, Path, description = "Its id."),
        ("expanded_statuses" = Option<bool>, Query, description = "SDKs send it; it changes nothing here."),
    ),
    responses((status = 200, body = MessageAttemptOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    MessagePath(message): MessagePath,
    AttemptPath(id): AttemptPath,
    query: Query,
) -> Result<Response, ApiError> {
    query.flag(EXPANDED_STATUSES, false)?;
    let attempt = state.hooks.attempt_get(application.id, message, id).await?;
    json(StatusCode::OK, &MessageAttemptOut::of(&attempt, true, None))
}

async fn answer(
    state: &AppState,
    query: &Query,
    found: Searched<Attempt, AttemptId>,
    asked: Asked,
) -> Result<Response, ApiError> {
    let with_content = query.flag("with_content", true)?;
    let mut messages = BTreeMap::new();
    if query.flag("with_msg", false)? {
        for attempt in &found.page.items {
            if messages.contains_key(&attempt.message) {
                continue;
            }
            match state.hooks.message_head(attempt.application, attempt.message).await {
                Ok(message) => drop(messages.insert(attempt.message, message)),
                // It has expired; its attempts are still to be seen.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let shown = |attempt| MessageAttemptOut::of(attempt, with_content, messages.get(&attempt.message));
    let data = found.page.items.iter().map(shown).collect();
    json(StatusCode::OK, &ListResponse::searched(&found, asked, |attempt| attempt.id, data))
}

/// The page of a status that no attempt has: an attempt is listed once it has ended.
fn nothing() -> Searched<Attempt, AttemptId> {
    Searched { page: Page { items: Vec::new(), done: true }, reached: None }
}
