//! Among which messages a background task takes what it takes, and how far a message has come at an endpoint.

use crate::domain::attempt::AttemptStatus;
use crate::domain::message::Message;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::time::Timestamp;

/// Among which messages a task takes what it takes; every condition that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Accepted then or later.
    pub since: Timestamp,
    /// Accepted then or before.
    pub until: Option<Timestamp>,
    /// One of these event types; empty: any.
    pub event_types: Vec<EventTypeName>,
    /// In this channel.
    pub channel: Option<Channel>,
    /// With this tag.
    pub tag: Option<Tag>,
    /// This far at the endpoint.
    pub standing: Option<Standing>,
    /// Last answered with a status code of this hundred (2 for 200 to 299; 0: no answer).
    pub status_class: Option<u8>,
}

/// How far a message has come at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was never sent there, and is not on its way.
    Missing,
    /// It waits for a retry.
    Waiting,
    /// It is on its way.
    UnderWay,
    /// The endpoint took it.
    Taken,
    /// The endpoint did not take it, and no attempt follows.
    Failed,
}

/// How far a message has come at an endpoint, and whether it can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How far it has come.
    pub standing: Standing,
    /// The status code of the last attempt's answer, if there was an attempt; 0 if it had no answer.
    pub response_code: Option<u16>,
    /// Whether its payload is still stored.
    pub has_payload: bool,
}

impl Selection {
    /// All messages accepted since then.
    pub fn since(since: Timestamp) -> Selection {
        Selection {
            since,
            until: None,
            event_types: Vec::new(),
            channel: None,
            tag: None,
            standing: None,
            status_class: None,
        }
    }

    /// Whether all conditions hold of this message.
    pub fn has(&self, message: &Message, reach: &Reach) -> bool {
        message.created_at >= self.since
            && self.until.is_none_or(|until| message.created_at <= until)
            && (self.event_types.is_empty() || self.event_types.contains(&message.event_type))
            && self.channel.as_ref().is_none_or(|channel| message.channels.contains(channel))
            && self.tag.as_ref().is_none_or(|tag| message.tags.contains(tag))
            && self.standing.is_none_or(|standing| standing == reach.standing)
            && self
                .status_class
                .is_none_or(|class| reach.response_code.is_some_and(|code| code / 100 == u16::from(class)))
    }
}

impl Standing {
    /// The standing of a message with this delivery (when it is due, if it waits) and this last attempt.
    pub fn of(pending: Option<Option<Timestamp>>, last: Option<AttemptStatus>) -> Standing {
        match (pending, last) {
            (Some(Some(_)), _) => Standing::Waiting,
            (Some(None), _) => Standing::UnderWay,
            (None, None) => Standing::Missing,
            (None, Some(AttemptStatus::Success)) => Standing::Taken,
            (None, Some(AttemptStatus::Fail)) => Standing::Failed,
        }
    }

    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Missing => "missing",
            Standing::Waiting => "waiting",
            Standing::UnderWay => "under_way",
            Standing::Taken => "taken",
            Standing::Failed => "failed",
        }
    }

    /// The standing stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<Standing> {
        [Standing::Missing, Standing::Waiting, Standing::UnderWay, Standing::Taken, Standing::Failed]
            .into_iter()
            .find(|standing| standing.as_str() == word)
    }
}
