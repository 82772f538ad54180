//! `POST /api/v1/app/{app_id}/msg`: sends a message. The hot path: it is taken thousands of times a second.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::message::Message;
use hookwright::domain::names::EventTypeName;
use hookwright::{Error, Sent, Thing};
use http::StatusCode;

use crate::api::answer::json;
use crate::api::application::make_named;
use crate::api::body;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::message::dto::MessageOut;
use crate::api::message::envelope::{ENVELOPE_LIMIT, Envelope, MessageIn};
use crate::api::operations::Operations;
use crate::api::path::ApplicationPath;
use crate::api::query::Query;
use crate::auth::Caller;
use crate::middleware::IdempotencyHeader;
use crate::server::AppState;

/// Apart from the others: its idempotency key is kept in the message's own commit, so no layer looks after it.
pub(in crate::api) fn operations() -> Operations {
    Operations::new().add::<__path_create>(post(create))
}

/// Sends a message: once this is answered it is stored, and on its way.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/msg", operation_id = "v1.message.create", tag = "Message",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("with_content" = Option<bool>, Query, description = "Answer with the payload too."),
        ("idempotency-key" = Option<String>, Header, description = "The same key sent again answers with the same message."),
    ),
    request_body = MessageIn,
    responses(
        (status = 202, description = "It is stored, and on its way.", body = MessageOut),
        (status = 404, description = "There is no such application.", body = Problem),
        (status = 409, description = "Another message has this eventId.", body = Problem),
        (status = 413, description = "The payload is too large.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    ApplicationPath(named): ApplicationPath,
    key: IdempotencyHeader,
    request: Request,
) -> Result<Response, ApiError> {
    let organisation = caller.require_organisation()?;
    let (parts, body) = request.into_parts();
    let with_content = match parts.uri.query() {
        None => true,
        Some("with_content=false") => false,
        Some(_) => Query::of(&parts.uri).flag("with_content", true)?,
    };
    let payload_limit = state.options.payload_limit;
    let body = body::collect(body, &parts.headers, payload_limit.saturating_add(ENVELOPE_LIMIT)).await?;
    let Envelope { message, application } = Envelope::read(&body, payload_limit)?;
    check_registered(&state, organisation, &message.event_type).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let key = key.key(&state, &caller, target, &body).map(|key| key.stored());

    let sent = match application {
        None => state.hooks.send(organisation, &named, message, key).await?,
        Some(inline) => match state.hooks.send(organisation, &named, message.clone(), key).await {
            Err(Error::NotFound(Thing::Application)) => {
                make_named(&state, organisation, &named, inline).await?;
                state.hooks.send(organisation, &named, message, key).await?
            }
            sent => sent?,
        },
    };
    match sent {
        Sent::Accepted(message) => accepted(&message, with_content),
        Sent::Repeated(id) => {
            let application = state.hooks.application_get(organisation, &named).await?.id;
            accepted(&state.hooks.message_get(application, id).await?, with_content)
        }
    }
}

/// Refuses an event type that is not registered, if the operator wants that.
pub(super) async fn check_registered(
    state: &AppState,
    organisation: OrganisationId,
    event_type: &EventTypeName,
) -> Result<(), ApiError> {
    if !state.options.refuse_unregistered
        || state.hooks.event_types(organisation).await?.contains_key(event_type)
    {
        return Ok(());
    }
    Err(ApiError::field(
        ["body", "eventType"],
        format!("The event type {event_type} is not registered. Create it first."),
        "event_type_not_registered",
    ))
}

fn accepted(message: &Message, with_content: bool) -> Result<Response, ApiError> {
    json(StatusCode::ACCEPTED, &MessageOut::of(message, with_content))
}
