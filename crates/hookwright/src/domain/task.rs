//! Background tasks: messages sent to an endpoint once more, many at a time, and which of them each kind takes.

use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId, OrganisationId, TaskId};
use crate::domain::message::Message;
use crate::domain::selection::{Reach, Selection, Standing};
use crate::domain::time::Timestamp;

/// A background task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id, given by us.
    pub id: TaskId,
    /// Whose application it is.
    pub organisation: OrganisationId,
    /// Whose messages it sends.
    pub application: ApplicationId,
    /// Where it sends them.
    pub endpoint: EndpointId,
    /// Which messages it takes.
    pub kind: TaskKind,
    /// Among which messages.
    pub selection: Selection,
    /// How far it is.
    pub status: TaskStatus,
    /// How many messages it has sent so far.
    pub sent: u64,
    /// It looks at no message above this one: what came after the task began is not its business.
    pub up_to: MessageId,
    /// The last message it has looked at.
    pub cursor: MessageId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last went a step further.
    pub updated_at: Timestamp,
}

/// Which messages a task takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Those that the endpoint should have, and that it did not take.
    Recover,
    /// Those that the endpoint wants, and that were never sent to it.
    ReplayMissing,
    /// All of them, whatever came of them.
    BulkReplay,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// It goes on.
    Running,
    /// It has looked at all messages.
    Finished,
    /// It ended before.
    Failed(TaskFailure),
}

/// How far a task is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It goes on.
    Running,
    /// It has looked at all messages.
    Finished,
    /// It ended before.
    Failed,
}

/// Why a task ended before it had looked at all messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskFailure {
    /// The endpoint was deleted.
    EndpointDeleted,
    /// The endpoint was disabled.
    EndpointDisabled,
}

impl TaskKind {
    /// The word it is stored as, which is also Svix's.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskKind::Recover => "endpoint.recover",
            TaskKind::ReplayMissing => "endpoint.replay",
            TaskKind::BulkReplay => "endpoint.bulk-replay",
        }
    }

    /// The kind stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<TaskKind> {
        [TaskKind::Recover, TaskKind::ReplayMissing, TaskKind::BulkReplay]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl TaskState {
    /// The word it is stored as, which is also Svix's.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Running => "running",
            TaskState::Finished => "finished",
            TaskState::Failed => "failed",
        }
    }

    /// The state stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<TaskState> {
        [TaskState::Running, TaskState::Finished, TaskState::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

impl TaskStatus {
    /// The same in a word.
    pub fn state(self) -> TaskState {
        match self {
            TaskStatus::Running => TaskState::Running,
            TaskStatus::Finished => TaskState::Finished,
            TaskStatus::Failed(_) => TaskState::Failed,
        }
    }

    /// Why it ended before its end, if it did.
    pub fn failure(self) -> Option<TaskFailure> {
        match self {
            TaskStatus::Failed(failure) => Some(failure),
            TaskStatus::Running | TaskStatus::Finished => None,
        }
    }
}

impl TaskFailure {
    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskFailure::EndpointDeleted => "endpoint_deleted",
            TaskFailure::EndpointDisabled => "endpoint_disabled",
        }
    }

    /// The failure stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<TaskFailure> {
        [TaskFailure::EndpointDeleted, TaskFailure::EndpointDisabled]
            .into_iter()
            .find(|failure| failure.as_str() == word)
    }

    /// Why it ended, as a sentence for people.
    pub fn in_words(self) -> &'static str {
        match self {
            TaskFailure::EndpointDeleted => "The endpoint was deleted.",
            TaskFailure::EndpointDisabled => "The endpoint was disabled. Enable it and start the task again.",
        }
    }
}

