//! All lanes together: which delivery starts next, and what must wait on disk. No I/O, no clock, no tasks.
//!
//! Lanes are served in turn: first across applications, then across an application's endpoints, one attempt each.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::application_lanes::{ApplicationLanes, Place};
use crate::dispatch::expunged::Expunged;
use crate::dispatch::lane::{Lane, Readiness, Waiting};
use crate::domain::attempt::Trigger;
use crate::domain::breaker::Breaker;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::{Held, Hold};
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::measures::Snapshot;

/// A lane takes so many into memory even when all others together have used up the bytes there are.
pub(super) const RESIDENT_MIN: usize = 4;
/// A lane that nothing happened on for so long is forgotten, its breaker's count with it.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// A lane that was read from disk is kept for at least so long: what that read saw may be told of only later.
const KEEP_AFTER_READ: Duration = Duration::from_secs(30);

/// How much may be in memory and under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Attempts under way on one lane.
    pub(super) lane_concurrency: u32,
    /// Attempts under way in all.
    pub(super) concurrency: usize,
    /// Deliveries waiting in one lane.
    pub(super) lane_resident: usize,
    /// Bytes waiting in all lanes.
    pub(super) resident_bytes: usize,
}

/// Attempts a second that were set for an endpoint and for its application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Throttle {
    pub(super) endpoint: Option<u16>,
    pub(super) application: Option<u16>,
}

/// An attempt to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) key: DeliveryKey,
    pub(super) message: Arc<Message>,
    /// Attempts made before.
    pub(super) attempts: u16,
    pub(super) trigger: Trigger,
    /// How this node holds its delivery.
    pub(super) hold: Hold,
}

/// What an attempt's end says of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    /// Nothing: it was called off, or its endpoint is disabled or gone.
    Abandoned,
    /// Nothing: it could not be made, and its delivery is to come from disk again.
    Postponed,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) limits: Limits,
    pub(super) lanes: HashMap<EndpointId, Lane>,
    pub(super) applications: HashMap<ApplicationId, ApplicationLanes>,
    /// Applications with a lane that can start something, each once.
    ready: VecDeque<ApplicationId>,
    /// What is to be looked at again at a time.
    timers: BinaryHeap<Reverse<(Timestamp, Timer)>>,
    /// Lanes that want a read from disk.
    pub(super) loads: VecDeque<EndpointId>,
    running: usize,
    pub(super) resident: usize,
    pub(super) resident_bytes: usize,
    pub(super) on_disk: u64,
    pub(super) expunged: Expunged,
    /// Whether limits hold over several nodes.
    pub(super) shares_limits: bool,
    /// Lanes, and applications, that wait for places of a limit that is shared.
    pub(super) wants: HashSet<(ApplicationId, Option<EndpointId>)>,
    /// What stands under other leases is none of ours.
    pub(super) held: Held,
    stopped: bool,
}

/// What is to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Lane(EndpointId),
    /// All lanes of an application, which its limit holds back together.
    Application(ApplicationId),
}

impl Lanes {
    pub(super) fn new(limits: Limits) -> Lanes {
        Lanes {
            limits,
            lanes: HashMap::new(),
            applications: HashMap::new(),
            ready: VecDeque::new(),
            timers: BinaryHeap::new(),
            loads: VecDeque::new(),
            running: 0,
            resident: 0,
            resident_bytes: 0,
            on_disk: 0,
            expunged: Expunged::default(),
            shares_limits: false,
            wants: HashSet::new(),
            held: Held::alone(),
            stopped: false,
        }
    }

