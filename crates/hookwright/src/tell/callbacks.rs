//! The product's callbacks, called one event after the other on a thread of their own: a slow one holds up nothing but others.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use metrics::Counter;
use tokio::sync::watch;

use crate::domain::event::HookEvent;

/// Events that wait for callbacks which are too slow; beyond that, attempts are told no more.
const WAITING_MAX: usize = 10_000;
/// Beyond that, nothing is told any more: memory is bounded.
const WAITING_ALWAYS_MAX: usize = 100_000;

type Callback = Arc<dyn Fn(&HookEvent) + Send + Sync>;

/// What a product wants to be called when something happens.
#[derive(Clone, Default)]
pub(crate) struct Callbacks(Vec<Callback>);

impl Callbacks {
    pub(crate) fn add(&mut self, callback: impl Fn(&HookEvent) + Send + Sync + 'static) {
        self.0.push(Arc::new(callback));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn call(&self, event: &HookEvent) {
        for callback in &self.0 {
            if catch_unwind(AssertUnwindSafe(|| callback(event))).is_err() {
                tracing::error!(
                    event = word(event),
                    "a callback panicked; the next event is told all the same"
                );
            }
        }
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Callbacks").field(&self.0.len()).finish()
    }
}

/// What waits for the callbacks, and the thread that calls them.
pub(super) struct Caller {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something waits, or nothing will any more.
    wake: Condvar,
    /// The thread has ended.
    ended: watch::Sender<bool>,
    dropped: Counter,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<HookEvent>,
    /// Events that were left out since the last word about it.
    left_out: u64,
    is_closed: bool,
}

impl Caller {
    pub(super) fn start(callbacks: Callbacks) -> std::io::Result<Caller> {
        metrics::describe_counter!(
            "hookwright_callback_events_dropped_total",
            metrics::Unit::Count,
            "Events that callbacks were not told of, because they are too slow."
        );
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            ended: watch::Sender::new(false),
            dropped: metrics::counter!("hookwright_callback_events_dropped_total"),
        });
        let thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("hookwright-callbacks".to_owned())
            .spawn(move || thread.run(&callbacks))?;
        Ok(Caller { shared })
    }

    /// Adds an event. Beyond a number attempts are left out, and told of as a number.
    pub(super) fn push(&self, event: HookEvent) {
        let mut state = self.shared.lock();
        let room = if is_of_every_attempt(&event) { WAITING_MAX } else { WAITING_ALWAYS_MAX };
        if state.waiting.len() < room {
            state.waiting.push_back(event);
            drop(state);
            self.shared.wake.notify_one();
            return;
        }
        state.left_out += 1;
        drop(state);
        self.shared.dropped.increment(1);
        if !is_of_every_attempt(&event) {
            tracing::error!(event = word(&event), "callbacks are so slow that one is not told of this");
        }
    }

    /// Takes no more events, and waits until those that are there were told, for at most `grace`.
    pub(super) async fn shutdown(&self, grace: Duration) {
        let mut ended = self.shared.ended.subscribe();
        self.shared.close();
        if tokio::time::timeout(grace, ended.wait_for(|ended| *ended)).await.is_err() {
            let left = std::mem::take(&mut self.shared.lock().waiting);
            tracing::warn!(
                events.left = left.len(),
                "callbacks did not end within the grace period; they are not told of what is left"
            );
        }
    }
}

/// An engine that is dropped without a shutdown leaves no thread behind that waits for ever.
impl Drop for Caller {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn run(&self, callbacks: &Callbacks) {
        while let Some((event, left_out)) = self.next() {
            if left_out > 0 {
                tracing::warn!(
                    events.left_out = left_out,
                    "callbacks are too slow: they were not told of everything"
                );
            }
            callbacks.call(&event);
        }
        // Kept for whoever asks later.
        self.ended.send_replace(true);
    }

    /// The next event, and how many were left out; `None` once it is closed and empty.
    fn next(&self) -> Option<(HookEvent, u64)> {
        let mut state = self.lock();
        loop {
            if let Some(event) = state.waiting.pop_front() {
                // Once there is room again: while there is none, one word for each would be as many.
                let has_room = state.waiting.len() < WAITING_MAX / 2;
                let left_out = if has_room { std::mem::take(&mut state.left_out) } else { 0 };
                return Some((event, left_out));
            }
            if state.is_closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether as many of these come as there are attempts. What is given up comes less often, and nobody should miss it.
fn is_of_every_attempt(event: &HookEvent) -> bool {
    matches!(event, HookEvent::AttemptSucceeded(_) | HookEvent::AttemptFailed(_))
}

/// What an event is called in the log.
fn word(event: &HookEvent) -> &'static str {
    event.operational_type().unwrap_or(match event {
        HookEvent::AttemptSucceeded(_) => "attempt succeeded",
        HookEvent::AttemptFailed(_) => "attempt failed",
        _ => "given up",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::domain::application::{Metadata, Purpose};
    use crate::domain::event::{AttemptEvent, EndpointEvent, Origin};
    use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId, OrganisationId};
    use crate::domain::names::EventTypeName;
    use crate::domain::time::Timestamp;

    fn endpoint() -> EndpointEvent {
        let origin = Origin {
            organisation: OrganisationId::MIN,
            application: ApplicationId::MIN,
            owner: None,
            purpose: Purpose::Customer,
        };
        let (uid, url, metadata) = (None, String::new(), Metadata::new());
        EndpointEvent { origin, endpoint: EndpointId::MIN, uid, url, metadata }
    }

    fn attempt() -> Arc<AttemptEvent> {
        Arc::new(AttemptEvent {
            endpoint: endpoint(),
            message: MessageId::MIN,
            event_id: None,
            event_type: EventTypeName::parse("book.added").unwrap(),
            attempt: AttemptId::MIN,
            number: 1,
            response_code: 200,
            reason: None,
            started_at: Timestamp::MIN,
            next_attempt_at: None,
        })
    }

    #[tokio::test]
    async fn beyond_its_room_a_slow_callback_misses_attempts_and_nothing_else() {
        let ((goes_on, waits), (heard, told)) = (channel::<()>(), channel());
        let (waits, heard) = (Mutex::new(waits), Mutex::new(heard));
        let mut callbacks = Callbacks::default();
        callbacks.add(move |event| {
            let _ = waits.lock().unwrap().recv();
            let _ = heard.lock().unwrap().send(word(event));
        });
        let caller = Caller::start(callbacks).unwrap();
        for _ in 0..WAITING_MAX + 10 {
            caller.push(HookEvent::AttemptSucceeded(attempt()));
        }
        caller.push(HookEvent::EndpointDeleted(endpoint()));
        drop(goes_on);
        caller.shutdown(Duration::from_secs(30)).await;
        let told: Vec<&str> = told.try_iter().collect();
        // One may have been taken out to be told before the others came.
        let attempts = told.iter().filter(|word| **word == "attempt succeeded").count();
        assert!((WAITING_MAX..=WAITING_MAX + 1).contains(&attempts), "{attempts}");
        assert_eq!(told.last(), Some(&"endpoint.deleted"));
    }
}
