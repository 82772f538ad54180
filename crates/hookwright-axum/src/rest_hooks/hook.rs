//! A hook on the wire: what goes out.

use axum::response::{IntoResponse, Response};
use hookwright::domain::application::{Application, Metadata};
use hookwright::domain::endpoint::Endpoint;
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::payload_format::PayloadFormat;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::problem::Problem;

/// A hook. What django-rest-hooks does not have is there only if it says something.
#[derive(Serialize)]
pub(super) struct HookOut<'a> {
    id: String,
    event: String,
    target: &'a str,
    created: String,
    updated: String,
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    /// Why it gets nothing, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<&'static str>,
}

impl HookOut<'_> {
    pub(super) fn of<'a>(hook: &'a Endpoint, user: &'a Application) -> HookOut<'a> {
        let settings = &hook.settings;
        let events: Vec<&str> = settings.event_types.iter().map(EventFilter::as_str).collect();
        let uid = user.settings.uid.as_ref();
        HookOut {
            id: hook.id.to_string(),
            // More than one only if it was changed elsewhere.
            event: events.join(","),
            target: &settings.url,
            created: hook.created_at.to_string(),
            updated: hook.updated_at.to_string(),
            user: uid.map_or_else(|| user.id.to_string(), |uid| uid.as_str().to_owned()),
            identifier: settings.identifier.as_ref().map(|identifier| identifier.as_str()),
            content_type: (settings.format == PayloadFormat::HookForm).then_some("form"),
            metadata: (!settings.metadata.is_empty()).then_some(&settings.metadata),
            disabled: hook.disabled.map(|reason| reason.in_words()),
        }
    }
}

/// An answer with `value` as JSON.
pub(super) fn json(status: StatusCode, value: &(impl Serialize + ?Sized)) -> Result<Response, Problem> {
    let text = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
    })?;
    Ok((status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}
