//! Turns the texts of a body into the words of the engine, and tells all that is wrong with them at once.

use std::borrow::Cow;
use std::fmt::Display;

use hookwright::domain::application::{Metadata, metadata_errors};
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::names::{Channel, EventTypeName, NameError, Uid};
use hookwright_signature::Secret;
use serde::{Deserialize, Deserializer};

use crate::api::error::{ApiError, FieldError, sentence};

/// Collects what is wrong with a body.
#[derive(Default)]
pub(crate) struct Fields {
    wrong: Vec<FieldError>,
    /// The field of the body that these are fields of, if not of the body itself.
    within: Option<&'static str>,
}

impl Fields {
    /// Collects what is wrong with the object in this field of the body.
    pub(crate) fn within(field: &'static str) -> Fields {
        Fields { wrong: Vec::new(), within: Some(field) }
    }

    /// Ends with a 422 if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.wrong.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.wrong)) }
    }

    /// Notes that the value of `field` cannot be used; `why` goes on where the field's name begins a sentence.
    pub(crate) fn refuse(&mut self, field: &'static str, why: impl Display) {
        self.refuse_saying(field, format!("{field} {why}."));
    }

    /// Notes that the value of `field` cannot be used, in a whole sentence.
    pub(crate) fn refuse_saying(&mut self, field: &'static str, msg: impl Into<String>) {
        self.refuse_at(vec![Cow::Borrowed(field)], msg.into());
    }

    fn refuse_at(&mut self, place: Vec<Cow<'static, str>>, msg: String) {
        let above = std::iter::once("body").chain(self.within).map(Cow::Borrowed);
        self.wrong.push(FieldError { loc: above.chain(place).collect(), msg, kind: "value_error" });
    }

    /// What `parse` makes of the value of `field`.
    pub(crate) fn parsed<T>(
        &mut self,
        field: &'static str,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, NameError>,
    ) -> Option<T> {
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.refuse(field, error);
                None
            }
        }
    }

    /// A uid, if given.
    pub(crate) fn uid(&mut self, value: Option<&str>) -> Option<Uid> {
        value.and_then(|value| self.parsed("uid", value, Uid::parse))
    }

    /// A secret to sign with, if given.
    pub(crate) fn secret(&mut self, field: &'static str, value: Option<&str>) -> Option<Secret> {
        match Secret::parse(value?) {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.refuse_saying(field, sentence(&error));
                None
            }
        }
    }

    /// A name that must not be empty.
    pub(crate) fn name(&mut self, value: String) -> String {
        if value.trim().is_empty() {
            self.refuse("name", "must not be empty");
        }
        self.text("name", &value, NAME_MAX);
        value
    }

    /// A description for people.
    pub(crate) fn description(&mut self, value: String) -> String {
        self.text("description", &value, DESCRIPTION_MAX);
        value
    }

    fn text(&mut self, field: &'static str, value: &str, max: usize) {
        let found = value.chars().count();
        if found > max {
            self.refuse(field, format_args!("must have at most {max} characters, and has {found}"));
        }
    }

    /// Free key-value pairs.
    pub(crate) fn metadata(&mut self, pairs: Metadata) -> Metadata {
        for error in metadata_errors(&pairs) {
            self.refuse("metadata", error);
        }
        pairs
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
            self.refuse(field, format_args!("must have at most {max} items, and has {}", values.len()));
            return Vec::new();
        }
        let mut names = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match parse(value.as_ref()) {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(error) => {
                    let place = vec![field.into(), index.to_string().into()];
                    self.refuse_at(place, format!("{field}[{index}] {error}."));
                }
            }
        }
        names
    }

    /// The event types to filter by, under the newer name or, without that, the older one.
    pub(crate) fn event_types(
        &mut self,
        newer: Option<Vec<String>>,
        older: Option<Vec<String>>,
    ) -> Vec<EventFilter> {
        let field = if newer.is_none() && older.is_some() { "filterTypes" } else { "eventTypes" };
        self.names(field, &newer.or(older).unwrap_or_default(), EVENT_TYPES_MAX, EventFilter::parse)
    }

    /// The event types of messages that are meant, by their whole names.
    pub(crate) fn event_type_names(&mut self, names: &[String]) -> Vec<EventTypeName> {
        self.names("eventTypes", names, EVENT_TYPES_MAX, EventTypeName::parse)
    }

    /// The channels to filter by.
    pub(crate) fn channels(&mut self, values: &[String]) -> Vec<Channel> {
        self.names("channels", values, hookwright::domain::endpoint::CHANNELS_MAX, Channel::parse)
    }

    /// A rate limit, if given, under the newer name or, without that, the older one: at least 1.
    pub(crate) fn rate(&mut self, newer: Option<u16>, older: Option<u16>) -> Option<u16> {
        let (field, value) = match newer {
            Some(_) => ("throttleRate", newer),
            None => ("rateLimit", older),
        };
        if value == Some(0) {
            self.refuse(field, "must be at least 1; leave it out for no limit");
        }
        value
    }
}

/// The most characters a name for people may have.
const NAME_MAX: usize = 256;
/// The most characters a description may have.
pub(crate) const DESCRIPTION_MAX: usize = 10_000;
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
