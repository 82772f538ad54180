//! `/api/v1/app/{app_id}/msg`: messages.

pub(super) mod broadcast;
pub(super) mod content;
pub(super) mod create;
mod dto;
mod envelope;
mod filter;
mod raw_payload;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hookwright::domain::page::Order;
use http::StatusCode;

use crate::api::answer::json;
use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{InApplication, MessagePath};
use crate::api::query::Query;
use crate::server::AppState;

pub(super) use dto::MessageOut;
pub(super) use filter::MessageFilterParams;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list>(get(list))
        .add::<__path_show>(get(show))
        .merge(content::operations())
        .merge(broadcast::operations())
}

/// Lists an application's messages, newest first.
///
/// With a filter a page may hold few messages, or none, and still not be the last: only `done` tells, and `iterator` goes on.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/msg", operation_id = "v1.message.list", tag = "Message",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        PageParams,
        MessageFilterParams,
        ("with_content" = Option<bool>, Query, description = "Show their payloads too."),
    ),
    responses((status = 200, body = ListResponse<MessageOut>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    query: Query,
) -> Result<Response, ApiError> {
    let with_content = query.flag("with_content", true)?;
    let filter = MessageFilterParams::of(&query)?.into_filter();
    let (request, asked) = PageParams::of(&query)?.request(Order::Descending)?;
    let found = state.hooks.message_list(application.id, filter, with_content, request).await?;
    let data = found.page.items.iter().map(|message| MessageOut::of(message, with_content)).collect();
    json(StatusCode::OK, &ListResponse::searched(&found, asked, |message| message.id, data))
}

/// A message.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/msg/{msg_id}", operation_id = "v1.message.get",
    tag = "Message",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "Its id or eventId."),
        ("with_content" = Option<bool>, Query, description = "Show its payload too."),
    ),
    responses((status = 200, body = MessageOut), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    MessagePath(id): MessagePath,
    query: Query,
) -> Result<Response, ApiError> {
    let with_content = query.flag("with_content", true)?;
    let message = state.hooks.message_get(application.id, id).await?;
    json(StatusCode::OK, &MessageOut::of(&message, with_content))
}
