//! Attempts, and how far messages have come, on the wire.

use std::borrow::Cow;

use hookwright::DeliveryStatus;
use hookwright::domain::attempt::{Attempt, AttemptStatus, EXPUNGED};
use hookwright::domain::ids::{AttemptId, EndpointId, MessageId};
use hookwright::domain::message::Message;
use hookwright::{Destination, SentMessage};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::api::answer::Shown;
use crate::api::endpoint::EndpointOut;
use crate::api::message::MessageOut;
use crate::api::time::Rfc3339;

/// What is shown of an answer's body unless it was asked for.
const NO_CONTENT: &str = "{}";

/// How far a message has come, as a number. The words for them are in `statusText`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum MessageStatus {
    /// The endpoint took it.
    Success,
    /// Another attempt follows.
    Pending,
    /// The endpoint did not take it.
    Fail,
    /// It is being sent.
    Sending,
    /// It was called off. Nothing is, so far.
    Canceled,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct MessageAttemptOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<AttemptId>,
    /// The message that was sent.
    #[schema(value_type = String)]
    msg_id: Shown<MessageId>,
    /// The endpoint it was sent to.
    #[schema(value_type = String)]
    endpoint_id: Shown<EndpointId>,
    /// The URL as it was called.
    url: &'a str,
    /// 0: the endpoint took it, 2: it did not.
    #[schema(value_type = u8)]
    status: MessageStatus,
    /// The same in a word.
    status_text: &'static str,
    /// The answer's status code; 0 if there was none.
    response_status_code: u16,
    /// The first bytes of the answer's body, or what went wrong; `{}` unless it was asked for.
    #[schema(value_type = String)]
    response: Cow<'a, str>,
    /// From the start of the attempt to its end.
    response_duration_ms: u64,
    /// 0: the message or the retry schedule, 1: somebody who resent it.
    trigger_type: u8,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Rfc3339,
    /// The message, without its payload, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<MessageOut<'a>>,
}

/// A message, and how far it has come at an endpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointMessageOut<'a> {
    #[serde(flatten)]
    message: MessageOut<'a>,
    /// How far it has come.
    #[schema(value_type = u8)]
    status: MessageStatus,
    /// The same in a word.
    status_text: &'static str,
    /// When the next attempt is due, if one waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt: Option<Rfc3339>,
}

/// An endpoint that a message was meant for, and how far the message has come there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageEndpointOut<'a> {
    #[serde(flatten)]
    endpoint: EndpointOut<'a>,
    /// How far the message has come there.
    #[schema(value_type = u8)]
    status: MessageStatus,
    /// The same in a word.
    status_text: &'static str,
    /// When the next attempt is due, if one waits.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt: Option<Rfc3339>,
}

impl MessageStatus {
    pub(super) fn of(status: DeliveryStatus) -> MessageStatus {
        match status {
            DeliveryStatus::Pending(None) => MessageStatus::Sending,
            DeliveryStatus::Pending(Some(_)) => MessageStatus::Pending,
            DeliveryStatus::Ended(AttemptStatus::Success) => MessageStatus::Success,
            DeliveryStatus::Ended(AttemptStatus::Fail) => MessageStatus::Fail,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<MessageStatus> {
        use MessageStatus::{Canceled, Fail, Pending, Sending, Success};
        [Success, Pending, Fail, Sending, Canceled].into_iter().find(|status| status.code() == code)
    }

    fn code(self) -> u8 {
        match self {
            MessageStatus::Success => 0,
            MessageStatus::Pending => 1,
            MessageStatus::Fail => 2,
            MessageStatus::Sending => 3,
            MessageStatus::Canceled => 4,
        }
    }

    fn text(self) -> &'static str {
        match self {
            MessageStatus::Success => "success",
            MessageStatus::Pending => "pending",
            MessageStatus::Fail => "fail",
            MessageStatus::Sending => "sending",
            MessageStatus::Canceled => "canceled",
        }
    }
}

impl Serialize for MessageStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

impl<'a> MessageAttemptOut<'a> {
    /// The attempt as it is shown; without what was answered unless `with_content`.
    pub(in crate::api) fn of(attempt: &'a Attempt, with_content: bool, message: Option<&'a Message>) -> Self {
        let status = match attempt.status {
            AttemptStatus::Success => MessageStatus::Success,
            AttemptStatus::Fail => MessageStatus::Fail,
        };
        let response = if !with_content {
            NO_CONTENT.into()
        } else if failed_by_more_than_its_status(attempt) && attempt.response != EXPUNGED {
            attempt.reason.as_deref().unwrap_or_default().into()
        } else {
            String::from_utf8_lossy(&attempt.response)
        };
        MessageAttemptOut {
            id: Shown(attempt.id),
            msg_id: Shown(attempt.message),
            endpoint_id: Shown(attempt.endpoint),
            url: &attempt.url,
            status,
            status_text: status.text(),
            response_status_code: attempt.response_code,
            response,
            response_duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            trigger_type: attempt.trigger.code(),
            timestamp: Rfc3339(attempt.started_at),
            msg: message.map(|message| MessageOut::of(message, false)),
        }
    }
}

/// Whether the status code does not say why the attempt failed: there is none, or it is one of success.
fn failed_by_more_than_its_status(attempt: &Attempt) -> bool {
    attempt.status == AttemptStatus::Fail && (attempt.response_code == 0 || attempt.response_code / 100 == 2)
}

impl EndpointMessageOut<'_> {
    pub(super) fn of(sent: &SentMessage, with_content: bool) -> EndpointMessageOut<'_> {
        let status = MessageStatus::of(sent.status);
        EndpointMessageOut {
            message: MessageOut::of(&sent.message, with_content),
            status,
            status_text: status.text(),
            next_attempt: next_attempt(sent.status),
        }
    }
}

impl MessageEndpointOut<'_> {
    pub(super) fn of(destination: &Destination) -> MessageEndpointOut<'_> {
        let status = MessageStatus::of(destination.status);
        MessageEndpointOut {
            endpoint: EndpointOut::of(&destination.endpoint),
            status,
            status_text: status.text(),
            next_attempt: next_attempt(destination.status),
        }
    }
}

fn next_attempt(status: DeliveryStatus) -> Option<Rfc3339> {
    match status {
        DeliveryStatus::Pending(at) => at.map(Rfc3339),
        DeliveryStatus::Ended(_) => None,
    }
}
