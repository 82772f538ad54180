//! An endpoint on the wire: what goes out. Never its secret, nor its headers.

use hookwright::domain::application::Metadata;
use hookwright::domain::endpoint::Endpoint;
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::ids::EndpointId;
use hookwright::domain::names::Channel;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::{Names, Shown};
use crate::api::time::Rfc3339;

/// The version that endpoints had in the 1.x API.
const VERSION: u16 = 1;

/// A URL that wants some event types.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct EndpointOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<EndpointId>,
    /// Your own id for it.
    uid: Option<&'a str>,
    /// Where its webhooks go.
    url: &'a str,
    /// What it is for, for people.
    description: &'a str,
    /// Always 1.
    #[schema(deprecated)]
    version: u16,
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
    /// Only messages of one of these channels; null: all.
    #[schema(value_type = Option<Vec<String>>)]
    channels: Names<'a, Channel>,
    /// Free key-value pairs.
    metadata: &'a Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl EndpointOut<'_> {
    pub(in crate::api) fn of(endpoint: &Endpoint) -> EndpointOut<'_> {
        let settings = &endpoint.settings;
        EndpointOut {
            id: Shown(endpoint.id),
            uid: settings.uid.as_ref().map(|uid| uid.as_str()),
            url: &settings.url,
            description: &settings.description,
            version: VERSION,
            disabled: endpoint.disabled.is_some(),
            throttle_rate: settings.throttle_rate,
            rate_limit: settings.throttle_rate,
            event_types: Names(&settings.event_types),
            filter_types: Names(&settings.event_types),
            channels: Names(&settings.channels),
            metadata: &settings.metadata,
            created_at: Rfc3339(endpoint.created_at),
            updated_at: Rfc3339(endpoint.updated_at),
        }
    }
}
