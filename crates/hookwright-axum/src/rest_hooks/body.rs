//! What a user wants a hook to be, read from the fields of a body.

use axum::body::Body;
use hookwright::domain::application::{Metadata, metadata_errors};
use hookwright::domain::names::HookIdentifier;
use hookwright::domain::payload_format::PayloadFormat;
use http::HeaderMap;
use serde_json::{Map, Value};

use super::form;
use super::problem::{Problem, Wrong};

const REQUIRED: &str = "This field is required.";

/// What a user wants a hook to be; what is `None` was not said.
#[derive(Debug, Default)]
pub(super) struct HookIn {
    pub(super) target: Option<String>,
    pub(super) event: Option<String>,
    /// `Some(None)`: none.
    pub(super) identifier: Option<Option<HookIdentifier>>,
    pub(super) format: Option<PayloadFormat>,
    pub(super) metadata: Option<Metadata>,
    /// All that is wrong so far: a user who sent two mistakes reads both.
    pub(super) wrong: Wrong,
}

impl HookIn {
    /// Reads a body. Fields that are not known are passed over.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<HookIn, Problem> {
        Ok(HookIn::of(form::read(headers, body).await?))
    }

    fn of(mut fields: Map<String, Value>) -> HookIn {
        let mut hook = HookIn::default();
        hook.target = hook.text(&mut fields, "target");
        hook.event = hook.text(&mut fields, "event");
        hook.identifier = hook.identifier(fields.remove("identifier"));
        hook.format = hook.format(fields.remove("content_type"));
        hook.metadata = hook.metadata(fields.remove("metadata"));
        hook
    }

    /// Notes what a new hook, or one that is replaced, cannot do without.
    pub(super) fn need_all(&mut self) {
        for (field, is_missing) in [("event", self.event.is_none()), ("target", self.target.is_none())] {
            if is_missing && !self.wrong.contains_key(field) {
                self.refuse(field, REQUIRED);
            }
        }
    }

    pub(super) fn refuse(&mut self, field: &'static str, why: impl Into<String>) {
        self.wrong.entry(field).or_default().push(why.into());
    }

    /// Ends with 400 if anything was wrong.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Problem::fields(&self.wrong)) }
    }

    fn text(&mut self, fields: &mut Map<String, Value>, field: &'static str) -> Option<String> {
        match fields.remove(field)? {
            Value::String(text) if text.trim().is_empty() => {
                self.refuse(field, "This field may not be blank.")
            }
            Value::String(text) => return Some(text.trim().to_owned()),
            Value::Null => self.refuse(field, "This field may not be null."),
            _ => self.refuse(field, "Not a valid string."),
        }
        None
    }

    fn identifier(&mut self, value: Option<Value>) -> Option<Option<HookIdentifier>> {
        match value? {
            Value::Null => return Some(None),
            Value::String(text) if text.is_empty() => return Some(None),
            Value::String(text) => match HookIdentifier::parse(&text) {
                Ok(identifier) => return Some(Some(identifier)),
                Err(error) => self.refuse("identifier", format!("The identifier {error}.")),
            },
            _ => self.refuse("identifier", "Not a valid string."),
        }
        None
    }

    /// The words of dj-webhooks, short or as the header has them.
    fn format(&mut self, value: Option<Value>) -> Option<PayloadFormat> {
        match value?.as_str() {
            Some("json" | "application/json") => return Some(PayloadFormat::Hook),
            Some("form" | "application/x-www-form-urlencoded") => return Some(PayloadFormat::HookForm),
            Some(_) => self.refuse("content_type", "This must be json or form."),
            None => self.refuse("content_type", "Not a valid string. It must be json or form."),
        }
        None
    }

    fn metadata(&mut self, value: Option<Value>) -> Option<Metadata> {
        let Value::Object(pairs) = value? else {
            self.refuse("metadata", "Expected a dictionary of texts.");
            return None;
        };
        let mut metadata = Metadata::new();
        for (key, value) in pairs {
            match value {
                Value::String(text) => {
                    metadata.insert(key, text);
                }
                _ => {
                    let shown: String = key.chars().take(50).collect();
                    self.refuse("metadata", format!("The value of \"{shown}\" must be a text."));
                    return None;
                }
            }
        }
        for error in metadata_errors(&metadata) {
            self.refuse("metadata", format!("The metadata {error}."));
        }
        Some(metadata)
    }
}
