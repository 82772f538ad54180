//! An event type on the wire.

use hookwright::domain::event_type::{EventType, EventTypeSettings};
use hookwright::domain::names::{EventTypeName, FeatureFlag};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::answer::Names;
use crate::api::error::ApiError;
use crate::api::fields::{Fields, given};
use crate::api::nesting;
use crate::api::time::Rfc3339;

/// At most so many feature flags on an event type.
const FEATURE_FLAGS_MAX: usize = 50;

/// An event type to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EventTypeIn {
    /// Its name, such as `book.added`.
    #[schema(min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    pub(super) name: String,
    /// What happens, for people.
    #[schema(max_length = 10000)]
    description: String,
    /// No longer offered to subscribers.
    #[serde(default)]
    archived: Option<bool>,
    /// Still offered, with a warning.
    #[serde(default)]
    deprecated: Option<bool>,
    /// JSON Schemas by version.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
    /// Refuse messages whose payload does not fit the newest schema.
    #[serde(default)]
    validate_payload: Option<bool>,
    /// The group it is shown in.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    group_name: Option<String>,
    /// An application must hold one of these to see it.
    #[serde(default)]
    #[schema(max_items = 50)]
    feature_flags: Option<Vec<String>>,
    /// The older form of `featureFlags`, for one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, deprecated)]
    feature_flag: Option<String>,
}

/// An event type to be put in the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EventTypeUpsertIn {
    /// What happens, for people.
    #[schema(max_length = 10000)]
    description: String,
    /// No longer offered to subscribers.
    #[serde(default)]
    archived: Option<bool>,
    /// Still offered, with a warning.
    #[serde(default)]
    deprecated: Option<bool>,
    /// JSON Schemas by version.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
    /// Refuse messages whose payload does not fit the newest schema.
    #[serde(default)]
    validate_payload: Option<bool>,
    /// The group it is shown in.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    group_name: Option<String>,
    /// An application must hold one of these to see it.
    #[serde(default)]
    #[schema(max_items = 50)]
    feature_flags: Option<Vec<String>>,
    /// The older form of `featureFlags`, for one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, deprecated)]
    feature_flag: Option<String>,
}

/// What to change about an event type; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EventTypePatch {
    /// What happens, for people.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// No longer offered to subscribers.
    #[serde(default)]
    archived: Option<bool>,
    /// Still offered, with a warning.
    #[serde(default)]
    deprecated: Option<bool>,
    /// JSON Schemas by version; null takes them away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Option<Box<RawValue>>>,
    /// Refuse messages whose payload does not fit the newest schema.
    #[serde(default)]
    validate_payload: Option<bool>,
    /// The group it is shown in; null takes it out of its group.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 1, max_length = 256, value_type = Option<String>)]
    group_name: Option<Option<String>>,
    /// An application must hold one of these to see it; null shows it to all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    feature_flags: Option<Option<Vec<String>>>,
    /// The older form of `featureFlags`, for one.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 1, max_length = 256, value_type = Option<String>, deprecated)]
    feature_flag: Option<Option<String>>,
}

/// A kind of thing that happens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventTypeOut<'a> {
    /// Its name.
    name: &'a str,
    /// What happens, for people.
    description: &'a str,
    /// No longer offered to subscribers.
    archived: bool,
    /// Still offered, with a warning.
    deprecated: bool,
    /// JSON Schemas by version.
    #[schema(value_type = Option<Object>)]
    schemas: Option<&'a RawValue>,
    /// Whether messages are refused whose payload does not fit the newest schema.
    validate_payload: bool,
    /// The group it is shown in.
    group_name: Option<&'a str>,
    /// An application must hold one of these to see it.
    #[schema(value_type = Option<Vec<String>>)]
    feature_flags: Names<'a, FeatureFlag>,
    /// The first of `featureFlags`, for older clients.
    #[schema(deprecated)]
    feature_flag: Option<&'a str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl EventTypeIn {
    pub(super) fn settings(self) -> Result<(EventTypeName, EventTypeSettings), ApiError> {
        let mut fields = Fields::default();
        let name = fields.parsed("name", &self.name, EventTypeName::parse);
        let settings = EventTypeUpsertIn {
            description: self.description,
            archived: self.archived,
            deprecated: self.deprecated,
            schemas: self.schemas,
            validate_payload: self.validate_payload,
            group_name: self.group_name,
            feature_flags: self.feature_flags,
            feature_flag: self.feature_flag,
        }
        .checked(&mut fields);
        fields.finish()?;
        // A name that cannot be used has ended this just now.
        name.map(|name| (name, settings)).ok_or_else(|| ApiError::invalid(Vec::new()))
    }
}

