//! One message as the page shows it: how far it has come, in words, and the attempts that led there.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use hookwright::RecentMessage;
use hookwright::domain::attempt::{Attempt, AttemptStatus, Trigger};
use hookwright::domain::ids::{EndpointId, MessageId};
use hookwright::domain::time::Timestamp;

use crate::pages::{text, times};

/// Attempts shown of one message.
const ATTEMPTS_MAX: usize = 8;
/// An attempt this soon after its message needs no time of its own.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A message with everything cleaned and put in words, except times, which depend on when one looks.
#[derive(Debug, Clone, Hash)]
pub(super) struct Row {
    pub(super) id: MessageId,
    pub(super) event_type: String,
    pub(super) application: String,
    pub(super) accepted_at: Timestamp,
    pub(super) progress: Progress,
    pub(super) attempts: Vec<AttemptLine>,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Progress {
    /// Every endpoint that was tried took it.
    Delivered,
    /// At least one delivery is pending; the next attempt is due then, if one failed before.
    OnItsWay(Option<Timestamp>),
    /// No endpoint that was tried took it, and no attempt follows.
    GivenUp,
    /// Some endpoints took it, others did not, and no attempt follows.
    GivenUpInPart,
    /// Nothing was to be done.
    Unwanted,
}

/// One attempt of a message.
#[derive(Debug, Clone, Hash)]
pub(super) struct AttemptLine {
    pub(super) url: String,
    pub(super) took_it: bool,
    /// The answer's status code, if there was an answer.
    pub(super) code: Option<u16>,
    pub(super) took: String,
    /// What went wrong; or that somebody resent it.
    pub(super) notes: Vec<String>,
    /// When it started, unless that was as good as at once.
    pub(super) started_later: Option<Timestamp>,
}

impl Row {
    /// The row of a message.
    pub(super) fn new(recent: &RecentMessage) -> Row {
        let accepted_at = recent.message.created_at;
        let shown = recent.attempts.iter().take(ATTEMPTS_MAX);
        Row {
            id: recent.message.id,
            event_type: text::name(recent.message.event_type.as_str()),
            application: match recent.application_name.trim() {
                "" => recent.message.application.to_string(),
                name => text::name(name),
            },
            accepted_at,
            progress: Progress::new(&recent.attempts, recent.pending),
            attempts: shown.map(|attempt| AttemptLine::new(attempt, accepted_at)).collect(),
        }
    }

    /// Differs when anything but the time of looking differs.
    pub(super) fn version(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Progress {
    fn new(attempts: &[Attempt], pending: u32) -> Progress {
        // Attempts come newest first: the first one of an endpoint tells how things stand there.
        let mut newest: BTreeMap<EndpointId, &Attempt> = BTreeMap::new();
        for attempt in attempts {
            newest.entry(attempt.endpoint).or_insert(attempt);
        }
        if pending > 0 {
            return Progress::OnItsWay(newest.values().filter_map(|attempt| attempt.next_attempt_at).min());
        }
        let took_it = newest.values().filter(|attempt| attempt.status == AttemptStatus::Success).count();
        match (took_it, newest.len()) {
            (_, 0) => Progress::Unwanted,
            (0, _) => Progress::GivenUp,
            (took_it, tried) if took_it == tried => Progress::Delivered,
            _ => Progress::GivenUpInPart,
        }
    }

    /// The word that the style sheet knows it by.
    pub(super) fn class(self) -> &'static str {
        match self {
            Progress::Delivered => "ok",
            Progress::OnItsWay(_) => "way",
            Progress::GivenUp | Progress::GivenUpInPart => "bad",
            Progress::Unwanted => "none",
        }
    }
}

impl AttemptLine {
    fn new(attempt: &Attempt, accepted_at: Timestamp) -> AttemptLine {
        let mut notes = Vec::new();
        if let Some(reason) = &attempt.reason {
            notes.push(text::reason(reason));
        }
        if attempt.trigger == Trigger::Manual {
            notes.push("resent by hand".to_owned());
        }
        AttemptLine {
            url: text::host_and_path(&attempt.url),
            took_it: attempt.status == AttemptStatus::Success,
            code: (attempt.response_code != 0).then_some(attempt.response_code),
            took: times::took(attempt.duration),
            notes,
            started_later: (attempt.started_at.since(accepted_at) >= AT_ONCE).then_some(attempt.started_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hookwright::domain::ids::{ApplicationId, AttemptId};

    use super::*;

    fn attempt(endpoint: u8, status: AttemptStatus, next: Option<i64>) -> Attempt {
        Attempt {
            id: AttemptId::MIN,
            application: ApplicationId::MIN,
            message: MessageId::MIN,
            endpoint: EndpointId::from_bytes([endpoint; 20]),
            number: 1,
            status,
            response_code: 200,
            response: Bytes::new(),
            reason: None,
            duration: Duration::from_millis(3),
            trigger: Trigger::Scheduled,
            url: "https://example.com/".to_owned(),
            started_at: Timestamp::from_micros(0),
            next_attempt_at: next.map(Timestamp::from_micros),
        }
    }

    #[test]
    fn an_endpoints_newest_attempt_counts_and_older_ones_do_not() {
        use AttemptStatus::{Fail, Success};
        let retried = [attempt(1, Success, None), attempt(1, Fail, Some(5))];
        assert_eq!(Progress::new(&retried, 0), Progress::Delivered);
        let one_of_two = [attempt(1, Success, None), attempt(2, Fail, None)];
        assert_eq!(Progress::new(&one_of_two, 0), Progress::GivenUpInPart);
        assert_eq!(Progress::new(&one_of_two[1..], 0), Progress::GivenUp);
        assert_eq!(Progress::new(&[], 0), Progress::Unwanted);
    }

    #[test]
    fn a_pending_message_tells_the_earliest_next_attempt() {
        use AttemptStatus::Fail;
        let failed = [attempt(1, Fail, Some(9)), attempt(2, Fail, Some(7)), attempt(1, Fail, Some(1))];
        assert_eq!(Progress::new(&failed, 2), Progress::OnItsWay(Some(Timestamp::from_micros(7))));
        assert_eq!(Progress::new(&[], 1), Progress::OnItsWay(None));
    }
}