    /// A delivery that became ready on disk comes into memory too, or stays on disk alone if there is no room.
    ///
    /// It became so with the batch number `committed`, or with a later one. Without a `throttle` the limits stay as they are.
    pub(super) fn push(
        &mut self,
        key: DeliveryKey,
        waiting: Waiting,
        committed: u64,
        throttle: Option<Throttle>,
        now: Timestamp,
    ) {
        if !self.held.has(waiting.lease) {
            // Its lease was lost meanwhile: others have it.
            return;
        }
        self.configure(key.application, key.endpoint, throttle, now);
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return };
        if lane.resident.contains(&key.message) {
            // A read was faster; or its attempt is over, which is not known here yet.
            lane.again.insert(key.message);
            return;
        }
        let length = lane.queue.len();
        let no_room = length >= self.limits.lane_resident
            || (length >= RESIDENT_MIN && self.resident_bytes + waiting.bytes() > self.limits.resident_bytes);
        // What comes later must not overtake what waits on disk, so it waits there as well.
        let must_wait = no_room || lane.on_disk > 0;
        // A read may have brought it in before, and it may have ended since: only the disk knows.
        let may_be_known = committed <= lane.read_up_to && lane.read_up_to > 0;
        if must_wait || may_be_known {
            self.left_on_disk(key.endpoint);
            self.want_load(key.endpoint);
        } else {
            self.admit(key, waiting, now);
        }
    }

    /// The attempt to start next, if one can start now.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Start> {
        while !self.stopped && self.running < self.limits.concurrency {
            let application = self.ready.pop_front()?;
            let Some(lanes) = self.applications.get_mut(&application) else { continue };
            lanes.place = Place::Nowhere;
            if lanes.ready.is_empty() {
                continue;
            }
            if let Some(then) = lanes.rate.map(|rate| rate.ready_at()).filter(|then| *then > now) {
                lanes.place = Place::Waiting(then);
                if then == Timestamp::MAX {
                    self.want(application, None);
                    continue;
                }
                self.timers.push(Reverse((then, Timer::Application(application))));
                continue;
            }
            let Some(endpoint) = lanes.ready.pop_front() else { continue };
            self.offer(application);
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            lane.listed = false;
            match lane.readiness(self.limits.lane_concurrency, now) {
                Readiness::Ready => return self.start(application, endpoint, now),
                Readiness::NotBefore(_) | Readiness::Idle => self.list_if_ready(endpoint, now),
            }
        }
        None
    }

    /// An attempt ended. Its delivery's row has been handed to the journal.
    ///
    /// Says whether this freed more than its own place: a success on a breaker that was not closed does.
    pub(super) fn ended(&mut self, key: DeliveryKey, end: End, now: Timestamp) -> bool {
        self.running -= 1;
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return false };
        lane.running -= 1;
        lane.resident.remove(&key.message);
        if lane.loading {
            lane.ended_meanwhile.insert(key.message);
        }
        lane.last_used = now;
        let again = lane.again.remove(&key.message) || end == End::Postponed;
        let was_closed = matches!(lane.breaker, Breaker::Closed { .. });
        match end {
            End::Succeeded => lane.breaker.succeeded(),
            End::Failed => lane.breaker.failed(now),
            End::Abandoned | End::Postponed => lane.breaker.abandoned(now),
        }
        let is_forgettable = !again && lane.is_forgettable(now);
        if again {
            self.left_on_disk(key.endpoint);
        }
        if is_forgettable {
            self.forget(key.endpoint, now);
        } else {
            self.want_load(key.endpoint);
            self.list_if_ready(key.endpoint, now);
        }
        end == End::Succeeded && !was_closed
    }

    /// Looks again at what its time has come for.
    pub(super) fn wake(&mut self, now: Timestamp) {
        while let Some(Reverse((then, timer))) = self.timers.peek().copied() {
            if then > now {
                return;
            }
            self.timers.pop();
            match timer {
                Timer::Lane(endpoint) => {
                    if let Some(lane) = self.lanes.get_mut(&endpoint) {
                        lane.wake_at = None;
                        self.list_if_ready(endpoint, now);
                    }
                }
                Timer::Application(application) => {
                    if let Some(lanes) = self.applications.get_mut(&application)
                        && lanes.place == Place::Waiting(then)
                    {
                        lanes.place = Place::Nowhere;
                        self.offer(application);
                    }
                }
            }
        }
    }

    /// When [`Lanes::wake`] is to be called next, if ever; it changes with each call of the others.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.peek().map(|Reverse((then, _))| *then)
    }

    /// Forgets what waits on a lane of messages up to `up_to`, in memory and on disk; attempts under way end as they will.
    pub(super) fn clear(&mut self, endpoint: EndpointId, up_to: MessageId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        self.on_disk = self.on_disk.saturating_sub(lane.on_disk);
        lane.on_disk = 0;
        let (ended, kept): (VecDeque<_>, VecDeque<_>) =
            lane.queue.drain(..).partition(|waiting| waiting.message.id <= up_to);
        for waiting in &ended {
            lane.resident.remove(&waiting.message.id);
            lane.again.remove(&waiting.message.id);
            self.resident -= 1;
            self.resident_bytes -= waiting.bytes();
        }
        lane.queue = kept;
        lane.breaker = Breaker::default();
    }

    /// Starts nothing any more.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether nothing is started any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Forgets lanes on which nothing has happened for long.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let unused: Vec<EndpointId> = self
            .lanes
            .iter()
            .filter(|(_, lane)| {
                let unused_for = now.since(lane.last_used);
                let soon = lane.holds_nothing_back(now) && unused_for > KEEP_AFTER_READ;
                lane.is_quiet() && (lane.is_forgettable(now) || soon || unused_for > FORGET_AFTER)
            })
            .map(|(endpoint, _)| *endpoint)
            .collect();
        for endpoint in unused {
            self.forget(endpoint, now);
        }
        self.applications.retain(|_, lanes| !lanes.is_forgettable(now));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            attempts_under_way: self.running,
            resident: self.resident,
            resident_bytes: self.resident_bytes,
            on_disk: self.on_disk,
            lanes: self.lanes.len(),
            ..Snapshot::default()
        }
    }

    pub(super) fn admit(&mut self, key: DeliveryKey, waiting: Waiting, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return };
        let waiting = self.expunged.emptied(waiting);
        self.resident += 1;
        self.resident_bytes += waiting.bytes();
        lane.resident.insert(key.message);
        lane.queue.push_back(waiting);
        lane.last_used = now;
        self.list_if_ready(key.endpoint, now);
    }

    fn start(&mut self, application: ApplicationId, endpoint: EndpointId, now: Timestamp) -> Option<Start> {
        let lane = self.lanes.get_mut(&endpoint)?;
        let Waiting { message, attempts, trigger, lease } = lane.queue.pop_front()?;
        lane.running += 1;
        lane.breaker.started();
        if let Some(rate) = &mut lane.rate {
            rate.started(now);
        }
        if let Some(rate) = self.applications.get_mut(&application).and_then(|lanes| lanes.rate.as_mut()) {
            rate.started(now);
        }
        self.running += 1;
        self.resident -= 1;
        self.resident_bytes -= message.payload.len().max(512);
        self.want_load(endpoint);
        self.list_if_ready(endpoint, now);
        let key = DeliveryKey { application, endpoint, message: message.id };
        let hold = Hold { lease, own: self.held.own };
        Some(Start { key, message, attempts, trigger, hold })
    }

    /// Puts a lane where it is found: in its application's list if it can start something, else among the timers.
    pub(super) fn list_if_ready(&mut self, endpoint: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        if lane.listed {
            return;
        }
        match lane.readiness(self.limits.lane_concurrency, now) {
            Readiness::Ready => {
                lane.listed = true;
                let application = lane.application;
                self.applications.entry(application).or_default().ready.push_back(endpoint);
                self.offer(application);
            }
            Readiness::NotBefore(Timestamp::MAX) => {
                let application = lane.application;
                self.want(application, Some(endpoint));
            }
            Readiness::NotBefore(then) if lane.wake_at.is_none_or(|wake| then < wake) => {
                lane.wake_at = Some(then);
                self.timers.push(Reverse((then, Timer::Lane(endpoint))));
            }
            Readiness::NotBefore(_) | Readiness::Idle => {}
        }
    }

    /// Puts an application among those that can start something, unless it stands there or waits.
    pub(super) fn offer(&mut self, application: ApplicationId) {
        let Some(lanes) = self.applications.get_mut(&application) else { return };
        if lanes.place == Place::Nowhere && !lanes.ready.is_empty() {
            lanes.place = Place::Ready;
            self.ready.push_back(application);
        }
    }

    fn forget(&mut self, endpoint: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.remove(&endpoint) else { return };
        let Some(lanes) = self.applications.get_mut(&lane.application) else { return };
        lanes.lanes -= 1;
        lanes.ready.retain(|ready| *ready != endpoint);
        if lanes.is_forgettable(now) {
            self.applications.remove(&lane.application);
        }
    }
}
