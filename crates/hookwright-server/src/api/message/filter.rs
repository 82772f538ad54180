//! Which messages a list shows.

use hookwright::MessageFilter;
use hookwright::domain::names::{Channel, EventId, EventTypeName, Tag};
use hookwright::domain::time::Timestamp;
use utoipa::IntoParams;

use crate::api::error::ApiError;
use crate::api::query::{Query, refused};

/// At most so many event types in a filter.
const EVENT_TYPES_MAX: usize = 250;

/// Which messages a list shows; what is given must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct MessageFilterParams {
    /// One of these event types, with commas between them.
    #[param(value_type = Option<Vec<String>>, style = Form, explode = false)]
    event_types: Vec<EventTypeName>,
    /// In this channel.
    #[param(value_type = Option<String>)]
    channel: Option<Channel>,
    /// With this tag.
    #[param(value_type = Option<String>)]
    tag: Option<Tag>,
    /// With this `eventId`.
    #[param(value_type = Option<String>)]
    event_id: Option<EventId>,
    /// With this text somewhere in the payload, byte for byte as it was sent.
    #[param(min_length = 3, max_length = 256)]
    payload_text: Option<String>,
    /// Before this point in time.
    #[param(value_type = Option<String>, format = DateTime)]
    before: Option<Timestamp>,
    /// After this point in time.
    #[param(value_type = Option<String>, format = DateTime)]
    after: Option<Timestamp>,
}

impl MessageFilterParams {
    pub(in crate::api) fn of(query: &Query) -> Result<MessageFilterParams, ApiError> {
        let mut event_types = Vec::new();
        for name in query.list("event_types") {
            let name = EventTypeName::parse(name);
            event_types.push(name.map_err(|error| refused("event_types", error))?);
        }
        if event_types.len() > EVENT_TYPES_MAX {
            return Err(refused("event_types", format!("must name at most {EVENT_TYPES_MAX} event types")));
        }
        Ok(MessageFilterParams {
            event_types,
            channel: query.parsed("channel", Channel::parse)?,
            tag: query.parsed("tag", Tag::parse)?,
            event_id: query.parsed("event_id", EventId::parse)?,
            payload_text: query.parsed("payload_text", payload_text)?,
            before: query.time("before")?,
            after: query.time("after")?,
        })
    }

    pub(in crate::api) fn into_filter(self) -> MessageFilter {
        let MessageFilterParams { event_types, channel, tag, event_id, payload_text, before, after } = self;
        MessageFilter { event_types, channel, tag, event_id, text: payload_text, before, after }
    }
}

fn payload_text(text: &str) -> Result<String, &'static str> {
    match text.chars().count() {
        3..=256 => Ok(text.to_owned()),
        _ => Err("must have 3 to 256 characters"),
    }
}
