//! The lanes against a model of the disk: whatever comes in whichever order, each delivery that becomes ready is started
//! exactly once, and in the end all of them were.
//!
//! What the model lets happen apart from each other is what happens apart in the engine: a commit and the news of it,
//! the outcome of an attempt and the news of its end, a read from disk and the arrival of what it saw.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::test_runner::TestCaseError;

use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::{End, Lanes, Limits, RESIDENT_MIN, Start, Throttle};
use crate::dispatch::lanes_tests::{key, message};
use crate::dispatch::overflow::Load;
use crate::domain::attempt::Trigger;
use crate::domain::delivery::{Delivery, DeliveryKey};
use crate::domain::ids::MessageId;
use crate::domain::lease::LeaseNumber;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;
use crate::store::write::Loaded;

const ENDPOINTS: u8 = 4;
/// The news of a commit is told within less than this.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// One step; the numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    /// Messages are committed, so many, to an endpoint.
    Commit(u8, u8),
    /// The lanes are told of a commit.
    Tell(usize),
    /// All attempts that can start do.
    Start,
    /// An attempt's outcome is handed to the journal.
    Record(usize, How),
    /// The lanes are told of the end of an attempt whose outcome was recorded.
    End(usize),
    /// Retries that are due are taken over.
    Claim,
    /// A read from disk is made.
    Read(usize),
    /// What a read saw comes in.
    Arrive(usize),
    /// A read fails.
    FailRead(usize),
    /// So many milliseconds pass.
    Pass(u16),
    /// An endpoint is disabled: what is pending ends.
    Clear(u8),
    Sweep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Success,
    Failure,
    /// The attempt could not be made, and is to come from disk again.
    Postponed,
}

struct Row {
    attempts: u16,
    due_at: Option<Timestamp>,
    /// Whether it was started since it became ready.
    started: bool,
}

/// What a read saw, and the number of the last batch before it.
type Seen = (Page<Loaded>, u64);

struct World {
    lanes: Lanes,
    now: Timestamp,
    rows: BTreeMap<DeliveryKey, Row>,
    next_message: u16,
    batches: u64,
    /// Became ready with a batch, at a time; not told of yet.
    untold: Vec<(DeliveryKey, u16, u64, Timestamp)>,
    running: Vec<(Start, Option<How>)>,
    reads: Vec<(Load, Option<Seen>)>,
    cleared: HashSet<DeliveryKey>,
    throttle: [Throttle; ENDPOINTS as usize],
    bytes: usize,
}

