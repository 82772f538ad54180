//! The engine's metrics: handles that are looked up once, so that counting costs one addition.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit};

use crate::domain::inbound::Verdict;

/// What the engine counts. Never labelled by endpoint or message: those are without number.
pub(crate) struct Measures {
    pub(crate) messages: Counter,
    pub(crate) attempts_succeeded: Counter,
    pub(crate) attempts_failed: Counter,
    pub(crate) deliveries_given_up: Counter,
    pub(crate) endpoints_disabled: Counter,
    pub(crate) attempt_seconds: Histogram,
    pub(crate) first_attempt_delay_seconds: Histogram,
    pub(crate) commits: Counter,
    pub(crate) commit_seconds: Histogram,
    pub(crate) slice_seconds: Histogram,
    pub(crate) slice_cpu_seconds: Histogram,
    pub(crate) commit_failures: Counter,
    pub(crate) inbound_verified: Counter,
    pub(crate) inbound_duplicates: Counter,
    pub(crate) inbound_handshakes: Counter,
    pub(crate) inbound_refused: Counter,
    pub(crate) inbound_throttled: Counter,
    pub(crate) confirmed: Counter,
    pub(crate) confirmation_refused: Counter,
    pub(crate) unconfirmed: Counter,
    pub(crate) expired_inbound: Counter,
    pub(crate) expired_messages: Counter,
    pub(crate) expired_attempts: Counter,
    pub(crate) expired_payloads: Counter,
    pub(crate) expired_tasks: Counter,
    pub(crate) erased_rows: Counter,
    pub(crate) pages_given_back: Counter,
}

/// What is under way right now, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Attempts under way.
    pub attempts_under_way: usize,
    /// Deliveries that wait in memory.
    pub resident: usize,
    /// Payload bytes that wait in memory.
    pub resident_bytes: usize,
    /// Ready deliveries that wait on disk for room in memory.
    pub on_disk: u64,
    /// Endpoints with anything in memory.
    pub lanes: usize,
    /// Outcomes of attempts that wait to be written; many when the database is gone.
    pub outcomes_waiting: usize,
    /// Whether the database took the last batch that was written.
    pub is_writing: bool,
    /// How long ago the last heartbeat was sent that the database answered; `None` where there is one node alone. Beyond 0.9 s no
    /// attempt starts.
    pub heartbeat_age: Option<Duration>,
}

impl Measures {
    /// Counts a request whose sender was asked until this verdict; without one it is asked again.
    pub(crate) fn confirmation(&self, verdict: Option<Verdict>) {
        match verdict {
            Some(Verdict::Confirmed) => self.confirmed.increment(1),
            Some(Verdict::Refused) => self.confirmation_refused.increment(1),
            Some(Verdict::Unconfirmed) => self.unconfirmed.increment(1),
            _ => {}
        }
    }

    /// Registers all of it with the recorder that the host program installed, if it did.
    pub(crate) fn new() -> Measures {
        metrics::describe_counter!("hookwright_messages_total", Unit::Count, "Messages accepted.");
        metrics::describe_counter!(
            "hookwright_attempts_total",
            Unit::Count,
            "Attempts that ended, by outcome."
        );
        metrics::describe_counter!(
            "hookwright_deliveries_given_up_total",
            Unit::Count,
            "Deliveries that ended without a success."
        );
        metrics::describe_counter!(
            "hookwright_endpoints_disabled_total",
            Unit::Count,
            "Endpoints disabled because of what they answered."
        );
        metrics::describe_histogram!(
            "hookwright_attempt_seconds",
            Unit::Seconds,
            "From the start of an attempt to its end."
        );
        metrics::describe_histogram!(
            "hookwright_first_attempt_delay_seconds",
            Unit::Seconds,
            "From accepting a message to the start of the first attempt of a delivery."
        );
        metrics::describe_counter!(
            "hookwright_commits_total",
            Unit::Count,
            "Batches written to the database."
        );
        metrics::describe_histogram!(
            "hookwright_commit_seconds",
            Unit::Seconds,
            "What writing a batch took, the disk's part included."
        );
        metrics::describe_histogram!(
            "hookwright_slice_seconds",
            Unit::Seconds,
            "A slice of removing what has expired or was deleted, within its batch."
        );
        metrics::describe_histogram!(
            "hookwright_slice_cpu_seconds",
            Unit::Seconds,
            "What of a slice was work; the rest it waited for a processor or the disk. SQLite alone."
        );
        metrics::describe_counter!(
            "hookwright_commit_failures_total",
            Unit::Count,
            "Batches that the database did not take."
        );
        metrics::describe_counter!(
            "hookwright_inbound_total",
            Unit::Count,
            "Requests to sources, by verdict."
        );
        metrics::describe_counter!(
            "hookwright_confirmations_total",
            Unit::Count,
            "Requests to sources whose sender was asked whether they are true, by verdict."
        );
        describe_removals();
        describe_snapshot();
        metrics::describe_gauge!(
            "hookwright_heartbeat_age_seconds",
            Unit::Seconds,
            "Time since the last heartbeat was sent that PostgreSQL answered; beyond 0.9 no attempt starts."
        );
        Measures {
            messages: metrics::counter!("hookwright_messages_total"),
            attempts_succeeded: metrics::counter!("hookwright_attempts_total", "outcome" => "success"),
            attempts_failed: metrics::counter!("hookwright_attempts_total", "outcome" => "fail"),
            deliveries_given_up: metrics::counter!("hookwright_deliveries_given_up_total"),
            endpoints_disabled: metrics::counter!("hookwright_endpoints_disabled_total"),
            attempt_seconds: metrics::histogram!("hookwright_attempt_seconds"),
            first_attempt_delay_seconds: metrics::histogram!("hookwright_first_attempt_delay_seconds"),
            commits: metrics::counter!("hookwright_commits_total"),
            commit_seconds: metrics::histogram!("hookwright_commit_seconds"),
            slice_seconds: metrics::histogram!("hookwright_slice_seconds"),
            slice_cpu_seconds: metrics::histogram!("hookwright_slice_cpu_seconds"),
            commit_failures: metrics::counter!("hookwright_commit_failures_total"),
            inbound_verified: metrics::counter!("hookwright_inbound_total", "verdict" => "verified"),
            inbound_duplicates: metrics::counter!("hookwright_inbound_total", "verdict" => "duplicate"),
            inbound_handshakes: metrics::counter!("hookwright_inbound_total", "verdict" => "handshake"),
            inbound_refused: metrics::counter!("hookwright_inbound_total", "verdict" => "refused"),
            inbound_throttled: metrics::counter!("hookwright_inbound_total", "verdict" => "throttled"),
            confirmed: metrics::counter!("hookwright_confirmations_total", "verdict" => "confirmed"),
            confirmation_refused: metrics::counter!("hookwright_confirmations_total", "verdict" => "refused"),
            unconfirmed: metrics::counter!("hookwright_confirmations_total", "verdict" => "unconfirmed"),
            expired_inbound: metrics::counter!("hookwright_expired_inbound_total"),
            expired_messages: metrics::counter!("hookwright_expired_messages_total"),
            expired_attempts: metrics::counter!("hookwright_expired_attempts_total"),
            expired_payloads: metrics::counter!("hookwright_expired_payloads_total"),
            expired_tasks: metrics::counter!("hookwright_expired_tasks_total"),
            erased_rows: metrics::counter!("hookwright_erased_rows_total"),
            pages_given_back: metrics::counter!("hookwright_pages_given_back_total"),
        }
    }
}

