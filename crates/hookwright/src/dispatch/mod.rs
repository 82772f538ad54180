//! When deliveries go, and in which order: lanes with limits, retries when they are due, overflow from disk.

mod application_lanes; // those of one application
mod lane; // one endpoint's queue
mod lanes; // all of them: who starts next
mod overflow; // what waits on disk meanwhile
mod limits; // how they are set
mod slots; // limits that several nodes share
mod takeover; // what is others', and what becomes ours

mod expunged; // payloads that were removed meanwhile
mod health_book; // who has failed for how long
mod failing; // and what follows from it, with other nodes' attempts
mod intake; // what comes in: new messages, retries, rows from disk
mod changes; // what has changed about endpoints
mod news; // what others have done
mod telling; // what is told of it
mod worker; // an attempt, and what follows from it
mod confirming; // whether what came to a source is true

#[cfg(test)]
mod lanes_model;
#[cfg(test)]
mod lanes_tests;

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::ActivityFeed;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::{News, Node};
use crate::config::Config;
use crate::deliver::Deliverer;
use crate::dispatch::health_book::HealthBook;
use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::{Lanes, Limits, Start, Throttle};
use crate::domain::attempt::Trigger;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId, IdGenerator, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::message::Message;
use crate::domain::retry::RetryPolicy;
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::journal::{Committed, Journal};
use crate::measures::{Measures, Snapshot};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::write::{Changed, Resent, Write, Written};
use crate::tell::Tell;

/// Makes deliveries go. Clones share it.
#[derive(Clone)]
pub(crate) struct Dispatch {
    shared: Arc<Shared>,
}

/// What was finished, and what is left for the next start, when an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Attempts that were under way and ended within the grace period.
    pub finished: usize,
    /// Attempts that were called off; their deliveries go on at the next start.
    pub called_off: usize,
}

/// What everything here works with.
struct Shared {
    retry: RetryPolicy,
    clock: Clock,
    ids: Arc<IdGenerator>,
    store: Store,
    journal: Journal,
    catalog: Arc<Catalog>,
    deliverer: Deliverer,
    activity: ActivityFeed,
    tell: Arc<Tell>,
    measures: Arc<Measures>,
    /// Says whether an attempt may start.
    node: Node,
    lanes: Mutex<Lanes>,
    health: HealthBook,
    /// When the earliest retry on disk is due, in microseconds; `i64::MAX` if none waits.
    next_due: AtomicI64,
    /// When `keep_time` looks at the lanes' timers next, in microseconds.
    timers_watched_until: AtomicI64,
    /// Something must be done earlier than was thought.
    wake: Notify,
    /// Lanes wait for places of a limit that is shared.
    slots_wanted: Notify,
    tasks: TaskTracker,
    workers: TaskTracker,
    /// Ends the loops.
    stop: CancellationToken,
    /// Calls off the attempts under way.
    call_off: CancellationToken,
    called_off: AtomicUsize,
}

/// The parts that a [`Dispatch`] is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) deliverer: Deliverer,
    pub(crate) activity: ActivityFeed,
    pub(crate) tell: Arc<Tell>,
    pub(crate) measures: Arc<Measures>,
    pub(crate) node: Node,
}

impl Dispatch {
    /// Takes up what an earlier run left, and delivers from now on what `committed` tells of.
    pub(crate) async fn start(
        parts: Parts,
        committed: mpsc::UnboundedReceiver<Vec<Committed>>,
        news: mpsc::UnboundedReceiver<News>,
    ) -> Result<Dispatch, StoreError> {
        let Parts { config, ids, store, journal, catalog, deliverer, activity, tell, measures, node } = parts;
        let clock = config.clock.clone();
        let limits = Limits {
            lane_concurrency: config.lane_concurrency,
            concurrency: config.concurrency,
            lane_resident: config.lane_resident,
            resident_bytes: config.resident_bytes,
        };
        let mut lanes = Lanes::new(limits);
        lanes.shares_limits = !node.is_alone();
        lanes.follow(store.held());
        for ready in store.delivery_ready_counts().await? {
            lanes.restore(ready.application, ready.endpoint, ready.count, clock.now());
        }
        let failing = store.health_all().await?;
        let next_due = store.delivery_next_due().await?.unwrap_or(Timestamp::MAX);
        let shared = Arc::new(Shared {
            retry: config.retry,
            clock,
            ids,
            store,
            journal,
            catalog,
            deliverer,
            activity,
            tell,
            measures,
            node,
            lanes: Mutex::new(lanes),
            health: HealthBook::new(failing.into_iter().map(|(_, endpoint, health)| (endpoint, health))),
            next_due: AtomicI64::new(next_due.as_micros()),
            timers_watched_until: AtomicI64::new(i64::MAX),
            wake: Notify::new(),
            slots_wanted: Notify::new(),
            tasks: TaskTracker::new(),
            workers: TaskTracker::new(),
            stop: CancellationToken::new(),
            call_off: CancellationToken::new(),
            called_off: AtomicUsize::new(0),
        });
        shared.tasks.spawn(intake::take_committed(Arc::clone(&shared), committed));
        shared.tasks.spawn(intake::keep_time(Arc::clone(&shared)));
        shared.tasks.spawn(news::hear(Arc::clone(&shared), news));
        shared.tasks.spawn(slots::reserve(Arc::clone(&shared)));
        shared.tasks.spawn(failing::keep_up(Arc::clone(&shared)));
        Ok(Dispatch { shared })
    }

