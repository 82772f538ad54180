//! What other nodes have done, and what it means for the lanes here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cluster::News;
use crate::dispatch::Shared;
use crate::dispatch::lanes::Lanes;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::lease::LeaseNumber;
use crate::domain::time::Timestamp;
use crate::store::change::Change;

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
            // Retries may have become due meanwhile.
            Some(News::MayStart) => shared.wake.notify_one(),
            Some(News::Changed(changes)) => {
                // Of its own changes each node has told its lanes already.
                for told in changes.iter().filter(|told| !told.is_own) {
                    changed(&shared, told.change).await;
                }
            }
            // It takes a read for each application: what is told meanwhile does not wait for that.
            Some(News::AnythingChanged) => drop(shared.tasks.spawn(anything_changed(Arc::clone(&shared)))),
            Some(News::LeaseLost) => shared.lanes().follow(shared.store.held()),
            // Beside what else is told: there may be very many.
            Some(News::Adopted(leases)) => drop(shared.tasks.spawn(take_over(Arc::clone(&shared), leases))),
            Some(News::Due) => shared.note_due(shared.clock.now()),
        }
        shared.pump();
    }
}

async fn changed(shared: &Arc<Shared>, change: Change) {
    match change {
        Change::Application(application) => {
            if !shared.lanes().has_any_of(application) {
                return;
            }
            // What cannot be read now is set when the next delivery comes in.
            if let Ok(Some(entry)) = shared.catalog.application_by_id(application).await {
                let rate = entry.application.settings.throttle_rate;
                shared.lanes().reconfigure_application(application, rate);
            }
        }
        Change::Endpoint(application, endpoint) => {
            shared.health.remove(endpoint);
            if !shared.lanes().has(endpoint) {
                return;
            }
            if let Ok(throttle) = shared.throttle(application, endpoint).await {
                let now = shared.clock.now();
                shared.lanes().reconfigure_endpoint(endpoint, throttle.endpoint, now);
            }
        }
        Change::EndpointOff(application, endpoint, at) => off(shared, application, endpoint, at).await,
        Change::Expunged(application, message) => {
            let now = shared.clock.now();
            let mut lanes = shared.lanes();
            let endpoints = lanes.of(application);
            lanes.expunge(message, endpoints.into_iter(), now);
            drop(lanes);
            // Those that wait for a retry were made due.
            shared.note_due(now);
        }
        Change::Nothing
        | Change::Operational(_)
        | Change::EventTypes(_)
        | Change::Source(..)
        | Change::Tokens => {}
    }
}

/// An endpoint was disabled or deleted: what was accepted for it until then ends here too.
async fn off(shared: &Arc<Shared>, application: ApplicationId, endpoint: EndpointId, at: Timestamp) {
    if !shared.lanes().has(endpoint) {
        shared.health.remove(endpoint);
        return;
    }
    let up_to = if at == Timestamp::MAX { MessageId::MAX } else { MessageId::first_at(at) };
    let entry = shared.catalog.application_by_id(application).await;
    let is_off = entry.map(|entry| {
        let endpoint = entry.as_ref().and_then(|entry| entry.endpoint(endpoint));
        endpoint.is_none_or(|entry| entry.endpoint.disabled.is_some())
    });
    if let Ok(true) = is_off {
        shared.end_deliveries(application, endpoint, up_to);
        return;
    }
    // Somebody has enabled it since, and may have sent anything once more: what is on disk is what is pending.
    shared.health.remove(endpoint);
    let mut lanes = shared.lanes();
    lanes.clear(endpoint, up_to);
    lanes.left_on_disk(endpoint);
}

/// Reads all limits again. Whatever else may have changed is looked up at each attempt.
async fn anything_changed(shared: Arc<Shared>) {
    let lanes: Vec<(ApplicationId, EndpointId)> = shared.lanes().all();
    for (application, endpoint) in lanes {
        if shared.stop.is_cancelled() {
            return;
        }
        // What cannot be read now is set when the next delivery comes in.
        let Ok(throttle) = shared.throttle(application, endpoint).await else { continue };
        shared.lanes().reread(application, endpoint, throttle, shared.clock.now());
    }
    shared.pump();
}

impl Lanes {
    /// Whether anything of this endpoint is here, or was a short while ago.
    fn has(&self, endpoint: EndpointId) -> bool {
        self.lanes.contains_key(&endpoint)
    }

    fn has_any_of(&self, application: ApplicationId) -> bool {
        self.lanes.values().any(|lane| lane.application == application)
    }

    /// The endpoints of an application that have a lane.
    fn of(&self, application: ApplicationId) -> HashSet<EndpointId> {
        let lanes = self.lanes.iter().filter(|(_, lane)| lane.application == application);
        lanes.map(|(endpoint, _)| *endpoint).collect()
    }

    fn all(&self) -> Vec<(ApplicationId, EndpointId)> {
        self.lanes.iter().map(|(endpoint, lane)| (lane.application, *endpoint)).collect()
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
