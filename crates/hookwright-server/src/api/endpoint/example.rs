//! `/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example`: a message to try an endpoint with.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use hookwright::domain::capability::Capability;
use hookwright::domain::event_type::EventType;
use hookwright::domain::names::EventTypeName;
use hookwright::{Error, NewMessage, Sent, Thing};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::answer::json as answer;
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::event_type::is_visible;
use crate::api::fields::Fields;
use crate::api::message::MessageOut;
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, InApplication};
use crate::api::query::Query;
use crate::auth::needs;
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_send>(needs(Capability::CreateAttempts, post(send)))
}

/// Which example to send.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EventExampleIn {
    /// The event type whose example it is.
    #[schema(min_length = 1, max_length = 256)]
    event_type: String,
    /// Which of the examples in the event type's schema, from 0. Has no meaning for one without a list of them.
    #[serde(default)]
    example_index: Option<u32>,
}

/// What is looked for in a JSON Schema.
#[derive(Deserialize)]
struct Examples<'a> {
    #[serde(borrow, default)]
    examples: Option<&'a RawValue>,
    #[serde(borrow, default)]
    example: Option<&'a RawValue>,
}

/// Sends an example of an event type to this endpoint alone, whatever it filters by. A disabled endpoint gets nothing.
///
/// The example is one of `examples` in the newest version of the event type's schema, or its `example`. Without either it
/// is `{"type": …, "example": true}` with the name of the event type.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example",
    operation_id = "v1.endpoint.send-example", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
        ("with_content" = Option<bool>, Query, description = "Answer with the payload too."),
    ),
    request_body = EventExampleIn,
    responses(
        (status = 202, description = "It is stored, and on its way.", body = MessageOut),
        (status = 404, body = Problem),
        (status = 413, description = "The example is too large to be sent.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn send(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    EndpointPath(named): EndpointPath,
    query: Query,
    JsonBody(body): JsonBody<EventExampleIn>,
) -> Result<Response, ApiError> {
    let with_content = query.flag("with_content", true)?;
    let mut fields = Fields::default();
    let name = fields.parsed("eventType", &body.event_type, EventTypeName::parse);
    fields.finish()?;
    // A name that cannot be used has ended this just now.
    let name = name.ok_or_else(|| ApiError::invalid(Vec::new()))?;
    let event_type = match state.hooks.event_type_get(caller.organisation(), &name).await {
        Err(Error::NotFound(Thing::EventType)) => return Err(unknown(&name)),
        Ok(found) if !is_visible(&found, &caller) => return Err(unknown(&name)),
        found => found?,
    };
    let payload = example(&event_type, body.example_index.unwrap_or(0))?;
    let limit = state.options.payload_limit;
    if payload.len() > limit {
        return Err(ApiError::too_large("example", limit));
    }
    let new = NewMessage {
        event_type: name,
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Bytes::from(payload),
        payload_retention: None,
    };
    let message = match state.hooks.send_to(application.id, &named, new).await? {
        Sent::Accepted(message) => message,
        // Only a message with a key is ever a repeated one.
        Sent::Repeated(id) => state.hooks.message_get(application.id, id).await?.into(),
    };
    answer(StatusCode::ACCEPTED, &MessageOut::of(&message, with_content))
}

/// The example number `index` of an event type, as JSON.
fn example(event_type: &EventType, index: u32) -> Result<String, ApiError> {
    let schema = event_type.settings.schemas.as_deref().and_then(newest_schema);
    let found = schema.and_then(|schema| serde_json::from_str::<Examples<'_>>(schema.get()).ok());
    let Some(Examples { examples, example }) = found else { return Ok(made_up(event_type)) };
    let examples = examples.and_then(|list| serde_json::from_str::<Vec<&RawValue>>(list.get()).ok());
    match (examples.filter(|list| !list.is_empty()), example) {
        (Some(list), _) => match usize::try_from(index).ok().and_then(|index| list.get(index)) {
            Some(chosen) => Ok(chosen.get().to_owned()),
            None => {
                let msg = format!("exampleIndex must be below {}: so many examples there are.", list.len());
                Err(ApiError::field(["body", "exampleIndex"], msg, "value_error"))
            }
        },
        (None, Some(example)) => Ok(example.get().to_owned()),
        (None, None) => Ok(made_up(event_type)),
    }
}

/// The schema of the highest version; versions that are numbers are compared as such, and are higher than others.
fn newest_schema(schemas: &str) -> Option<&RawValue> {
    let versions: BTreeMap<String, &RawValue> = serde_json::from_str(schemas).ok()?;
    let newest =
        versions.into_iter().max_by_key(|(version, _)| (version.parse::<u64>().ok(), version.clone()));
    newest.map(|(_, schema)| schema)
}

fn made_up(event_type: &EventType) -> String {
    json!({ "type": event_type.name.as_str(), "example": true }).to_string()
}

fn unknown(name: &EventTypeName) -> ApiError {
    let msg = format!("The event type {name} is not registered. Create it first.");
    ApiError::field(["body", "eventType"], msg, "event_type_not_registered")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_schema_is_that_of_the_highest_number() {
        let newest = |schemas| newest_schema(schemas).map(RawValue::get);
        assert_eq!(newest(r#"{"9": 9, "10": 10, "draft": 0}"#), Some("10"));
        assert_eq!(newest(r#"{"a": 1, "b": 2}"#), Some("2"));
        assert_eq!(newest("{}"), None);
        assert_eq!(newest("[]"), None);
    }
}