/// What maintenance removes.
fn describe_removals() {
    metrics::describe_counter!(
        "hookwright_expired_inbound_total",
        Unit::Count,
        "Requests to sources removed because they were older than the retention."
    );
    metrics::describe_counter!(
        "hookwright_expired_messages_total",
        Unit::Count,
        "Messages removed because they were older than the retention."
    );
    metrics::describe_counter!(
        "hookwright_expired_attempts_total",
        Unit::Count,
        "Attempts removed with their messages."
    );
    metrics::describe_counter!(
        "hookwright_expired_payloads_total",
        Unit::Count,
        "Payloads removed before their messages, as their senders asked for."
    );
    metrics::describe_counter!(
        "hookwright_expired_tasks_total",
        Unit::Count,
        "Background tasks removed because they have been over for longer than the retention."
    );
    metrics::describe_counter!(
        "hookwright_erased_rows_total",
        Unit::Count,
        "Rows of deleted applications removed."
    );
    metrics::describe_counter!(
        "hookwright_pages_given_back_total",
        Unit::Count,
        "Unused pages of the database's file given back to the file system."
    );
}

/// What is under way.
fn describe_snapshot() {
    let gauges = [
        ("hookwright_attempts_under_way", "Attempts under way."),
        ("hookwright_deliveries_in_memory", "Deliveries that wait in memory."),
        ("hookwright_deliveries_in_memory_bytes", "Payload bytes of the deliveries that wait in memory."),
        ("hookwright_deliveries_on_disk", "Deliveries that could start and wait on disk for room in memory."),
        ("hookwright_lanes", "Endpoints with anything in memory."),
        ("hookwright_outcomes_waiting", "Outcomes of attempts that wait to be written."),
        (
            "hookwright_database_takes_batches",
            "1 if the database took the last batch that was written, 0 if not.",
        ),
    ];
    for (name, description) in gauges {
        metrics::describe_gauge!(name, Unit::Count, description);
    }
}

impl Snapshot {
    /// Sets the gauges of the recorder that the host program installed, if it did: to be called when they are read.
    pub fn record(&self) {
        metrics::gauge!("hookwright_attempts_under_way").set(self.attempts_under_way as f64);
        metrics::gauge!("hookwright_deliveries_in_memory").set(self.resident as f64);
        metrics::gauge!("hookwright_deliveries_in_memory_bytes").set(self.resident_bytes as f64);
        metrics::gauge!("hookwright_deliveries_on_disk").set(self.on_disk as f64);
        metrics::gauge!("hookwright_lanes").set(self.lanes as f64);
        metrics::gauge!("hookwright_outcomes_waiting").set(self.outcomes_waiting as f64);
        metrics::gauge!("hookwright_database_takes_batches").set(f64::from(u8::from(self.is_writing)));
        if let Some(age) = self.heartbeat_age {
            metrics::gauge!("hookwright_heartbeat_age_seconds").set(age.as_secs_f64());
        }
    }
}
