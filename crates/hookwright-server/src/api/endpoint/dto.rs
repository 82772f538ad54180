//! An endpoint on the wire: what comes in.

use std::collections::BTreeMap;

use hookwright::domain::endpoint::{DisabledReason, EndpointSettings};
use hookwright::hooks::{EndpointEdit, NewEndpoint};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::api::endpoint::headers::checked_headers;
use crate::api::error::ApiError;
use crate::api::fields::{Fields, given};

/// An endpoint to be made, or to be put in the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EndpointIn {
    /// Where its webhooks go: `http` or `https`.
    #[schema(max_length = 4096)]
    url: String,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// Your own id for it, unique within the application.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    uid: Option<String>,
    /// At most so many attempts a second.
    #[serde(default)]
    #[schema(minimum = 1)]
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[serde(default)]
    #[schema(deprecated, minimum = 1)]
    rate_limit: Option<u16>,
    /// Whether it gets nothing.
    #[serde(default)]
    disabled: Option<bool>,
    /// Only these event types; none or empty: all. `book.*` stands for all whose names begin with `book.`.
    #[serde(default)]
    #[schema(max_items = 1000)]
    event_types: Option<Vec<String>>,
    /// The older name of `eventTypes`.
    #[serde(default)]
    #[schema(deprecated, max_items = 1000)]
    filter_types: Option<Vec<String>>,
    /// Only messages of one of these channels; none or empty: all.
    #[serde(default)]
    #[schema(max_items = 10)]
    channels: Option<Vec<String>>,
    /// Signs its webhooks: `whsec_` and base64 of 24 to 64 bytes. Leave it out for a fresh one. A PUT does not change it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 94)]
    secret: Option<String>,
    /// Free key-value pairs. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    /// Sent with each attempt: at most 50, and at most 16 KiB in all. A PUT does not change them.
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    /// Older SDKs send it; it changes nothing.
    #[serde(default)]
    #[schema(deprecated, minimum = 1)]
    version: Option<u16>,
}

/// What to change about an endpoint; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EndpointPatch {
    /// Where its webhooks go.
    #[serde(default)]
    #[schema(max_length = 4096)]
    url: Option<String>,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(max_length = 10000)]
    description: Option<String>,
    /// Your own id for it; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    uid: Option<Option<String>>,
    /// Older SDKs send it; it changes nothing.
    #[serde(default)]
    #[schema(deprecated, minimum = 1)]
    version: Option<u16>,
    /// At most so many attempts a second; null lifts the limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>)]
    throttle_rate: Option<Option<u16>>,
    /// The older name of `throttleRate`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>, deprecated)]
    rate_limit: Option<Option<u16>>,
    /// Whether it gets nothing.
    #[serde(default)]
    disabled: Option<bool>,
    /// Only these event types; null or empty: all. `book.*` stands for all whose names begin with `book.`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>, max_items = 1000)]
    event_types: Option<Option<Vec<String>>>,
    /// The older name of `eventTypes`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>, deprecated, max_items = 1000)]
    filter_types: Option<Option<Vec<String>>>,
    /// Only messages of one of these channels; null or empty: all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    channels: Option<Option<Vec<String>>>,
    /// Free key-value pairs, in the place of those that are there. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    /// Not changed here, so it is refused.
    #[serde(default)]
    #[schema(ignore)]
    secret: Option<IgnoredAny>,
    /// Not changed here, so they are refused.
    #[serde(default)]
    #[schema(ignore)]
    headers: Option<IgnoredAny>,
}

impl EndpointIn {
    pub(super) fn checked(self) -> Result<NewEndpoint, ApiError> {
        let mut fields = Fields::default();
        let secret = fields.secret("secret", self.secret.as_deref());
        let headers = checked_headers(&mut fields, self.headers.unwrap_or_default());
        check_version(&mut fields, self.version);
        let settings = EndpointSettings {
            uid: fields.uid(self.uid.as_deref()),
            url: trimmed(&self.url),
            description: fields.description(self.description.unwrap_or_default()),
            throttle_rate: fields.rate(self.throttle_rate, self.rate_limit),
            event_types: fields.event_types(self.event_types, self.filter_types),
            channels: fields.channels(&self.channels.unwrap_or_default()),
            metadata: fields.metadata(self.metadata.unwrap_or_default()),
            ..EndpointSettings::default()
        };
        fields.finish()?;
        let disabled = self.disabled.unwrap_or(false).then_some(DisabledReason::ByRequest);
        Ok(NewEndpoint { settings, secret, headers, disabled })
    }
}

impl EndpointPatch {
    /// What the patch does to an endpoint.
    pub(super) fn change(self) -> Result<impl FnMut(&mut EndpointEdit) + Send, ApiError> {
        let mut fields = Fields::default();
        let uid = self.uid.map(|uid| fields.uid(uid.as_deref()));
        let event_types = match (self.event_types, self.filter_types) {
            (None, None) => None,
            (newer, older) => Some(fields.event_types(newer.flatten(), older.flatten())),
        };
        let channels = self.channels.map(|names| fields.channels(&names.unwrap_or_default()));
        // A patch may say 0 where it means none.
        let rate = self.throttle_rate.or(self.rate_limit).map(|rate| rate.filter(|&rate| rate > 0));
        check_version(&mut fields, self.version);
        if self.secret.is_some() {
            fields.refuse("secret", "is not changed by a patch; rotate it with POST …/secret/rotate");
        }
        if self.headers.is_some() {
            fields.refuse("headers", "are not changed by this patch; send them to PATCH …/headers");
        }
        let description = self.description.map(|description| fields.description(description));
        let metadata = self.metadata.map(|metadata| fields.metadata(metadata));
        fields.finish()?;
        let (url, disabled) = (self.url.as_deref().map(trimmed), self.disabled);
        Ok(move |edit: &mut EndpointEdit| {
            let settings = &mut edit.settings;
            if let Some(url) = &url {
                settings.url.clone_from(url);
            }
            if let Some(description) = &description {
                settings.description.clone_from(description);
            }
            if let Some(uid) = &uid {
                settings.uid.clone_from(uid);
            }
            if let Some(rate) = rate {
                settings.throttle_rate = rate;
            }
            if let Some(event_types) = &event_types {
                settings.event_types.clone_from(event_types);
            }
            if let Some(channels) = &channels {
                settings.channels.clone_from(channels);
            }
            if let Some(metadata) = &metadata {
                settings.metadata.clone_from(metadata);
            }
            if let Some(disabled) = disabled {
                set_disabled(&mut edit.disabled, disabled);
            }
        })
    }
}

/// A URL without spaces and control characters around it, as browsers read one (WHATWG URL, section 4.4).
pub(in crate::api) fn trimmed(url: &str) -> String {
    url.trim_matches(|c: char| c <= ' ').to_owned()
}

/// Turns an endpoint on or off; one that is off stays off for the reason it has.
pub(super) fn set_disabled(reason: &mut Option<DisabledReason>, disabled: bool) {
    if disabled {
        reason.get_or_insert(DisabledReason::ByRequest);
    } else {
        *reason = None;
    }
}

fn check_version(fields: &mut Fields, version: Option<u16>) {
    if version == Some(0) {
        fields.refuse("version", "must be at least 1; it can be left out");
    }
}