    /// Sends a message to an endpoint once more, or asks its sender about it once more.
    pub(crate) async fn resend(&self, message: Arc<Message>, endpoint: EndpointId) -> Result<(), Error> {
        let key = DeliveryKey { application: message.application, endpoint, message: message.id };
        let shared = Arc::clone(&self.shared);
        // A task of its own: a caller who goes away in the middle must not leave a delivery that nobody knows of.
        let resent = self.shared.tasks.spawn(async move {
            let (batch, lease) = (shared.journal.batches() + 1, shared.store.held().own);
            match shared.journal.write(Write::Resend(key)).await? {
                Written::Resent(Resent::Ready) => {
                    let throttle = shared.throttle(key.application, key.endpoint).await.ok();
                    let now = shared.clock.now();
                    if shared.store.held().own == lease {
                        let waiting = Waiting { message, attempts: 0, trigger: Trigger::Manual, lease };
                        shared.lanes_under(lease).push(key, waiting, batch, throttle, now);
                    } else {
                        // Which of the two it stands under, the disk knows.
                        let (application, endpoint) = (key.application, key.endpoint);
                        shared.lanes_now().ready_on_disk(
                            application,
                            endpoint,
                            &[key.message],
                            throttle,
                            now,
                        );
                    }
                    shared.pump();
                    Ok(())
                }
                Written::Resent(Resent::Missing) => Err(Error::NotFound(Thing::Message)),
                Written::Resent(Resent::Held) => Err(Error::NotConfirmed),
                _ => Ok(()),
            }
        });
        resent.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Deliveries to an endpoint have become ready on disk: they come from there as its lane drains.
    pub(crate) async fn ready_on_disk(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        messages: &[MessageId],
    ) {
        // They are on disk: whatever fails now, the lane must know of them.
        let throttle = self.shared.throttle(application, endpoint).await.ok();
        let now = self.shared.clock.now();
        self.shared.lanes_now().ready_on_disk(application, endpoint, messages, throttle, now);
        self.shared.pump();
    }

    /// Removes a message's payload, on disk and from what waits here; an attempt that is under way ends as it will.
    ///
    /// Its pending deliveries end at their next turn, each with an attempt that says why.
    pub(crate) async fn expunge(
        &self,
        application: ApplicationId,
        message: MessageId,
    ) -> Result<Changed, Error> {
        let shared = Arc::clone(&self.shared);
        // A task of its own: a caller who goes away in the middle must not leave the payload in memory.
        let expunged = self.shared.tasks.spawn(async move {
            let now = shared.clock.now();
            let changed =
                shared.journal.change_message(Write::ExpungeMessage { application, message, now }).await?;
            if changed == Changed::Yes {
                let entry = shared.catalog.application_by_id(application).await.ok().flatten();
                let endpoints =
                    entry.iter().flat_map(|entry| entry.endpoints()).map(|entry| entry.endpoint.id);
                shared.lanes().expunge(message, endpoints, now);
                shared.note_due(now);
                shared.pump();
            }
            Ok(changed)
        });
        expunged.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Looks at once for what is due, and not when it was thought to be.
    #[cfg(feature = "testing")]
    pub(crate) fn look_around(&self) {
        self.shared.wake.notify_one();
    }

    /// When a lane that is held back is to be looked at again.
    #[cfg(feature = "testing")]
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        self.shared.lanes().next_timer()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let heartbeat_age = self.shared.node.heartbeat_age();
        Snapshot { heartbeat_age, ..self.shared.lanes().snapshot() }
    }

    /// Starts no more attempts, lets those under way end for at most `grace`, then calls them off.
    pub(crate) async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let shared = &self.shared;
        shared.lanes().stop();
        shared.node.stopping().await;
        let under_way = shared.workers.len();
        shared.workers.close();
        if tokio::time::timeout(grace, shared.workers.wait()).await.is_err() {
            shared.call_off.cancel();
            shared.workers.wait().await;
        }
        shared.deliverer.close();
        shared.stop.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
        let called_off = shared.called_off.load(Ordering::SeqCst);
        ShutdownReport { finished: under_way.saturating_sub(called_off), called_off }
    }
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an attempt whose turn came may be made right now, and its delivery is this node's.
    fn may_still_start(&self, start: &Start) -> bool {
        self.node.may_start() && self.store.still_holds(start.hold)
    }