impl EventTypeUpsertIn {
    pub(super) fn settings(self) -> Result<EventTypeSettings, ApiError> {
        let mut fields = Fields::default();
        let settings = self.checked(&mut fields);
        fields.finish()?;
        Ok(settings)
    }

    fn checked(self, fields: &mut Fields) -> EventTypeSettings {
        let flags = checked_flags(fields, self.feature_flags, self.feature_flag);
        EventTypeSettings {
            description: fields.description(self.description),
            archived: self.archived.unwrap_or(false),
            deprecated: self.deprecated.unwrap_or(false),
            schemas: self.schemas.and_then(|schemas| checked_schemas(fields, &schemas)),
            validated: self.validate_payload.unwrap_or(false),
            feature_flags: flags,
            group_name: checked_group(fields, self.group_name.as_deref()),
        }
    }
}

impl EventTypePatch {
    /// What the patch does to settings.
    pub(super) fn change(self) -> Result<impl FnMut(&mut EventTypeSettings) + Send, ApiError> {
        let mut fields = Fields::default();
        let schemas =
            self.schemas.map(|schemas| schemas.and_then(|schemas| checked_schemas(&mut fields, &schemas)));
        let is_given = self.feature_flags.is_some() || self.feature_flag.is_some();
        let one = self.feature_flag.flatten().filter(|_| self.feature_flags.is_none());
        let several = self.feature_flags.flatten();
        let flags = is_given.then(|| checked_flags(&mut fields, several, one));
        let group = self.group_name.map(|group| checked_group(&mut fields, group.as_deref()));
        let description = self.description.map(|description| fields.description(description));
        fields.finish()?;
        let (archived, deprecated) = (self.archived, self.deprecated);
        let validated = self.validate_payload;
        Ok(move |settings: &mut EventTypeSettings| {
            if let Some(description) = &description {
                settings.description.clone_from(description);
            }
            settings.validated = validated.unwrap_or(settings.validated);
            settings.archived = archived.unwrap_or(settings.archived);
            settings.deprecated = deprecated.unwrap_or(settings.deprecated);
            if let Some(schemas) = &schemas {
                settings.schemas.clone_from(schemas);
            }
            if let Some(flags) = &flags {
                settings.feature_flags.clone_from(flags);
            }
            if let Some(group) = &group {
                settings.group_name.clone_from(group);
            }
        })
    }
}

impl EventTypeOut<'_> {
    /// The event type as it is shown; without its schemas unless `with_content`.
    pub(super) fn of(event_type: &EventType, with_content: bool) -> EventTypeOut<'_> {
        let settings = &event_type.settings;
        let schemas = settings.schemas.as_deref().filter(|_| with_content);
        EventTypeOut {
            name: event_type.name.as_str(),
            description: &settings.description,
            archived: settings.archived,
            deprecated: settings.deprecated,
            // It was JSON when it was stored.
            schemas: schemas.and_then(|text| serde_json::from_str(text).ok()),
            validate_payload: settings.validated,
            group_name: settings.group_name.as_ref().map(|name| name.as_str()),
            feature_flags: Names(&settings.feature_flags),
            feature_flag: settings.feature_flags.first().map(|flag| flag.as_str()),
            created_at: Rfc3339(event_type.created_at),
            updated_at: Rfc3339(event_type.updated_at),
        }
    }
}

fn checked_schemas(fields: &mut Fields, schemas: &RawValue) -> Option<String> {
    if !schemas.get().starts_with('{') {
        fields.refuse("schemas", "must be an object with a JSON Schema for each version");
    } else if !nesting::is_bounded(schemas.get().as_bytes()) {
        fields.refuse("schemas", nesting::REFUSAL);
    }
    Some(schemas.get().to_owned())
}

/// The flags under the newer name or, without that, the one under the older.
fn checked_flags(fields: &mut Fields, several: Option<Vec<String>>, one: Option<String>) -> Vec<FeatureFlag> {
    match (several, one) {
        (Some(flags), _) => fields.names("featureFlags", &flags, FEATURE_FLAGS_MAX, FeatureFlag::parse),
        (None, Some(flag)) => fields.parsed("featureFlag", &flag, FeatureFlag::parse).into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

fn checked_group(fields: &mut Fields, group: Option<&str>) -> Option<EventTypeName> {
    group.and_then(|group| fields.parsed("groupName", group, EventTypeName::parse))
}
