//! What comes in: new messages from the journal, retries that are due, and rows from disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::dispatch::Shared;
use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::Throttle;
use crate::dispatch::overflow::Load;
use crate::domain::attempt::Trigger;
use crate::domain::delivery::DeliveryKey;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::journal::Committed;
use crate::store::write::{ClaimDue, Loaded, Write, Written};

/// Retries taken over in one batch.
const CLAIM_MAX: u32 = 500;
/// Retries that are due within so long are taken over together: each batch costs a sync of the disk.
const CLAIM_TOGETHER: Duration = Duration::from_millis(25);
/// Payload bytes that one read of due or waiting deliveries brings in, but for its last delivery.
const READ_BYTES: usize = 4 * 1024 * 1024;
/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How often to look after lanes that nothing happens on, and at a journal that was behind.
const LOOK_AROUND: Duration = Duration::from_secs(60);
const LOOK_AT_JOURNAL: Duration = Duration::from_millis(50);

/// Puts what was just committed into the lanes, for as long as the journal tells of it.
pub(super) async fn take_committed(
    shared: Arc<Shared>,
    mut committed: mpsc::UnboundedReceiver<Vec<Committed>>,
) {
    loop {
        let batch = tokio::select! {
            () = shared.stop.cancelled() => break,
            batch = committed.recv() => batch,
        };
        let Some(batch) = batch else { break };
        for committed in batch {
            let (message, endpoints, batch, lease) = match committed {
                Committed::Message { message, endpoints, batch, lease } => (message, endpoints, batch, lease),
                Committed::ReadyOnDisk { application, endpoint, messages } => {
                    let throttle = shared.throttle(application, endpoint).await.ok();
                    let now = shared.clock.now();
                    shared.lanes_now().ready_on_disk(application, endpoint, &messages, throttle, now);
                    continue;
                }
            };
            let application = message.application;
            let entry = match shared.catalog.application_cached(application) {
                Some(entry) => Some(entry),
                // Changed a moment ago; the limits are read again, and if that fails they stay as they are.
                None => shared.catalog.application_by_id(application).await.ok().flatten(),
            };
            let now = shared.clock.now();
            let mut lanes = shared.lanes_under(lease);
            for endpoint in endpoints {
                let throttle = entry.as_ref().map(|entry| Throttle {
                    endpoint: entry
                        .endpoint(endpoint)
                        .and_then(|entry| entry.endpoint.settings.throttle_rate),
                    application: entry.application.settings.throttle_rate,
                });
                let key = DeliveryKey { application, endpoint, message: message.id };
                let message = Arc::clone(&message);
                let waiting = Waiting { message, attempts: 0, trigger: Trigger::Scheduled, lease };
                lanes.push(key, waiting, batch, throttle, now);
            }
        }
        shared.pump();
    }
}

/// Wakes lanes that wait for a time, and takes over retries when they are due.
pub(super) async fn keep_time(shared: Arc<Shared>) {
    let mut look_around_at = shared.clock.now().after(LOOK_AROUND);
    loop {
        let now = shared.clock.now();
        // What this node could not start it leaves to others.
        let may_claim = shared.node.may_start() && !shared.lanes().is_stopped();
        let is_due = shared.next_due.load(Ordering::SeqCst) <= now.as_micros();
        if is_due && may_claim && claim_due(&shared, now).await.is_err() {
            shared.note_due(now.after(PAUSE_AFTER_FAILURE));
        }
        if now >= look_around_at {
            shared.lanes().sweep(now);
            look_around_at = now.after(LOOK_AROUND);
        }
        shared.lanes().wake(now);
        shared.pump();
        let lanes_wake = shared.watch_timers();
        let due = Timestamp::from_micros(shared.next_due.load(Ordering::SeqCst));
        let claim_at = if may_claim { due.after(CLAIM_TOGETHER) } else { now.after(PAUSE_AFTER_FAILURE) };
        let mut until = look_around_at.min(lanes_wake).min(claim_at);
        if shared.journal.is_behind() {
            until = until.min(now.after(LOOK_AT_JOURNAL));
        }
        tokio::select! {
            () = shared.stop.cancelled() => break,
            () = shared.wake.notified() => {}
            () = shared.clock.sleep_until(until) => {}
        }
    }
}

async fn claim_due(shared: &Arc<Shared>, now: Timestamp) -> Result<(), Error> {
    // Before the rows are read: what becomes known meanwhile is not overwritten.
    shared.next_due.store(i64::MAX, Ordering::SeqCst);
    let batch = shared.journal.batches() + 1;
    let claim = ClaimDue { now, limit: CLAIM_MAX, bytes: READ_BYTES };
    let written = shared.journal.write(Write::ClaimDue(claim)).await?;
    let Written::Claimed(claimed) = written else { return Ok(()) };
    for Loaded { delivery, message, lease } in claimed {
        // They are taken over: whatever fails now, they must come into their lanes.
        let throttle = shared.throttle(delivery.key.application, delivery.key.endpoint).await.ok();
        let waiting = Waiting { message, attempts: delivery.attempts, trigger: delivery.trigger, lease };
        shared.lanes_under(lease).push(delivery.key, waiting, batch, throttle, shared.clock.now());
    }
    if let Some(due) = shared.store.delivery_next_due().await? {
        shared.note_due(due);
    }
    Ok(())
}

/// Reads rows from disk for a lane that has drained.
pub(super) async fn load(shared: Arc<Shared>, load: Load) {
    match read(&shared, load).await {
        Ok((page, throttle)) => {
            let up_to = shared.journal.batches();
            shared.lanes_now().loaded(load, page, up_to, throttle, shared.clock.now());
            shared.pump();
        }
        Err(error) => {
            tracing::warn!(%error, "deliveries that wait on disk could not be read; they will be");
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE_AFTER_FAILURE) => {}
            }
            shared.lanes().load_failed(load);
            shared.wake.notify_one();
        }
    }
}

async fn read(shared: &Arc<Shared>, load: Load) -> Result<(Page<Loaded>, Throttle), Error> {
    // What ended a moment ago must be gone from disk before it is read, or it would be delivered again.
    shared.journal.write(Write::Flush).await?;
    let Load { application, endpoint, after, limit } = load;
    let page = shared.store.delivery_load(application, endpoint, after, limit, READ_BYTES).await?;
    Ok((page, shared.throttle(application, endpoint).await?))
}
