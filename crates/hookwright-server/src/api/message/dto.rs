//! A message on the wire: what goes out.

use hookwright::domain::ids::MessageId;
use hookwright::domain::message::Message;
use hookwright::domain::names::{Channel, Tag};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::answer::{Names, Shown};
use crate::api::time::Rfc3339;

/// One thing that happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct MessageOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<MessageId>,
    /// Your own id for it.
    event_id: Option<&'a str>,
    /// What happened.
    event_type: &'a str,
    /// The payload as it came; `{}` unless it was asked for.
    #[schema(value_type = Object)]
    payload: Content<'a>,
    /// Its audience.
    #[schema(value_type = Option<Vec<String>>)]
    channels: Names<'a, Channel>,
    /// Words to find it by.
    #[schema(value_type = Option<Vec<String>>)]
    tags: Names<'a, Tag>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Rfc3339,
}

/// What is shown of a payload.
enum Content<'a> {
    /// `{}`: nobody asked for it.
    Hidden,
    /// `{"expired":true}`: it is no longer stored.
    Expired,
    /// The payload itself.
    Stored(&'a [u8]),
}

impl MessageOut<'_> {
    /// The message as it is shown; without its payload unless `with_content`.
    pub(in crate::api) fn of(message: &Message, with_content: bool) -> MessageOut<'_> {
        let payload = match (with_content, message.payload.as_ref()) {
            (false, _) => Content::Hidden,
            (true, []) => Content::Expired,
            (true, payload) => Content::Stored(payload),
        };
        MessageOut {
            id: Shown(message.id),
            event_id: message.event_id.as_ref().map(|id| id.as_str()),
            event_type: message.event_type.as_str(),
            payload,
            channels: Names(&message.channels),
            tags: Names(&message.tags),
            timestamp: Rfc3339(message.created_at),
        }
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Content::Hidden => serializer.serialize_map(Some(0))?.end(),
            Content::Expired => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("expired", &true)?;
                map.end()
            }
            Content::Stored(bytes) => {
                let raw: &RawValue = serde_json::from_slice(bytes).map_err(S::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}