impl Task {
    /// Whether the task sends this message to its endpoint.
    ///
    /// What an endpoint wants is judged by its filters as they are now: what they were is not kept.
    pub fn takes(&self, endpoint: &Endpoint, message: &Message, reach: &Reach) -> bool {
        if !reach.has_payload || !self.selection.has(message, reach) {
            return false;
        }
        let is_wanted = endpoint.wants(&message.event_type, &message.channels);
        match (self.kind, reach.standing) {
            (TaskKind::Recover, Standing::Failed) => true,
            // An endpoint that was there gets every message it wants, unless it is disabled: then the message is not routed to it,
            // or its delivery is ended before the first attempt. Either way nothing is kept of it, and that tells it.
            (TaskKind::Recover, Standing::Missing) => is_wanted && message.created_at >= endpoint.created_at,
            (TaskKind::Recover, Standing::Waiting | Standing::UnderWay | Standing::Taken) => false,
            (TaskKind::ReplayMissing, standing) => standing == Standing::Missing && is_wanted,
            // What was sent there once may be sent again; what never was must be wanted.
            (TaskKind::BulkReplay, standing) => standing != Standing::Missing || is_wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::EndpointSettings;
    use crate::domain::names::{Channel, EventTypeName, Tag};
    use bytes::Bytes;
    use hookwright_signature::Secret;

    const ALL: [Standing; 5] =
        [Standing::Missing, Standing::Waiting, Standing::UnderWay, Standing::Taken, Standing::Failed];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    /// An endpoint for `a.wanted`, made at second 10.
    fn endpoint() -> Endpoint {
        let event_types = vec![EventTypeName::parse("a.wanted").unwrap().into()];
        Endpoint {
            id: EndpointId::MIN,
            application: ApplicationId::MIN,
            settings: EndpointSettings { event_types, ..EndpointSettings::default() },
            secret: Secret::from_bytes(&[7; 32]).unwrap(),
            old_secrets: Vec::new(),
            headers: Vec::new(),
            disabled: None,
            created_at: at(10),
            updated_at: at(10),
        }
    }

    fn message(event_type: &str, second: i64) -> Message {
        Message {
            id: MessageId::MIN,
            application: ApplicationId::MIN,
            event_type: EventTypeName::parse(event_type).unwrap(),
            event_id: None,
            channels: vec![Channel::parse("red").unwrap()],
            tags: vec![Tag::parse("t").unwrap()],
            payload: Bytes::new(),
            created_at: at(second),
        }
    }

    fn task(kind: TaskKind) -> Task {
        Task {
            id: TaskId::MIN,
            organisation: OrganisationId::MIN,
            application: ApplicationId::MIN,
            endpoint: EndpointId::MIN,
            kind,
            selection: Selection::since(at(5)),
            status: TaskStatus::Running,
            sent: 0,
            up_to: MessageId::MAX,
            cursor: MessageId::MIN,
            created_at: at(99),
            updated_at: at(99),
        }
    }

    fn reach(standing: Standing) -> Reach {
        let response_code = match standing {
            Standing::Missing | Standing::UnderWay => None,
            Standing::Taken => Some(204),
            Standing::Waiting | Standing::Failed => Some(500),
        };
        Reach { standing, response_code, has_payload: true }
    }

    /// The standings with which a task takes this message.
    fn taken(task: &Task, message: &Message) -> Vec<Standing> {
        ALL.into_iter().filter(|standing| task.takes(&endpoint(), message, &reach(*standing))).collect()
    }

    #[test]
    fn recover_takes_what_failed_and_what_a_disabled_endpoint_missed() {
        let task = task(TaskKind::Recover);
        assert_eq!(taken(&task, &message("a.wanted", 10)), [Standing::Missing, Standing::Failed]);
        assert_eq!(taken(&task, &message("a.wanted", 9)), [Standing::Failed], "it came before the endpoint");
        assert_eq!(taken(&task, &message("a.other", 10)), [Standing::Failed], "it was not for the endpoint");
    }

    #[test]
    fn replay_missing_takes_what_was_never_sent_and_is_wanted() {
        let task = task(TaskKind::ReplayMissing);
        assert_eq!(taken(&task, &message("a.wanted", 9)), [Standing::Missing]);
        assert_eq!(taken(&task, &message("a.other", 10)), []);
    }

    #[test]
    fn bulk_replay_takes_all_but_what_was_never_for_the_endpoint() {
        let task = task(TaskKind::BulkReplay);
        assert_eq!(taken(&task, &message("a.wanted", 9)), ALL);
        assert_eq!(taken(&task, &message("a.other", 9)), ALL[1..]);
    }

    #[test]
    fn every_condition_of_a_selection_must_hold() {
        let check = |change: fn(&mut Selection), expected: &[Standing]| {
            let mut task = task(TaskKind::BulkReplay);
            change(&mut task.selection);
            assert_eq!(taken(&task, &message("a.wanted", 9)), expected, "{:?}", task.selection);
        };
        check(|selection| selection.since = at(9), &ALL);
        check(|selection| selection.since = at(10), &[]);
        check(|selection| selection.until = Some(at(9)), &ALL);
        check(|selection| selection.until = Some(at(8)), &[]);
        check(|selection| selection.event_types = vec![EventTypeName::parse("a.other").unwrap()], &[]);
        check(|selection| selection.channel = Some(Channel::parse("red").unwrap()), &ALL);
        check(|selection| selection.channel = Some(Channel::parse("blue").unwrap()), &[]);
        check(|selection| selection.tag = Some(Tag::parse("t").unwrap()), &ALL);
        check(|selection| selection.tag = Some(Tag::parse("u").unwrap()), &[]);
        check(|selection| selection.standing = Some(Standing::Taken), &[Standing::Taken]);
        check(|selection| selection.status_class = Some(2), &[Standing::Taken]);
        check(|selection| selection.status_class = Some(5), &[Standing::Waiting, Standing::Failed]);
        check(|selection| selection.status_class = Some(0), &[]);
    }

    #[test]
    fn a_message_without_its_payload_is_left_out() {
        let gone = Reach { has_payload: false, ..reach(Standing::Failed) };
        assert!(!task(TaskKind::Recover).takes(&endpoint(), &message("a.wanted", 10), &gone));
    }

    #[test]
    fn words_are_read_back() {
        for standing in ALL {
            assert_eq!(Standing::from_word(standing.as_str()), Some(standing));
        }
        for kind in [TaskKind::Recover, TaskKind::ReplayMissing, TaskKind::BulkReplay] {
            assert_eq!(TaskKind::from_word(kind.as_str()), Some(kind));
        }
        for state in [TaskState::Running, TaskState::Finished, TaskState::Failed] {
            assert_eq!(TaskState::from_word(state.as_str()), Some(state));
        }
        for failure in [TaskFailure::EndpointDeleted, TaskFailure::EndpointDisabled] {
            assert_eq!(TaskFailure::from_word(failure.as_str()), Some(failure));
        }
    }
}
