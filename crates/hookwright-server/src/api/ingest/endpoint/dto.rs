//! An endpoint of a source on the wire. It never shows its secret, nor its headers.

use std::collections::BTreeMap;

use hookwright::domain::application::Metadata;
use hookwright::domain::endpoint::{DisabledReason, Endpoint, EndpointSettings};
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::ids::EndpointId;
use hookwright::hooks::NewEndpoint;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::{Names, Shown};
use crate::api::endpoint::headers::checked_headers;
use crate::api::endpoint::trimmed;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::time::Rfc3339;

/// An endpoint of a source to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct IngestEndpointIn {
    /// Where to forward: `http` or `https`.
    #[schema(max_length = 4096)]
    url: String,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// Your own id for it, unique within the source.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    uid: Option<String>,
    /// At most so many attempts a second.
    #[serde(default)]
    #[schema(minimum = 1)]
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[serde(default)]
    #[schema(minimum = 1, deprecated)]
    rate_limit: Option<u16>,
    /// Whether it gets nothing.
    #[serde(default)]
    disabled: Option<bool>,
    /// Only these event types, in the provider's words; none or empty: all.
    #[serde(default)]
    #[schema(max_items = 1000)]
    event_types: Option<Vec<String>>,
    /// The older name of `eventTypes`.
    #[serde(default)]
    #[schema(deprecated, max_items = 1000)]
    filter_types: Option<Vec<String>>,
    /// Signs what is forwarded: `whsec_` and base64 of 24 to 64 bytes. Leave it out for a fresh one.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 94)]
    secret: Option<String>,
    /// Free key-value pairs. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    /// Sent with each attempt: at most 50, and at most 16 KiB in all.
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
}

/// An endpoint of a source, to be put in the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct IngestEndpointUpsertIn {
    /// Where to forward: `http` or `https`.
    #[schema(max_length = 4096)]
    url: String,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// Your own id for it, unique within the source.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    uid: Option<String>,
    /// At most so many attempts a second.
    #[serde(default)]
    #[schema(minimum = 1)]
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[serde(default)]
    #[schema(minimum = 1, deprecated)]
    rate_limit: Option<u16>,
    /// Whether it gets nothing.
    #[serde(default)]
    disabled: Option<bool>,
    /// Only these event types, in the provider's words; none or empty: all.
    #[serde(default)]
    #[schema(max_items = 1000)]
    event_types: Option<Vec<String>>,
    /// The older name of `eventTypes`.
    #[serde(default)]
    #[schema(deprecated, max_items = 1000)]
    filter_types: Option<Vec<String>>,
    /// Free key-value pairs. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

/// A URL that a source forwards to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IngestEndpointOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<EndpointId>,
    /// Your own id for it.
    uid: Option<&'a str>,
    /// Where to forward.
    url: &'a str,
    /// What it is for, for people.
    description: &'a str,
    /// Whether it gets nothing.
    disabled: bool,
    /// At most so many attempts a second.
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[schema(deprecated)]
    rate_limit: Option<u16>,
    /// Only these event types; null: all.
    #[schema(value_type = Option<Vec<String>>)]
    event_types: Names<'a, EventFilter>,
    /// The older name of `eventTypes`.
    #[schema(value_type = Option<Vec<String>>, deprecated)]
    filter_types: Names<'a, EventFilter>,
    /// Free key-value pairs.
    metadata: &'a Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl IngestEndpointIn {
    pub(super) fn checked(self) -> Result<NewEndpoint, ApiError> {
        let mut fields = Fields::default();
        let secret = fields.secret("secret", self.secret.as_deref());
        let headers = checked_headers(&mut fields, self.headers.unwrap_or_default());
        let replacement = IngestEndpointUpsertIn {
            url: self.url,
            description: self.description,
            uid: self.uid,
            throttle_rate: self.throttle_rate,
            rate_limit: self.rate_limit,
            disabled: self.disabled,
            event_types: self.event_types,
            filter_types: self.filter_types,
            metadata: self.metadata,
        };
        let new = replacement.read(&mut fields);
        fields.finish()?;
        Ok(NewEndpoint { secret, headers, ..new })
    }
}

impl IngestEndpointUpsertIn {
    pub(super) fn checked(self) -> Result<NewEndpoint, ApiError> {
        let mut fields = Fields::default();
        let new = self.read(&mut fields);
        fields.finish()?;
        Ok(new)
    }

    fn read(self, fields: &mut Fields) -> NewEndpoint {
        let settings = EndpointSettings {
            uid: fields.uid(self.uid.as_deref()),
            url: trimmed(&self.url),
            description: fields.description(self.description.unwrap_or_default()),
            throttle_rate: fields.rate(self.throttle_rate, self.rate_limit),
            event_types: fields.event_types(self.event_types, self.filter_types),
            metadata: fields.metadata(self.metadata.unwrap_or_default()),
            ..EndpointSettings::default()
        };
        let disabled = self.disabled.unwrap_or(false).then_some(DisabledReason::ByRequest);
        NewEndpoint { settings, disabled, ..NewEndpoint::default() }
    }
}

impl IngestEndpointOut<'_> {
    pub(super) fn of(endpoint: &Endpoint) -> IngestEndpointOut<'_> {
        let settings = &endpoint.settings;
        IngestEndpointOut {
            id: Shown(endpoint.id),
            uid: settings.uid.as_ref().map(|uid| uid.as_str()),
            url: &settings.url,
            description: &settings.description,
            disabled: endpoint.disabled.is_some(),
            throttle_rate: settings.throttle_rate,
            rate_limit: settings.throttle_rate,
            event_types: Names(&settings.event_types),
            filter_types: Names(&settings.event_types),
            metadata: &settings.metadata,
            created_at: Rfc3339(endpoint.created_at),
            updated_at: Rfc3339(endpoint.updated_at),
        }
    }
}