    /// The lanes, which know this lease if it is held.
    fn lanes_under(&self, lease: LeaseNumber) -> MutexGuard<'_, Lanes> {
        let mut lanes = self.lanes();
        if !lanes.held.has(lease) {
            lanes.follow(self.store.held());
        }
        lanes
    }

    /// The lanes, which know what this node holds by now: a writer may have put another lease in the place of one that was lost
    /// before anybody was told, and what it wrote is this node's.
    fn lanes_now(&self) -> MutexGuard<'_, Lanes> {
        self.lanes_under(self.store.held().own)
    }

    /// Starts all that can start, and asks for what is wanted from disk.
    fn pump(self: &Arc<Self>) {
        if self.journal.is_behind() {
            // Outcomes must be written before there are more of them; `keep_time` looks again.
            return;
        }
        // Who is refused is told when that changes.
        while self.node.may_start() {
            let mut lanes = self.lanes();
            let start = lanes.next(self.clock.now());
            drop(lanes);
            let Some(start) = start else { break };
            self.workers.spawn(worker::run(Arc::clone(self), start));
        }
        loop {
            let load = self.lanes().next_load();
            let Some(load) = load else { break };
            self.tasks.spawn(intake::load(Arc::clone(self), load));
        }
        let lanes = self.lanes();
        let (timer, has_wants) = (lanes.next_timer(), lanes.has_wants());
        drop(lanes);
        if has_wants {
            self.slots_wanted.notify_one();
        }
        self.tell_of_timer(timer);
    }

    /// Says when the lanes' next timer is; [`Shared::tell_of_timer`] wakes whoever asked, should an earlier one be set.
    fn watch_timers(&self) -> Timestamp {
        // Under the lock: a timer is either seen here, or told of with what is stored here.
        let lanes = self.lanes();
        let next = lanes.next_timer().unwrap_or(Timestamp::MAX);
        self.timers_watched_until.store(next.as_micros(), Ordering::SeqCst);
        next
    }

    /// Wakes `keep_time` if the lanes' next timer, as it was just read, is earlier than all that it knows of.
    fn tell_of_timer(&self, next: Option<Timestamp>) {
        let watched_until = self.timers_watched_until.load(Ordering::SeqCst);
        if next.is_some_and(|next| next.as_micros() < watched_until) {
            self.wake.notify_one();
        }
    }

    /// A retry is due then: wakes `keep_time` if it would sleep longer.
    fn note_due(&self, due: Timestamp) {
        let before = self.next_due.fetch_min(due.as_micros(), Ordering::SeqCst);
        if due.as_micros() < before {
            self.wake.notify_one();
        }
    }

    /// The limits set for an endpoint and its application.
    async fn throttle(&self, application: ApplicationId, endpoint: EndpointId) -> Result<Throttle, Error> {
        let entry = self.catalog.application_by_id(application).await?;
        Ok(entry.map_or_else(Throttle::default, |entry| Throttle {
            endpoint: entry.endpoint(endpoint).and_then(|entry| entry.endpoint.settings.throttle_rate),
            application: entry.application.settings.throttle_rate,
        }))
    }

    /// An id above those of all messages so far, and below those of all to come.
    fn newest(&self) -> MessageId {
        self.ids.next(self.clock.now()).into()
    }
}