impl World {
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Commit(endpoint, count) => self.commit(endpoint % ENDPOINTS, count),
            Step::Tell(at) => self.tell(at),
            Step::Start => self.start()?,
            Step::Record(at, how) => self.record(at, how),
            Step::End(at) => self.end(at),
            Step::Claim => self.claim(),
            Step::Read(at) => self.read(at),
            Step::Arrive(at) => self.arrive(at),
            Step::FailRead(at) => {
                if let Some(at) = nth(self.reads.len(), at) {
                    let (load, _) = self.reads.remove(at);
                    self.lanes.load_failed(load);
                }
            }
            Step::Pass(milliseconds) => self.pass(Duration::from_millis(milliseconds.into())),
            Step::Clear(endpoint) => {
                let endpoint = key(0, endpoint % ENDPOINTS + 1, 0).endpoint;
                self.lanes.clear(endpoint, MessageId::MAX);
                let gone = self.rows.keys().filter(|key| key.endpoint == endpoint);
                self.cleared.extend(gone);
                self.rows.retain(|key, _| key.endpoint != endpoint);
            }
            Step::Sweep => self.lanes.sweep(self.now),
        }
        self.take_loads();
        self.check_room()
    }

    fn commit(&mut self, endpoint: u8, count: u8) {
        self.batches += 1;
        for _ in 0..count {
            // Not always rising: ids and commits of different callers overtake each other.
            self.next_message += 1;
            let key = key(endpoint / 2 + 1, endpoint + 1, self.next_message ^ 3);
            self.rows.insert(key, Row { attempts: 0, due_at: None, started: false });
            self.untold.push((key, 0, self.batches, self.now));
        }
    }

    fn tell(&mut self, at: usize) {
        let Some(at) = nth(self.untold.len(), at) else { return };
        let (key, attempts, batch, _) = self.untold.remove(at);
        let waiting = Waiting {
            message: message(key, self.bytes),
            attempts,
            trigger: Trigger::Scheduled,
            lease: LeaseNumber::NONE,
        };
        let throttle = self.throttle[usize::from(key.endpoint.as_bytes()[0] - 1)];
        self.lanes.push(key, waiting, batch, Some(throttle), self.now);
    }

    fn start(&mut self) -> Result<(), TestCaseError> {
        while let Some(start) = self.lanes.next(self.now) {
            match self.rows.get_mut(&start.key) {
                // The worker finds it disabled.
                None => prop_assert!(self.cleared.contains(&start.key), "{} was over", start.key.message),
                Some(row) => {
                    prop_assert!(row.due_at.is_none(), "{} is not due", start.key.message);
                    prop_assert!(!row.started, "{} is started twice", start.key.message);
                    prop_assert_eq!(row.attempts, start.attempts);
                    row.started = true;
                }
            }
            self.running.push((start, None));
        }
        Ok(())
    }

    fn record(&mut self, at: usize, how: How) {
        let unrecorded: Vec<_> = (0..self.running.len()).filter(|at| self.running[*at].1.is_none()).collect();
        let Some(at) = nth(unrecorded.len(), at).map(|at| unrecorded[at]) else { return };
        let (start, recorded) = &mut self.running[at];
        *recorded = Some(how);
        match how {
            How::Success => drop(self.rows.remove(&start.key)),
            How::Failure => {
                if let Some(row) = self.rows.get_mut(&start.key) {
                    row.attempts += 1;
                    row.due_at = Some(self.now.after(Duration::from_millis(50)));
                }
            }
            How::Postponed => {
                if let Some(row) = self.rows.get_mut(&start.key) {
                    row.started = false;
                }
            }
        }
    }

    fn end(&mut self, at: usize) {
        let recorded: Vec<_> = (0..self.running.len()).filter(|at| self.running[*at].1.is_some()).collect();
        let Some(at) = nth(recorded.len(), at).map(|at| recorded[at]) else { return };
        let (start, how) = self.running.remove(at);
        let end = match how {
            Some(How::Success) => End::Succeeded,
            Some(How::Failure) => End::Failed,
            _ => End::Postponed,
        };
        self.lanes.ended(start.key, end, self.now);
    }

    fn claim(&mut self) {
        self.batches += 1;
        for (key, row) in &mut self.rows {
            if row.due_at.is_some_and(|due| due <= self.now) {
                (row.due_at, row.started) = (None, false);
                self.untold.push((*key, row.attempts, self.batches, self.now));
            }
        }
    }

    fn read(&mut self, at: usize) {
        let Some(at) = nth(self.reads.len(), at) else { return };
        let (load, seen) = &mut self.reads[at];
        if seen.is_some() {
            return;
        }
        let ready = self.rows.iter().filter(|(key, row)| {
            key.endpoint == load.endpoint && key.message > load.after && row.due_at.is_none()
        });
        // A read stops at so many bytes too, like the store's.
        let limit = (load.limit as usize).min(25);
        let rows = ready.take(limit).map(|(key, row)| Loaded {
            delivery: Delivery { key: *key, attempts: row.attempts, trigger: Trigger::Scheduled },
            message: message(*key, self.bytes),
            lease: LeaseNumber::NONE,
        });
        let items: Vec<_> = rows.collect();
        let done = items.len() < limit;
        *seen = Some((Page { items, done }, self.batches));
    }

    fn arrive(&mut self, at: usize) {
        let arrived: Vec<_> = (0..self.reads.len()).filter(|at| self.reads[*at].1.is_some()).collect();
        let Some(at) = nth(arrived.len(), at).map(|at| arrived[at]) else { return };
        if let (load, Some((page, up_to))) = self.reads.remove(at) {
            let throttle = self.throttle[usize::from(load.endpoint.as_bytes()[0] - 1)];
            self.lanes.loaded(load, page, up_to, throttle, self.now);
        }
    }

    /// No lane has more in memory than it may, and neither have all lanes together, but for what each may always have.
    fn check_room(&self) -> Result<(), TestCaseError> {
        let limits = self.lanes.limits;
        for lane in self.lanes.lanes.values() {
            prop_assert!(lane.queue.len() <= limits.lane_resident);
        }
        let always = RESIDENT_MIN * usize::from(ENDPOINTS) * self.bytes.max(512);
        prop_assert!(self.lanes.snapshot().resident_bytes <= limits.resident_bytes + always);
        Ok(())
    }

    fn pass(&mut self, by: Duration) {
        self.now = self.now.after(by);
        while let Some(at) = self.untold.iter().position(|told| self.now.since(told.3) >= TOLD_WITHIN) {
            self.tell(at);
        }
        self.lanes.wake(self.now);
    }

    fn take_loads(&mut self) {
        while let Some(load) = self.lanes.next_load() {
            self.reads.push((load, None));
        }
    }

    /// Lets all end well, and time pass only as far as the timers ask for.
    fn drain(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..20_000 {
            while !self.untold.is_empty() {
                self.step(&Step::Tell(0))?;
            }
            self.step(&Step::Start)?;
            while !self.running.is_empty() {
                self.step(&Step::Record(0, How::Success))?;
                self.step(&Step::End(0))?;
            }
            while !self.reads.is_empty() {
                self.step(&Step::Read(0))?;
                self.step(&Step::Arrive(0))?;
            }
            self.step(&Step::Claim)?;
            self.step(&Step::Start)?;
            let is_idle = self.untold.is_empty() && self.running.is_empty() && self.reads.is_empty();
            if is_idle {
                let due = self.rows.values().filter_map(|row| row.due_at).min();
                let then = [due, self.lanes.next_timer()].into_iter().flatten().min();
                let Some(then) = then else { break };
                self.pass(then.since(self.now).max(Duration::from_micros(1)));
                self.take_loads();
            }
        }
        prop_assert!(self.rows.is_empty(), "{} deliveries were forgotten", self.rows.len());
        let snapshot = self.lanes.snapshot();
        prop_assert_eq!((snapshot.resident, snapshot.resident_bytes), (0, 0));
        prop_assert_eq!((snapshot.attempts_under_way, snapshot.on_disk), (0, 0));
        self.lanes.sweep(self.now.after(Duration::from_secs(3_600)));
        prop_assert_eq!(self.lanes.snapshot().lanes, 0);
        Ok(())
    }
}

