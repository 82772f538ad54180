//! Messages that lie in the database before the server starts, each with an attempt.

use std::time::Duration;

use bytes::Bytes;
use hookwright::Admin;
use hookwright::domain::attempt::{Attempt, AttemptStatus, Trigger};
use hookwright::domain::ids::{ApplicationId, EndpointId, IdGenerator};
use hookwright::domain::message::Message;
use hookwright::domain::names::{Channel, EventId, EventTypeName, NameError, Tag};
use hookwright::domain::time::Timestamp;

use super::progress::Progress;
use super::{BenchError, payload};

/// Messages that are written together.
const TOGETHER: u64 = 1_000;
/// One message in so many failed.
const FAILED_EVERY: u64 = 10;

/// What the messages are like.
pub(super) struct History {
    /// How many there are.
    pub(super) messages: u64,
    /// They are of these applications, in turn.
    pub(super) applications: Vec<ApplicationId>,
    /// Where they went.
    pub(super) endpoint: EndpointId,
    /// They are of these event types, in turn.
    pub(super) event_types: Vec<EventTypeName>,
    /// Whether they have what they can be found by: an `eventId`, a channel, a tag; and one in ten failed.
    pub(super) is_searched: bool,
    /// Bytes of a payload.
    pub(super) size: u64,
    /// When the first was accepted.
    pub(super) from: Timestamp,
    /// The time that they were accepted in.
    pub(super) span: Duration,
}

impl History {
    /// Writes them.
    ///
    /// # Errors
    ///
    /// If the database does not take them.
    pub(super) async fn write(&self, admin: &Admin, progress: &Progress) -> Result<(), BenchError> {
        let ids = IdGenerator::new(0);
        let bar = progress.bar("filling", self.messages);
        let mut number = 0;
        while number < self.messages {
            let mut history = Vec::new();
            for _ in 0..TOGETHER.min(self.messages - number) {
                history.push(self.sent(&ids, number)?);
                number += 1;
                bar.step();
            }
            admin.import(history).await?;
        }
        Ok(())
    }

    fn sent(&self, ids: &IdGenerator, number: u64) -> Result<(Message, Vec<Attempt>), NameError> {
        let apart = self.span / u32::try_from(self.messages.max(1)).unwrap_or(u32::MAX);
        let at = self.from.after(apart * u32::try_from(number).unwrap_or(u32::MAX));
        let application = in_turn(&self.applications, number).copied().unwrap_or(ApplicationId::MIN);
        let event_type = in_turn(&self.event_types, number).cloned();
        let event_type = event_type.map_or_else(|| EventTypeName::parse("bench.other"), Ok)?;
        let of_100 = number % 100;
        let message = Message {
            id: ids.next(at).into(),
            application,
            event_type,
            event_id: self.is_searched.then(|| EventId::parse(&format!("order-{number}"))).transpose()?,
            channels: self
                .is_searched
                .then(|| Channel::parse(&format!("c{of_100}")))
                .transpose()?
                .into_iter()
                .collect(),
            tags: self
                .is_searched
                .then(|| Tag::parse(&format!("t{of_100}")))
                .transpose()?
                .into_iter()
                .collect(),
            payload: Bytes::from(payload::write("", number, self.size, "")),
            created_at: at,
        };
        let failed = self.is_searched && number.is_multiple_of(FAILED_EVERY);
        let (status, response_code) =
            if failed { (AttemptStatus::Fail, 500) } else { (AttemptStatus::Success, 200) };
        let attempt = Attempt {
            id: ids.next(at).into(),
            application,
            message: message.id,
            endpoint: self.endpoint,
            number: 1,
            status,
            response_code,
            response: Bytes::from_static(b"{\"ok\":true}"),
            reason: None,
            duration: Duration::from_millis(12),
            trigger: Trigger::Scheduled,
            url: "https://example.com/webhooks/hookwright".to_owned(),
            started_at: at,
            next_attempt_at: None,
        };
        Ok((message, vec![attempt]))
    }
}

fn in_turn<T>(of: &[T], number: u64) -> Option<&T> {
    let at = number.checked_rem(of.len() as u64)?;
    of.get(usize::try_from(at).unwrap_or_default())
}
