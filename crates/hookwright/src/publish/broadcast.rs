//! Events for all: each becomes a message of every application that has an enabled endpoint which wants it, a few at a time.
//!
//! An event for all is a row with its payload, durable when it is accepted, and a cursor. Each step writes the messages of the next
//! applications together with the new cursor, so that one that was interrupted goes on where it was and makes no message
//! twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::{Activity, ActivityFeed};
use crate::catalog::{Catalog, EndpointEntry, Finder};
use crate::clock::Clock;
use crate::cluster::Node;
use crate::domain::broadcast::Broadcast;
use crate::domain::ids::{ApplicationId, BroadcastId, IdGenerator, OrganisationId};
use crate::domain::message::Message;
use crate::error::Error;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::publish::NewMessage;
use crate::store::Store;
use crate::store::write::{Append, BroadcastStep, Write, Written};

/// Events that take turns; more wait until one of these is over.
const TOGETHER: u32 = 8;
/// Applications whose messages are written in one item of a batch: messages of others wait for it.
const APPLICATIONS_AT_ONCE: u32 = 50;
/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What events for all are made into messages with.
pub(crate) struct BroadcastParts {
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) node: Node,
    pub(crate) activity: ActivityFeed,
    pub(crate) measures: Arc<Measures>,
    pub(crate) finder: Finder,
}

/// Takes events for all, and makes them messages.
pub(crate) struct Broadcasts {
    shared: Arc<Shared>,
    running: TaskTracker,
}

struct Shared {
    parts: BroadcastParts,
    /// How many have begun since the start.
    begun: watch::Sender<u64>,
    /// Of so many none is left.
    settled: watch::Sender<Option<u64>>,
    stop: CancellationToken,
}

impl Broadcasts {
    /// Goes on with what an earlier run left, and with what is begun from now on.
    pub(crate) fn start(parts: BroadcastParts) -> Broadcasts {
        let (begun, settled) = (watch::Sender::new(0), watch::Sender::new(None));
        let shared = Arc::new(Shared { parts, begun, settled, stop: CancellationToken::new() });
        let running = TaskTracker::new();
        running.spawn(run(Arc::clone(&shared)));
        running.close();
        Broadcasts { shared, running }
    }

    /// Takes an event for all: when this returns it is on disk, and becomes messages.
    pub(crate) async fn begin(
        &self,
        organisation: OrganisationId,
        new: NewMessage,
    ) -> Result<BroadcastId, Error> {
        if new.payload.is_empty() {
            return Err(Error::PayloadEmpty);
        }
        let parts = &self.shared.parts;
        let now = parts.clock.now();
        let id: BroadcastId = parts.ids.next(now).into();
        let broadcast = Broadcast {
            id,
            organisation,
            event_type: new.event_type,
            channels: new.channels,
            tags: new.tags,
            payload: new.payload,
            created_at: now,
            cursor: ApplicationId::MIN,
        };
        // In a task of its own: a caller that goes away must not leave it on disk with nobody told.
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            shared.parts.journal.write(Write::Broadcast(Box::new(broadcast))).await?;
            shared.begun.send_modify(|begun| *begun += 1);
            Ok(id)
        });
        task.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Waits until all that had begun by now have become messages, or the engine ends.
    pub(crate) async fn settled(&self) {
        let begun = *self.shared.begun.borrow();
        let mut settled = self.shared.settled.subscribe();
        tokio::select! {
            // The sender is ours, so it is there.
            _ = settled.wait_for(|settled| settled.is_some_and(|settled| settled >= begun)) => {}
            () = self.shared.stop.cancelled() => {}
        }
    }

    /// Ends after the step under way; what is not over goes on at the next start.
    pub(crate) async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.running.wait().await;
    }
}

/// Gives each event for all that is not over a step in turn, until `stop`.
async fn run(shared: Arc<Shared>) {
    let mut begun = shared.begun.subscribe();
    while !shared.stop.is_cancelled() {
        // Seen before the rows are read: one that begins meanwhile is seen as a change below.
        let seen = *begun.borrow_and_update();
        let pause = match turn(&shared).await {
            Ok(0) => {
                shared.settled.send_replace(Some(seen));
                None
            }
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "events for all cannot become messages right now; they will");
                Some(PAUSE_AFTER_FAILURE)
            }
        };
        let wait = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => drop(begun.changed().await),
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = wait => {}
        }
    }
}

/// One step of each event for all that is not over; says how many there are.
async fn turn(shared: &Shared) -> Result<usize, Error> {
    let running = shared.parts.store.broadcast_running(TOGETHER).await?;
    let count = running.len();
    let mut failed = None;
    for broadcast in running {
        if shared.stop.is_cancelled() {
            break;
        }
        // One that cannot go on holds up no other.
        if let Err(error) = step(&shared.parts, broadcast).await {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(count), Err)
}

/// Makes the messages of the next applications, and moves the cursor on.
async fn step(parts: &BroadcastParts, broadcast: Broadcast) -> Result<(), Error> {
    let Broadcast { organisation, cursor, .. } = broadcast;
    let subscribers =
        parts.store.subscribers(organisation, broadcast.event_type.clone(), cursor, APPLICATIONS_AT_ONCE);
    let applications = subscribers.await?;
    let mut messages = Vec::with_capacity(applications.len());
    for application in &applications {
        let known = parts.catalog.known();
        // One that was deleted a moment ago gets none.
        let Some(entry) = parts.catalog.application_by_id(*application).await? else { continue };
        let mut endpoints = entry.route(&broadcast.event_type, &broadcast.channels);
        let message = Arc::new(message(parts, &broadcast, *application));
        let admits = |entry: &Arc<EndpointEntry>| parts.finder.admits_unwatched(&message, &entry.endpoint);
        endpoints.retain(|id| entry.endpoint(*id).is_some_and(admits));
        if !endpoints.is_empty() {
            let append = Append::plain(message, endpoints).routed_by(known);
            messages.push(Append { broadcast: Some(broadcast.id), ..append });
        }
    }
    let is_last = applications.len() < usize::try_from(APPLICATIONS_AT_ONCE).unwrap_or(usize::MAX);
    let made: Vec<Arc<Message>> = messages.iter().map(|append| Arc::clone(&append.message)).collect();
    let step = BroadcastStep {
        broadcast: broadcast.id,
        before: cursor,
        messages,
        cursor: applications.last().copied().filter(|_| !is_last),
    };
    let written = parts.journal.write(Write::BroadcastStep(step)).await?;
    if let Written::Broadcast(Some(stored)) = written {
        for (message, _) in made.iter().zip(stored).filter(|(_, stored)| *stored) {
            parts.measures.messages.increment(1);
            parts.activity.publish(|| Activity::accepted(organisation, message));
        }
    } else {
        // The next turn finds whatever other nodes have changed, or how far they have come.
        parts.node.catch_up().await?;
    }
    Ok(())
}

fn message(parts: &BroadcastParts, broadcast: &Broadcast, application: ApplicationId) -> Message {
    let now = parts.clock.now();
    Message {
        id: parts.ids.next(now).into(),
        application,
        event_type: broadcast.event_type.clone(),
        event_id: None,
        channels: broadcast.channels.clone(),
        tags: broadcast.tags.clone(),
        payload: broadcast.payload.clone(),
        created_at: now,
    }
}
