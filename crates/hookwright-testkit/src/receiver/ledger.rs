//! What a receiver saw, which reply is due next, and the waits on both.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{gate::Gate, received::Received, reply::Reply, script::Script};

/// How many of the requests that arrived the message of a failed wait lists.
const LISTED_MAX: usize = 20;

/// Counters of a receiver at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests read completely.
    pub requests: usize,
    /// Different `webhook-id` values among them.
    pub distinct: usize,
    /// Requests whose head was read and whose answer is not yet finished.
    pub in_flight: usize,
    /// The most requests that were in flight at once; never more than the sender had open.
    pub max_in_flight: usize,
    /// Connections accepted so far.
    pub connections: usize,
    /// Connections that are open now.
    pub open_connections: usize,
    /// Connections that ended within a request.
    pub incomplete: usize,
    /// Requests that are not HTTP/1.1; they are answered 400.
    pub malformed: usize,
    /// TLS handshakes that failed.
    pub failed_handshakes: usize,
    /// Body bytes of huge and endless replies that were handed to the system; some were perhaps never read.
    pub streamed: u64,
}

/// Whether requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Requests,
    /// Only how often each `webhook-id` came, so that a load test measures the sender and not this.
    Counts,
}

pub(super) struct Ledger {
    keep: Keep,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    by_id: HashMap<String, u32>,
    tally: Tally,
    script: Script,
    by_path: HashMap<String, Script>,
    gate: Option<Gate>,
}

/// Counts a request as in flight while it lives.
pub(super) struct InFlight(Arc<Ledger>);

/// Counts a connection as open while it lives.
pub(super) struct Open {
    ledger: Arc<Ledger>,
    pub(super) number: usize,
}

impl Ledger {
    pub(super) fn new(keep: Keep) -> Arc<Self> {
        Arc::new(Self { keep, state: Mutex::default(), changed: watch::Sender::new(()) })
    }

    pub(super) fn script(&self, script: Script) {
        self.state().script = script;
    }

    pub(super) fn script_path(&self, path: &str, script: Script) {
        self.state().by_path.insert(path.to_owned(), script);
    }

    pub(super) fn gate(&self, gate: Gate) {
        self.state().gate = Some(gate);
    }

    /// Records a request and returns the reply that is due, and the gate before it.
    ///
    /// `complete` makes the record; it is called only if something needs it.
    pub(super) fn record(
        &self,
        id: &str,
        path: &str,
        complete: impl FnOnce(usize) -> Received,
    ) -> (Arc<Reply>, Option<Gate>) {
        let mut guard = self.state();
        let state = &mut *guard;
        let sequence = state.tally.requests;
        state.tally.requests += 1;
        match state.by_id.get_mut(id) {
            Some(count) => *count += 1,
            None => {
                state.by_id.insert(id.to_owned(), 1);
                state.tally.distinct += 1;
            }
        }
        let script = state.by_path.get_mut(path).unwrap_or(&mut state.script);
        let reply = match (self.keep, script) {
            (Keep::Counts, Script::Sequence(sequence)) => sequence.next(),
            (Keep::Counts, Script::Function(function)) => Arc::new(function(&complete(sequence))),
            (Keep::Requests, script) => {
                let received = complete(sequence);
                let reply = script.next(&received);
                state.received.push(received);
                reply
            }
        };
        let gate = state.gate.clone();
        drop(guard);
        self.changed.send_replace(());
        (reply, gate)
    }

    /// Changes the counters and wakes whoever waits.
    pub(super) fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.state().tally);
        self.changed.send_replace(());
    }

    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        self.count(|tally| {
            tally.in_flight += 1;
            tally.max_in_flight = tally.max_in_flight.max(tally.in_flight);
        });
        InFlight(self.clone())
    }

    pub(super) fn open(self: &Arc<Self>) -> Open {
        let mut number = 0;
        self.count(|tally| {
            number = tally.connections;
            tally.connections += 1;
            tally.open_connections += 1;
        });
        Open { ledger: self.clone(), number }
    }

    pub(super) fn tally(&self) -> Tally {
        self.state().tally
    }

    pub(super) fn received(&self) -> Vec<Received> {
        assert!(self.keep == Keep::Requests, "this receiver only counts: ask for its tally or counts");
        self.state().received.clone()
    }

    pub(super) fn counts(&self) -> HashMap<String, u32> {
        self.state().by_id.clone()
    }

    /// Waits until `enough` holds for the counters and the requests kept, and panics after `deadline`.
    pub(super) async fn wait(
        &self,
        deadline: Duration,
        what: &str,
        mut enough: impl FnMut(&Tally, &[Received]) -> bool,
    ) {
        let mut changed = self.changed.subscribe();
        let waited = async {
            loop {
                // Seen before the check, so that a change during the check is not missed.
                changed.borrow_and_update();
                let held = {
                    let state = self.state();
                    enough(&state.tally, &state.received)
                };
                if held || changed.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(deadline, waited).await.is_err() {
            panic!("waited {deadline:?} for {what}; {}", self.summary());
        }
    }

    /// What arrived, for the message of a failed wait.
    fn summary(&self) -> String {
        let state = self.state();
        let mut summary = format!("the receiver saw {:?}", state.tally);
        for received in state.received.iter().take(LISTED_MAX) {
            let _ = write!(summary, "\n  {received}");
        }
        if let Some(more @ 1..) = state.received.len().checked_sub(LISTED_MAX) {
            let _ = write!(summary, "\n  and {more} more");
        }
        summary
    }

    /// A closure of a test that panicked under the lock must not hide its own message behind a poisoned lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.count(|tally| tally.in_flight -= 1);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.ledger.count(|tally| tally.open_connections -= 1);
    }
}
