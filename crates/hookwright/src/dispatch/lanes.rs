//! All lanes together: which delivery starts next, and what must wait on disk. No I/O, no clock, no tasks.
//!
//! Lanes are served in turn: first across applications, then across an application's endpoints, one attempt each.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::lane::{Lane, Readiness, Waiting, changed_rate};
use crate::domain::attempt::Trigger;
use crate::domain::breaker::Breaker;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::message::Message;
use crate::domain::rate::Rate;
use crate::domain::time::Timestamp;
use crate::measures::Snapshot;

/// A lane takes so many into memory even when all others together have used up the bytes there are.
pub(super) const RESIDENT_MIN: usize = 16;
/// A lane that nothing happened on for so long is forgotten, its breaker's count with it.
const FORGET_AFTER: Duration = Duration::from_secs(600);

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
}

/// What an attempt's end says of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    /// Nothing: it was called off.
    Abandoned,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) limits: Limits,
    pub(super) lanes: HashMap<EndpointId, Lane>,
    applications: HashMap<ApplicationId, ApplicationLanes>,
    /// Applications with a lane that can start something, each once.
    ready: VecDeque<ApplicationId>,
    /// Lanes to look at again at a time.
    timers: BinaryHeap<Reverse<(Timestamp, EndpointId)>>,
    /// Lanes that want a read from disk.
    pub(super) loads: VecDeque<EndpointId>,
    running: usize,
    resident: usize,
    pub(super) resident_bytes: usize,
    pub(super) on_disk: u64,
    stopped: bool,
}

#[derive(Debug, Default)]
struct ApplicationLanes {
    ready: VecDeque<EndpointId>,
    /// Lanes there are, so that it is forgotten with the last.
    lanes: usize,
    rate: Option<Rate>,
}

