//! `POST /api/v1/broadcast`: an event for every application that wants it. The Svix API has `POST /api/v1/msg/broadcast` of
//! another shape, which is not there yet.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::ids::BroadcastId;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::{Shown, json};
use crate::api::body;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::message::create::check_registered;
use crate::api::message::envelope::{ENVELOPE_LIMIT, Envelope};
use crate::api::operations::Operations;
use crate::auth::OrganisationCaller;
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_create>(post(create))
}

/// An event for every application that wants it. It is read as a message is, of which it has fewer fields.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body, which is read as that of a message")]
struct BroadcastIn {
    /// What happened.
    #[schema(min_length = 1, max_length = 256)]
    event_type: String,
    /// Any JSON; it is stored once, and sent as it is here, byte for byte.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    /// Its audience in each application: goes to endpoints with one of these channels, and to those with none.
    #[schema(max_items = 10)]
    channels: Option<Vec<String>>,
    /// Words to find its messages by.
    #[schema(max_items = 5)]
    tags: Option<Vec<String>>,
}

/// An event that becomes messages.
#[derive(Serialize, ToSchema)]
struct BroadcastOut {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<BroadcastId>,
}

/// Sends an event to every application with an enabled endpoint that wants it: once this is answered it is stored, and becomes a
/// message of each of them, soon.
#[utoipa::path(post, path = "/api/v1/broadcast", operation_id = "v1.broadcast.create", tag = "Message",
    params(("idempotency-key" = Option<String>, Header, description = "The same key sent again answers the same.")),
    request_body = BroadcastIn,
    responses(
        (status = 202, description = "It is stored, and becomes messages.", body = BroadcastOut),
        (status = 413, description = "The payload is too large.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let payload_limit = state.options.payload_limit;
    let body = body::collect(body, &parts.headers, payload_limit.saturating_add(ENVELOPE_LIMIT)).await?;
    let Envelope { message, application } = Envelope::read(&body, payload_limit)?;
    let mut fields = Fields::default();
    let why = "cannot be given here: it is of one message, and this becomes many";
    if message.event_id.is_some() {
        fields.refuse("eventId", why);
    }
    if application.is_some() {
        fields.refuse("application", why);
    }
    if message.payload_retention.is_some() {
        fields.refuse("payloadRetentionPeriod", why);
    }
    fields.finish()?;
    check_registered(&state, organisation, &message.event_type).await?;
    let id = state.hooks.broadcast(organisation, message).await?;
    json(StatusCode::ACCEPTED, &BroadcastOut { id: Shown(id) })
}
