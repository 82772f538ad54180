//! Turns the texts of a body into the words of the engine, and tells all that is wrong with them at once.

use std::borrow::Cow;
use std::fmt::Display;

use hookwright::domain::names::{Channel, EventTypeName, NameError, Uid};
use serde::{Deserialize, Deserializer};

use crate::api::error::{ApiError, FieldError};

/// Collects what is wrong with a body.
#[derive(Default)]
pub(crate) struct Fields {
    wrong: Vec<FieldError>,
}

impl Fields {
    /// Ends with a 422 if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.wrong.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.wrong)) }
    }

    /// Notes that the value of `field` cannot be used.
    pub(crate) fn refuse(&mut self, field: &'static str, msg: impl Into<String>) {
        let loc = vec![Cow::Borrowed("body"), Cow::Borrowed(field)];
        self.wrong.push(FieldError { loc, msg: msg.into(), kind: "value_error" });
    }

    /// What `parse` makes of the value of `field`.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        field: &'static str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.refuse(field, format!("{field} {error}"));
                None
            }
        }
    }

    /// A uid, if given.
    pub(crate) fn uid(&mut self, value: Option<&str>) -> Option<Uid> {
        value.and_then(|value| self.parsed("uid", value, Uid::parse))
    }

    /// A name that must not be empty.
    pub(crate) fn name(&mut self, value: String) -> String {
        if value.trim().is_empty() {
            self.refuse("name", "name must not be empty");
        }
        value
    }

    /// A list of names, each once, at most `max` of them.
    pub(crate) fn names<T: PartialEq>(
        &mut self,
        field: &'static str,
        values: &[impl AsRef<str>],
        max: usize,
        parse: fn(&str) -> Result<T, NameError>,
    ) -> Vec<T> {
        if values.len() > max {
            self.refuse(field, format!("{field} must have at most {max} items, and has {}", values.len()));
            return Vec::new();
        }
        let mut names = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match parse(value.as_ref()) {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(error) => {
                    let loc = vec!["body".into(), field.into(), index.to_string().into()];
                    let msg = format!("{field}[{index}] {error}");
                    self.wrong.push(FieldError { loc, msg, kind: "value_error" });
                }
            }
        }
        names
    }

    /// The event types to filter by.
    pub(crate) fn event_types(&mut self, values: &[String]) -> Vec<EventTypeName> {
        self.names("eventTypes", values, EVENT_TYPES_MAX, EventTypeName::parse)
    }

    /// The channels to filter by.
    pub(crate) fn channels(&mut self, values: &[String]) -> Vec<Channel> {
        self.names("channels", values, hookwright::domain::endpoint::CHANNELS_MAX, Channel::parse)
    }

    /// A rate limit, if given: at least 1.
    pub(crate) fn rate(&mut self, value: Option<u16>) -> Option<u16> {
        if value == Some(0) {
            self.refuse("throttleRate", "throttleRate must be at least 1; leave it out for no limit");
        }
        value
    }
}

/// At most so many event types on an endpoint.
const EVENT_TYPES_MAX: usize = 1_000;

/// Reads a field that is there, be it null: so that a patch can tell `null` from nothing.
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}
