//! A message as it comes in: an envelope around a payload that nobody looks into.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use hookwright::NewMessage;
use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::endpoint::CHANNELS_MAX;
use hookwright::domain::message::TAGS_MAX;
use hookwright::domain::names::{Channel, EventId, EventTypeName, Tag};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::application::ApplicationIn;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::message::raw_payload;
use crate::api::{body, nesting};

/// How many bytes the envelope may have beside the payload.
pub(super) const ENVELOPE_LIMIT: usize = 64 * 1024;
/// A payload of at most so many bytes is copied out of the request's buffer.
///
/// The buffer has 8 KiB and more. While a payload waits for its delivery, a slice of the buffer would keep all of it; and
/// the connection can use its buffer again for the next request only if nobody holds a slice of it.
const COPY_MAX: usize = 4 * 1024;

/// A payload is kept for so many days or hours at most, as the Svix API has it; without a wish as long as its message.
const DAYS_MAX: i64 = 90;
const HOURS_MAX: i64 = 24 * DAYS_MAX;

/// One thing that happened.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MessageIn<'a> {
    /// What happened.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 256)]
    event_type: Cow<'a, str>,
    /// Any JSON; it is sent as it is here, byte for byte. What is in `transformationsParams.rawPayload` is sent in its place.
    #[serde(borrow, alias = "data")]
    #[schema(value_type = Object)]
    payload: &'a RawValue,
    /// Your own id for it, so that sending it twice is noticed.
    #[serde(borrow, default)]
    #[schema(min_length = 1, max_length = 256, value_type = Option<String>)]
    event_id: Option<Text<'a>>,
    /// Its audience: goes to endpoints with one of these channels, and to those with none.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 10)]
    channels: Option<Vec<Text<'a>>>,
    /// Words to find it by.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 5)]
    tags: Option<Vec<Text<'a>>>,
    /// Makes the application on the way, if it is not there.
    #[serde(default)]
    application: Option<ApplicationIn>,
    /// How many days the payload is kept; without it as long as the message is. The message itself stays.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 90)]
    payload_retention_period: Option<i64>,
    /// The same in hours; only one of the two may be given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2160)]
    payload_retention_hours: Option<i64>,
    /// Not there yet.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    deliver_at: Option<Text<'a>>,
    /// `rawPayload` in it is the payload as a text, which must be JSON; the rest has no meaning here.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Object>)]
    transformations_params: Option<&'a RawValue>,
}

/// A text that is borrowed from the body where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What a request to send a message asks for.
pub(super) struct Envelope {
    pub(super) message: NewMessage,
    /// An application to make if the one that is named is not there.
    pub(super) application: Option<ApplicationSettings>,
}

impl Envelope {
    /// Reads an envelope. Its payload may have at most `payload_limit` bytes.
    pub(super) fn read(bytes: &Bytes, payload_limit: usize) -> Result<Envelope, ApiError> {
        let message: MessageIn<'_> = body::parse(bytes)?;
        let mut fields = Fields::default();
        let raw = raw_payload::read(message.transformations_params, &mut fields);
        let payload = message.payload.get();
        if raw.as_deref().unwrap_or(payload).len() > payload_limit {
            return Err(ApiError::too_large("payload", payload_limit));
        }
        let nesting = body::check_nesting(bytes);
        if nesting.is_err() && !nesting::is_bounded(payload.as_bytes()) {
            fields.refuse("payload", nesting::REFUSAL);
        }
        message.refuse_what_is_not_there(&mut fields);
        let payload_retention = message.payload_retention(&mut fields);
        let event_type = fields.parsed("eventType", &message.event_type, EventTypeName::parse);
        let event_id =
            message.event_id.as_ref().and_then(|id| fields.parsed("eventId", id.as_ref(), EventId::parse));
        let channels = match &message.channels {
            Some(channels) => fields.names("channels", channels, CHANNELS_MAX, Channel::parse),
            None => Vec::new(),
        };
        let tags = match &message.tags {
            Some(tags) => fields.names("tags", tags, TAGS_MAX, Tag::parse),
            None => Vec::new(),
        };
        fields.finish()?;
        nesting?;
        let application = message.application.map(ApplicationIn::brought_along).transpose()?;
        // A name that cannot be used has ended this just now.
        let event_type = event_type.ok_or_else(|| ApiError::invalid(Vec::new()))?;
        let payload = match raw {
            Some(raw) => Bytes::from(raw),
            None if payload.len() <= COPY_MAX => Bytes::copy_from_slice(payload.as_bytes()),
            None => bytes.slice_ref(payload.as_bytes()),
        };
        let new = NewMessage { event_type, event_id, channels, tags, payload, payload_retention };
        Ok(Envelope { message: new, application })
    }
}

impl MessageIn<'_> {
    /// How long the payload is to be kept, if that is asked for.
    fn payload_retention(&self, fields: &mut Fields) -> Option<Duration> {
        let (name, number, max, hours) = match (self.payload_retention_period, self.payload_retention_hours) {
            (None, None) => return None,
            (Some(days), None) => ("payloadRetentionPeriod", days, DAYS_MAX, 24),
            (None, Some(hours)) => ("payloadRetentionHours", hours, HOURS_MAX, 1),
            (Some(_), Some(_)) => {
                fields
                    .refuse("payloadRetentionHours", "cannot be given together with payloadRetentionPeriod");
                return None;
            }
        };
        if !(1..=max).contains(&number) {
            fields.refuse(name, format_args!("must be from 1 to {max}"));
            return None;
        }
        Some(Duration::from_secs(number.unsigned_abs() * hours * 3_600))
    }

    /// Refuses what would change the delivery in a way that is not there yet: leaving it out in silence would send something
    /// else than was asked for.
    fn refuse_what_is_not_there(&self, fields: &mut Fields) {
        if self.deliver_at.is_some() {
            fields.refuse("deliverAt", "is not there yet; send the message when it is due");
        }
    }
}
