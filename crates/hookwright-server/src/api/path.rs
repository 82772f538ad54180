//! What the path of a request names. What cannot be the name of anything is not found, and cannot be put there.

use std::borrow::Cow;
use std::fmt::Display;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use hookwright::Thing;
use hookwright::domain::application::Application;
use hookwright::domain::ids::{AttemptId, MessageId, OrganisationId, TaskId, TokenId};
use hookwright::domain::names::{EventId, EventTypeName, NameError, SourceUid, Uid};
use hookwright::domain::short_ids::InboundId;
use hookwright::domain::source::SourceRef;
use hookwright::hooks::{ApplicationRef, EndpointRef};
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::api::error::ApiError;
use crate::auth::Caller;
use crate::server::AppState;

/// The application that the path names, as it is named: nobody has looked whether it is there.
pub(crate) struct ApplicationPath(pub(crate) ApplicationRef);

/// The application that the path names, and the caller, who may look after it.
pub(crate) struct InApplication {
    pub(crate) caller: Caller,
    pub(crate) application: Application,
}

/// The endpoint that the path names.
pub(crate) struct EndpointPath(pub(crate) EndpointRef);

/// The application to put where the path names it; a name that no application can have is a 422.
pub(crate) struct ApplicationToPut(pub(crate) ApplicationRef);

/// The endpoint to put where the path names it; a name that no endpoint can have is a 422.
pub(crate) struct EndpointToPut(pub(crate) EndpointRef);

/// The source that the path names.
pub(crate) struct SourcePath(pub(crate) SourceRef);

/// The source to put where the path names it; a name that no source can have is a 422.
pub(crate) struct SourceToPut(pub(crate) SourceRef);

/// The event type to put where the path names it; a name that no event type can have is a 422.
pub(crate) struct EventTypeToPut(pub(crate) EventTypeName);

/// The request in a source's log that the path names.
pub(crate) struct RequestPath(pub(crate) InboundId);

/// The message that the path names, by its id or its `eventId`.
pub(crate) struct MessagePath(pub(crate) MessageId);

/// The attempt that the path names.
pub(crate) struct AttemptPath(pub(crate) AttemptId);

/// The background task that the path names.
pub(crate) struct TaskPath(pub(crate) TaskId);

/// The organisation that the path names.
pub(crate) struct EnvironmentPath(pub(crate) OrganisationId);

/// The access token that the path names.
pub(crate) struct TokenPath(pub(crate) TokenId);

/// The event type that the path names.
pub(crate) struct EventTypePath(pub(crate) EventTypeName);

impl FromRequestParts<AppState> for InApplication {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<InApplication, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let ApplicationPath(named) = ApplicationPath::from_request_parts(parts, state).await?;
        let application = state.hooks.application_get(caller.organisation(), &named).await?;
        if caller.tenant().is_some_and(|tenant| tenant != application.id) {
            return Err(ApiError::not_found(Thing::Application));
        }
        Ok(InApplication { caller, application })
    }
}

impl FromRequestParts<AppState> for MessagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<MessagePath, ApiError> {
        let text =
            segment(parts, state, "msg_id").await.ok_or_else(|| ApiError::not_found(Thing::Message))?;
        if let Ok(id) = text.parse() {
            return Ok(MessagePath(id));
        }
        let event_id = EventId::parse(&text).map_err(|_| ApiError::not_found(Thing::Message))?;
        let InApplication { application, .. } = InApplication::from_request_parts(parts, state).await?;
        Ok(MessagePath(state.hooks.message_by_event_id(application.id, event_id).await?))
    }
}

macro_rules! path {
    ($extractor:ident, $parameter:literal, $parse:expr, $thing:expr) => {
        impl FromRequestParts<AppState> for $extractor {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<$extractor, ApiError> {
                named(parts, state, $parameter, $parse, $thing).await.map($extractor)
            }
        }
    };
}

