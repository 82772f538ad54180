//! One step of a background task: some messages are looked at, those that are taken become deliveries, the cursor moves on.

use std::collections::HashSet;

use crate::domain::endpoint::Endpoint;
use crate::domain::event::HookEvent;
use crate::domain::ids::MessageId;
use crate::domain::selection::Standing;
use crate::domain::task::{Task, TaskFailure, TaskStatus};
use crate::error::Error;
use crate::store::read::Reached;
use crate::store::write::{TaskStep, Write, Written};
use crate::tasks::Parts;

/// Messages that one step looks at.
const LOOK: usize = 1_000;
/// Messages that one step sends: others wait for the batch that they are written with.
const SEND: usize = 200;

/// Takes a task a step further.
pub(super) async fn take(parts: &Parts, task: Task) -> Result<(), Error> {
    let step = match endpoint(parts, &task).await? {
        Err(failure) => {
            Step { messages: Vec::new(), cursor: task.cursor, status: TaskStatus::Failed(failure) }
        }
        Ok(endpoint) => {
            let limit = u32::try_from(LOOK).unwrap_or(u32::MAX);
            let (application, after, up_to) = (task.application, task.cursor, task.up_to);
            let read = parts.store.message_reach(application, endpoint.id, after, up_to, limit).await?;
            let refused = refused(parts, &task, &endpoint, &read).await?;
            decide(&task, &endpoint, &read, &refused)
        }
    };
    let (application, endpoint) = (task.application, task.endpoint);
    let (id, status) = (task.id, step.status);
    let now = parts.clock.now();
    let listeners = parts.tell.listeners(task.organisation).await;
    let events = if status != TaskStatus::Running && listeners.any() {
        vec![HookEvent::TaskFinished(Box::new(Task { status, updated_at: now, ..task.clone() }))]
    } else {
        Vec::new()
    };
    let write = TaskStep { before: task, messages: step.messages, cursor: step.cursor, status, now };
    let write = Write::Told(Box::new(Write::TaskStep(write)), listeners.messages(&events));
    // A task that is not there any more went with its application.
    if let Written::Stepped(Some(ready)) = parts.journal.write(write).await? {
        parts.tell.call(events);
        if !ready.is_empty() {
            parts.dispatch.ready_on_disk(application, endpoint, &ready).await;
        }
        if status != TaskStatus::Running {
            tracing::info!(task.id = %id, status = status.state().as_str(), "a background task is over");
        }
    }
    Ok(())
}

/// What a step does.
struct Step {
    messages: Vec<MessageId>,
    cursor: MessageId,
    status: TaskStatus,
}

/// Which of the messages that were read, all there are beyond the cursor or [`LOOK`] of them, are sent, and how the task goes on.
fn decide(task: &Task, endpoint: &Endpoint, read: &[Reached], refused: &HashSet<MessageId>) -> Step {
    let (mut messages, mut cursor) = (Vec::new(), task.cursor);
    for Reached { message, reach } in read {
        if messages.len() == SEND {
            return Step { messages, cursor, status: TaskStatus::Running };
        }
        if task.takes(endpoint, message, reach) && !refused.contains(&message.id) {
            messages.push(message.id);
        }
        cursor = message.id;
    }
    // The last step sends nothing: how much a task has sent is known only when it is written, and told when it is over.
    let is_over = read.len() < LOOK && messages.is_empty();
    let status = if is_over { TaskStatus::Finished } else { TaskStatus::Running };
    Step { messages, cursor, status }
}

/// Those messages that the task would take though they were never sent to the endpoint, and that the product does not let it have:
/// they were not missed.
async fn refused(
    parts: &Parts,
    task: &Task,
    endpoint: &Endpoint,
    read: &[Reached],
) -> Result<HashSet<MessageId>, Error> {
    let mut refused = HashSet::new();
    if parts.finder.admits_all() {
        return Ok(refused);
    }
    for Reached { message, reach } in read {
        if reach.standing == Standing::Missing && task.takes(endpoint, message, reach) {
            // What was read has no payload, which the product may look at.
            let whole = parts.store.message_get(task.application, message.id).await?;
            if !whole.is_some_and(|whole| parts.finder.admits_unwatched(&whole, endpoint)) {
                refused.insert(message.id);
            }
        }
    }
    Ok(refused)
}

/// The endpoint as it is now, or why the task cannot go on.
async fn endpoint(parts: &Parts, task: &Task) -> Result<Result<Endpoint, TaskFailure>, Error> {
    let entry = parts.catalog.application_by_id(task.application).await?;
    let endpoint = entry.as_ref().and_then(|entry| entry.endpoint(task.endpoint));
    Ok(match endpoint.map(|entry| entry.endpoint.clone()) {
        None => Err(TaskFailure::EndpointDeleted),
        Some(endpoint) if endpoint.disabled.is_some() => Err(TaskFailure::EndpointDisabled),
        Some(endpoint) => Ok(endpoint),
    })
}
