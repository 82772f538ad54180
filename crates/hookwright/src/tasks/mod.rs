//! Background tasks: many messages sent to an endpoint once more, a slice at a time.
//!
//! A task is a row. Each step reads some messages beyond the task's cursor, decides which of them to send, and writes their
//! deliveries and the new cursor as one item of a batch: a task that was interrupted goes on where it was, and takes no message
//! twice. The deliveries stay on disk and come into memory as their lane drains.

mod step; // one slice of one task

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalog::{Catalog, Finder};
use crate::clock::Clock;
use crate::dispatch::Dispatch;
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{IdGenerator, MessageId, OrganisationId};
use crate::domain::selection::Selection;
use crate::domain::task::{Task, TaskKind, TaskStatus};
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::journal::Journal;
use crate::store::Store;
use crate::store::write::{Changed, Write, Written};
use crate::tell::Tell;

/// Tasks that take turns; more wait until one of these is over.
const TOGETHER: u32 = 100;
/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How far ids may run ahead of the time a message was accepted, because the clock was set back.
const IDS_AHEAD: Duration = Duration::from_secs(3_600);

/// What tasks work with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) dispatch: Dispatch,
    pub(crate) tell: Arc<Tell>,
    pub(crate) finder: Finder,
}

/// Begins tasks and takes them to their end.
pub(crate) struct Tasks {
    shared: Arc<Shared>,
    running: TaskTracker,
}

struct Shared {
    parts: Parts,
    /// A task began.
    begun: Notify,
    stop: CancellationToken,
}

impl Tasks {
    /// Goes on with what an earlier run left, and with what is begun from now on.
    pub(crate) fn start(parts: Parts) -> Tasks {
        let shared = Arc::new(Shared { parts, begun: Notify::new(), stop: CancellationToken::new() });
        let running = TaskTracker::new();
        running.spawn(run(Arc::clone(&shared)));
        running.close();
        Tasks { shared, running }
    }

    /// Begins a task: when this returns it is on disk, and goes on.
    pub(crate) async fn begin(
        &self,
        organisation: OrganisationId,
        endpoint: &Endpoint,
        kind: TaskKind,
        selection: Selection,
    ) -> Result<Task, Error> {
        if endpoint.disabled.is_some() {
            return Err(Error::EndpointDisabled);
        }
        let parts = &self.shared.parts;
        let now = parts.clock.now();
        let fresh = parts.ids.next(now);
        let task = Task {
            id: fresh.into(),
            organisation,
            application: endpoint.application,
            endpoint: endpoint.id,
            kind,
            // An id is never below the time that its message was accepted, so what came since then is beyond this.
            cursor: MessageId::first_at(selection.since),
            up_to: last_id(&selection, fresh.into()),
            selection,
            status: TaskStatus::Running,
            sent: 0,
            created_at: now,
            updated_at: now,
        };
        match parts.journal.write(Write::TaskBegin(Box::new(task.clone()))).await? {
            Written::Changed(Changed::Yes) => {
                self.shared.begun.notify_one();
                Ok(task)
            }
            _ => Err(Error::NotFound(Thing::Application)),
        }
    }

    /// Ends after the step under way; tasks that are not over go on at the next start.
    pub(crate) async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.running.wait().await;
    }
}

/// The highest message that a selection can have, as of the id `newest`.
fn last_id(selection: &Selection, newest: MessageId) -> MessageId {
    let until = selection.until.unwrap_or(Timestamp::MAX);
    MessageId::first_at(until.after(IDS_AHEAD)).min(newest)
}

/// Gives each task that is not over a step in turn, until `stop`.
async fn run(shared: Arc<Shared>) {
    while !shared.stop.is_cancelled() {
        let wait = match turn(&shared).await {
            Ok(0) => None,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "background tasks cannot go on right now; they will");
                Some(PAUSE_AFTER_FAILURE)
            }
        };
        let pause = async {
            match wait {
                Some(pause) => tokio::time::sleep(pause).await,
                // One that began since the tasks were read has left its notice.
                None => shared.begun.notified().await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = pause => {}
        }
    }
}

/// One step of each task that is not over; says how many there are.
async fn turn(shared: &Shared) -> Result<usize, Error> {
    let tasks = shared.parts.store.task_running(TOGETHER).await?;
    let count = tasks.len();
    for task in tasks {
        if shared.stop.is_cancelled() {
            break;
        }
        step::take(&shared.parts, task).await?;
    }
    Ok(count)
}