macro_rules! path_to_put {
    ($extractor:ident, $parameter:literal, $parse:expr, $name:literal, $max:expr) => {
        impl FromRequestParts<AppState> for $extractor {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<$extractor, ApiError> {
                let Some(text) = segment(parts, state, $parameter).await else {
                    return Err(cannot_be_put($name, $max, &NO_TEXT));
                };
                $parse(&text).map($extractor).map_err(|error| cannot_be_put($name, $max, &error))
            }
        }
    };
}

path!(ApplicationPath, "app_id", |text| ApplicationRef::parse(text).ok(), Thing::Application);
path!(EndpointPath, "endpoint_id", |text| EndpointRef::parse(text).ok(), Thing::Endpoint);
path_to_put!(ApplicationToPut, "app_id", ApplicationRef::parse, "uid", Uid::MAX_CHARS);
path_to_put!(EndpointToPut, "endpoint_id", EndpointRef::parse, "uid", Uid::MAX_CHARS);
path_to_put!(
    EventTypeToPut,
    "event_type_name",
    EventTypeName::parse,
    "event_type_name",
    EventTypeName::MAX_CHARS
);
path!(SourcePath, "source_id", SourceRef::parse, Thing::Source);
path_to_put!(
    SourceToPut,
    "source_id",
    |text: &str| SourceRef::parse(text).ok_or_else(|| no_source(text)),
    "uid",
    SourceUid::MAX_CHARS
);
path!(RequestPath, "log_id", |text| text.parse().ok(), Thing::Request);
path!(AttemptPath, "attempt_id", |text| text.parse().ok(), Thing::Attempt);
path!(TaskPath, "task_id", |text| text.parse().ok(), Thing::Task);
path!(EnvironmentPath, "env_id", |text| text.parse().ok(), Thing::Organisation);
path!(TokenPath, "key_id", |text| text.parse().ok(), Thing::Token);
path!(EventTypePath, "event_type_name", |text| EventTypeName::parse(text).ok(), Thing::EventType);

async fn named<T>(
    parts: &mut Parts,
    state: &AppState,
    parameter: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    thing: Thing,
) -> Result<T, ApiError> {
    let text = segment(parts, state, parameter).await;
    text.and_then(|text| parse(&text)).ok_or_else(|| ApiError::not_found(thing))
}

/// What is wrong with a name whose escapes are no text.
const NO_TEXT: &str = "is not UTF-8 once its escapes are read";

/// The part of the path that stands for this parameter; nothing if it is no text.
async fn segment(parts: &mut Parts, state: &AppState, parameter: &str) -> Option<String> {
    match RawPathParams::from_request_parts(parts, state).await {
        Ok(params) => {
            let found = params.iter().find(|(name, _)| *name == parameter);
            Some(found.map(|(_, text)| text.to_owned()).unwrap_or_default())
        }
        // One of the path's parts is no text; this one may be.
        Err(_) => decoded(parts, parameter),
    }
}

/// The same, from the path as it came.
fn decoded(parts: &Parts, parameter: &str) -> Option<String> {
    let route = parts.extensions.get::<MatchedPath>()?;
    let place = format!("{{{parameter}}}");
    let at = route.as_str().split('/').position(|part| part == place)?;
    let part = parts.uri.path().split('/').nth(at)?;
    percent_decode_str(part).decode_utf8().ok().map(Cow::into_owned)
}

/// Why a text names no source: what begins as our ids do is none of them.
fn no_source(text: &str) -> NameError {
    let as_id = NameError::Character { found: '_', allowed: "-_, but not src_ at the beginning" };
    SourceUid::parse(text).err().unwrap_or(as_id)
}

/// 422: what is put there would be called so, and cannot.
fn cannot_be_put(name: &'static str, max: usize, error: &dyn Display) -> ApiError {
    let msg = format!(
        "{name} {error}. Such a name is 1 to {max} characters long, of letters, digits, full stops, hyphens and underscores."
    );
    ApiError::field(["path", name], msg, "value_error")
}
