//! The operator is told: a command is run for each operational event, of all organisations, one at a time.

mod program; // which program, and whether it is there
mod run; // one run of it

use std::sync::Arc;
use std::time::Duration;

use hookwright::HookEvent;
use metrics::{Counter, Unit};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};
use tokio::task::JoinHandle;

pub(crate) use program::Program;

/// Events that wait for the command; it has ten seconds for each. Beyond that they are left out.
const WAITING_MAX: usize = 1_000;

/// Runs the command for the events it is given.
pub(crate) struct Notifier {
    waiting: Sender<Notice>,
    running: JoinHandle<()>,
    measures: Arc<Measures>,
}

/// What the command is told of.
struct Notice {
    /// The event type, such as `endpoint.disabled`.
    event_type: &'static str,
    /// The event, as one line of JSON.
    json: String,
}

struct Measures {
    good: Counter,
    failed: Counter,
    left_out: Counter,
}

impl Notifier {
    /// Runs `program` from now on. To be called on the runtime that it is to run on.
    pub(crate) fn start(program: Program) -> Notifier {
        metrics::describe_counter!(
            "hookwright_notifications_total",
            Unit::Count,
            "Runs of the notify command, and events it was not run for, by outcome."
        );
        let counter =
            |outcome: &'static str| metrics::counter!("hookwright_notifications_total", "outcome" => outcome);
        let measures = Arc::new(Measures {
            good: counter("success"),
            failed: counter("fail"),
            left_out: counter("left_out"),
        });
        let (waiting, notices) = mpsc::channel(WAITING_MAX);
        let running = tokio::spawn(run_for_each(program, notices, Arc::clone(&measures)));
        Notifier { waiting, running, measures }
    }

    /// What the engine is to call for every event. It never waits.
    pub(crate) fn callback(&self) -> impl Fn(&HookEvent) + Send + Sync + 'static {
        // Weak: the command's task ends once nobody can give it anything more.
        let (waiting, measures) = (self.waiting.downgrade(), Arc::clone(&self.measures));
        move |event| {
            let (Some(notice), Some(waiting)) = (Notice::of(event), waiting.upgrade()) else { return };
            if let Err(TrySendError::Full(notice)) = waiting.try_send(notice) {
                measures.left_out.increment(1);
                tracing::warn!(
                    event_type = notice.event_type,
                    "{WAITING_MAX} events wait for the notify command, so it is not run for this one"
                );
            }
        }
    }

    /// Runs the command for what waits, for at most `grace`; then the run under way is killed.
    pub(crate) async fn shutdown(self, grace: Duration) {
        let Notifier { waiting, mut running, .. } = self;
        drop(waiting);
        if tokio::time::timeout(grace, &mut running).await.is_err() {
            tracing::warn!(
                "the notify command did not end within the grace period; it is not run for what is left"
            );
            // The child is killed as its handle is dropped.
            running.abort();
            let _ = running.await;
        }
    }
}

impl Notice {
    fn of(event: &HookEvent) -> Option<Notice> {
        let event_type = event.operational_type()?;
        let mut payload: Value = serde_json::from_str(&event.operational_payload()?).ok()?;
        payload["organizationId"] = json!(event.organisation().to_string());
        Some(Notice { event_type, json: format!("{payload}\n") })
    }
}

async fn run_for_each(program: Program, mut notices: Receiver<Notice>, measures: Arc<Measures>) {
    while let Some(notice) = notices.recv().await {
        match run::run(&program, &notice).await {
            Ok(()) => measures.good.increment(1),
            Err(error) => {
                measures.failed.increment(1);
                tracing::warn!(
                    event_type = notice.event_type, %error,
                    "the notify command failed for the event {}: {error}", notice.event_type
                );
            }
        }
    }
}
