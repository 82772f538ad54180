//! Attempts: one HTTP request of a delivery, and what came of it.

use std::time::Duration;

use bytes::Bytes;

use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::time::Timestamp;

/// What stands in the place of a response that was removed.
pub const EXPUNGED: &[u8] = b"EXPUNGED";

/// One HTTP request of a delivery, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id, given by us.
    pub id: AttemptId,
    /// Whose message it was.
    pub application: ApplicationId,
    /// The message that was sent.
    pub message: MessageId,
    /// The endpoint it was sent to.
    pub endpoint: EndpointId,
    /// 1 for the first attempt of a delivery, then rising.
    pub number: u16,
    /// Whether the endpoint took it.
    pub status: AttemptStatus,
    /// The answer's status code; 0 if there was no answer.
    pub response_code: u16,
    /// The first bytes of the answer's body; empty if there was none, [`EXPUNGED`] if it was removed.
    pub response: Bytes,
    /// What went wrong, in words, unless the endpoint took it.
    pub reason: Option<String>,
    /// From the start of the attempt to its end.
    pub duration: Duration,
    /// Who asked for it.
    pub trigger: Trigger,
    /// The URL as it was called.
    pub url: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When the next one is due, if there is one.
    pub next_attempt_at: Option<Timestamp>,
}

/// Whether an endpoint took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptStatus {
    /// It answered 2xx.
    Success,
    /// It did not.
    Fail,
}

impl AttemptStatus {
    /// The number it is stored as, which is also Svix's.
    pub fn code(self) -> u8 {
        match self {
            AttemptStatus::Success => 0,
            AttemptStatus::Fail => 2,
        }
    }

    /// The status stored as `code`, if it is one.
    pub fn from_code(code: u8) -> Option<AttemptStatus> {
        match code {
            0 => Some(AttemptStatus::Success),
            2 => Some(AttemptStatus::Fail),
            _ => None,
        }
    }
}

/// Who asked for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The message itself, or the retry schedule.
    Scheduled,
    /// Somebody who resent it.
    Manual,
}

impl Trigger {
    /// The number it is stored as, which is also Svix's.
    pub fn code(self) -> u8 {
        match self {
            Trigger::Scheduled => 0,
            Trigger::Manual => 1,
        }
    }

    /// The trigger stored as `code`, if it is one.
    pub fn from_code(code: u8) -> Option<Trigger> {
        match code {
            0 => Some(Trigger::Scheduled),
            1 => Some(Trigger::Manual),
            _ => None,
        }
    }
}