impl ApplicationLanes {
    /// Whether forgetting it loses nothing: it has no lane, and its limit holds nobody back.
    fn is_forgettable(&self, now: Timestamp) -> bool {
        self.lanes == 0 && self.rate.is_none_or(|rate| rate.ready_at() <= now)
    }
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
            stopped: false,
        }
    }

    /// A delivery that is ready on disk comes into memory too, or stays on disk alone if there is no room.
    pub(super) fn push(&mut self, key: DeliveryKey, waiting: Waiting, throttle: Throttle, now: Timestamp) {
        self.configure(key.application, key.endpoint, throttle, now);
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return };
        if lane.resident.contains(&key.message) {
            return;
        }
        let length = lane.queue.len();
        let no_room = length >= self.limits.lane_resident
            || (length >= RESIDENT_MIN && self.resident_bytes + waiting.bytes() > self.limits.resident_bytes);
        // What comes later must not overtake what waits on disk, so it waits there as well.
        if no_room || lane.on_disk > 0 {
            lane.on_disk += 1;
            self.on_disk += 1;
            self.want_load(key.endpoint);
            return;
        }
        self.admit(key, waiting, now);
    }

    /// Makes the lane if there is none, and sets its limits.
    pub(super) fn configure(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        throttle: Throttle,
        now: Timestamp,
    ) {
        let applications = &mut self.applications;
        let lane = self.lanes.entry(endpoint).or_insert_with(|| {
            applications.entry(application).or_default().lanes += 1;
            Lane::new(application, now)
        });
        lane.set_rate(throttle.endpoint);
        if let Some(lanes) = applications.get_mut(&application) {
            lanes.rate = changed_rate(lanes.rate, throttle.application);
        }
    }

    /// Sets the limits of a lane that is there; of one that is not they are set when it is made.
    pub(super) fn reconfigure_endpoint(&mut self, endpoint: EndpointId, rate: Option<u16>, now: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.set_rate(rate);
            self.list_if_ready(endpoint, now);
        }
    }

    /// Sets the limit of an application that has lanes.
    pub(super) fn reconfigure_application(&mut self, application: ApplicationId, rate: Option<u16>) {
        if let Some(lanes) = self.applications.get_mut(&application) {
            lanes.rate = changed_rate(lanes.rate, rate);
        }
    }

    /// The attempt to start next, if one can start now.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Start> {
        while !self.stopped && self.running < self.limits.concurrency {
            let application = self.ready.pop_front()?;
            let Some(lanes) = self.applications.get_mut(&application) else { continue };
            if let Some(then) = lanes.rate.map(|rate| rate.ready_at()).filter(|then| *then > now) {
                // One of its lanes waits for all of them; the application comes back with it.
                if let Some(endpoint) = lanes.ready.front().copied() {
                    self.timers.push(Reverse((then, endpoint)));
                }
                continue;
            }
            let Some(endpoint) = lanes.ready.pop_front() else { continue };
            if !lanes.ready.is_empty() {
                self.ready.push_back(application);
            }
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
    pub(super) fn ended(&mut self, key: DeliveryKey, end: End, now: Timestamp) {
        self.running -= 1;
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return };
        lane.running -= 1;
        lane.resident.remove(&key.message);
        lane.last_used = now;
        match end {
            End::Succeeded => lane.breaker.succeeded(),
            End::Failed => lane.breaker.failed(now),
            End::Abandoned => lane.breaker.abandoned(now),
        }
        if lane.is_forgettable(now) {
            self.forget(key.endpoint, now);
        } else {
            self.want_load(key.endpoint);
            self.list_if_ready(key.endpoint, now);
        }
    }

    /// Looks again at the lanes whose time has come; says when the next one's comes.
    pub(super) fn wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        while let Some(Reverse((then, endpoint))) = self.timers.peek().copied() {
            if then > now {
                return Some(then);
            }
            self.timers.pop();
            if let Some(lane) = self.lanes.get_mut(&endpoint) {
                lane.wake_at = None;
                let (application, listed) = (lane.application, lane.listed);
                if listed {
                    // It stood back because of its application's limit.
                    self.offer(application);
                } else {
                    self.list_if_ready(endpoint, now);
                }
            }
        }
        None
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

    /// Forgets lanes on which nothing has happened for long.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let unused: Vec<EndpointId> = self
            .lanes
            .iter()
            .filter(|(_, lane)| {
                let quiet = lane.resident.is_empty() && lane.on_disk == 0 && !lane.loading;
                quiet && (lane.is_forgettable(now) || now.since(lane.last_used) > FORGET_AFTER)
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
        }
    }

    pub(super) fn admit(&mut self, key: DeliveryKey, waiting: Waiting, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&key.endpoint) else { return };
        self.resident += 1;
        self.resident_bytes += waiting.bytes();
        lane.resident.insert(key.message);
        lane.queue.push_back(waiting);
        lane.last_used = now;
        self.list_if_ready(key.endpoint, now);
    }

    fn start(&mut self, application: ApplicationId, endpoint: EndpointId, now: Timestamp) -> Option<Start> {
        let lane = self.lanes.get_mut(&endpoint)?;
        let Waiting { message, attempts, trigger } = lane.queue.pop_front()?;
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
        Some(Start { key, message, attempts, trigger })
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
                let lanes = self.applications.entry(application).or_default();
                lanes.ready.push_back(endpoint);
                if lanes.ready.len() == 1 {
                    self.ready.push_back(application);
                }
            }
            Readiness::NotBefore(then) if lane.wake_at.is_none_or(|wake| then < wake) => {
                lane.wake_at = Some(then);
                self.timers.push(Reverse((then, endpoint)));
            }
            Readiness::NotBefore(_) | Readiness::Idle => {}
        }
    }

    /// Puts an application back among those that can start something.
    fn offer(&mut self, application: ApplicationId) {
        let has_ready = self.applications.get(&application).is_some_and(|lanes| !lanes.ready.is_empty());
        if has_ready && !self.ready.contains(&application) {
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
