//! What other nodes have done, and what it means for the lanes here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cluster::News;
use crate::dispatch::Shared;
use crate::domain::lease::LeaseNumber;

/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Acts on what is told, for as long as there is anything to tell.
pub(super) async fn hear(shared: Arc<Shared>, mut news: mpsc::UnboundedReceiver<News>) {
    loop {
        let told = tokio::select! {
            () = shared.stop.cancelled() => break,
            told = news.recv() => told,
        };
        match told {
            None => break,
            Some(News::MayStart) => {
                // Retries may have become due meanwhile.
                shared.wake.notify_one();
                shared.pump();
            }
            Some(News::LeaseLost) => shared.lanes().follow(shared.store.held()),
            // Beside what else is told: there may be very many.
            Some(News::Adopted(leases)) => {
                shared.tasks.spawn(take_over(Arc::clone(&shared), leases));
            }
            Some(News::Due) => shared.note_due(shared.clock.now()),
        }
    }
}

/// Counts what stands under leases that were taken over; it comes in from disk as there is room for it, as after a start.
async fn take_over(shared: Arc<Shared>, leases: Vec<LeaseNumber>) {
    let found = loop {
        match shared.store.delivery_ready_counts_of(&leases).await {
            Ok(found) => break found,
            Err(error) => {
                tracing::warn!(%error, "what was taken over cannot be counted; it will be");
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    () = tokio::time::sleep(PAUSE_AFTER_FAILURE) => {}
                }
            }
        }
    };
    let deliveries: u64 = found.iter().map(|ready| ready.count).sum();
    if deliveries > 0 {
        tracing::info!(deliveries, "took over what another node, or an earlier run, had not delivered");
    }
    let now = shared.clock.now();
    let mut lanes = shared.lanes();
    lanes.follow(shared.store.held());
    for ready in found {
        lanes.restore(ready.application, ready.endpoint, ready.count, now);
    }
    drop(lanes);
    shared.note_due(now);
    shared.pump();
}