fn nth(len: usize, at: usize) -> Option<usize> {
    (len > 0).then(|| at % len)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let how = prop_oneof![3 => Just(How::Success), 2 => Just(How::Failure), 1 => Just(How::Postponed)];
    let step = prop_oneof![
        6 => (any::<u8>(), 1u8..12).prop_map(|(endpoint, count)| Step::Commit(endpoint, count)),
        20 => any::<usize>().prop_map(Step::Tell),
        8 => Just(Step::Start),
        16 => (any::<usize>(), how).prop_map(|(at, how)| Step::Record(at, how)),
        16 => any::<usize>().prop_map(Step::End),
        4 => Just(Step::Claim),
        8 => any::<usize>().prop_map(Step::Read),
        8 => any::<usize>().prop_map(Step::Arrive),
        1 => any::<usize>().prop_map(Step::FailRead),
        6 => (0u16..2_000).prop_map(Step::Pass),
        1 => any::<u8>().prop_map(Step::Clear),
        1 => Just(Step::Sweep),
    ];
    proptest::collection::vec(step, 1..250)
}

fn limits() -> impl Strategy<Value = Limits> {
    (1u32..4, 1usize..6, 1usize..40, 1usize..30).prop_map(
        |(lane_concurrency, concurrency, lane_resident, kept)| Limits {
            lane_concurrency,
            concurrency,
            lane_resident,
            resident_bytes: kept * 512,
        },
    )
}

fn throttles() -> impl Strategy<Value = [Throttle; ENDPOINTS as usize]> {
    let rate = || prop_oneof![3 => Just(None), 1 => (1u16..40).prop_map(Some)];
    ([rate(), rate()], [rate(), rate(), rate(), rate()]).prop_map(|(applications, endpoints)| {
        std::array::from_fn(|at| Throttle { endpoint: endpoints[at], application: applications[at / 2] })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn each_delivery_that_becomes_ready_is_started_exactly_once(
        steps in steps(), limits in limits(), throttle in throttles(), bytes in 1usize..1_500
    ) {
        let mut world = World {
            lanes: Lanes::new(limits),
            now: Timestamp::from_micros(1_700_000_000_000_000),
            rows: BTreeMap::new(),
            // Some distance from the lowest id, which no message has.
            next_message: 8,
            batches: 0,
            untold: Vec::new(),
            running: Vec::new(),
            reads: Vec::new(),
            cleared: HashSet::new(),
            throttle,
            bytes,
        };
        for step in &steps {
            world.step(step)?;
        }
        world.drain()?;
    }
}
