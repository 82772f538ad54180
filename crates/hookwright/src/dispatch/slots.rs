//! Limits that hold over all nodes: whoever has something to send reserves its places in the one row that all of them share.
//!
//! A place is a point in time, an interval of the limit after the one before it. A lane, or an application, that has run out of places
//! asks for as many as it can use within a tenth of a second; it starts nothing until they are there, and then one each.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::Shared;
use crate::dispatch::lanes::Lanes;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::rate::Rate;
use crate::domain::time::Timestamp;
use crate::store::slots::Slots;

/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Reserves what lanes want, all of it at once, for as long as there are any.
pub(super) async fn reserve(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            () = shared.slots_wanted.notified() => {}
        }
        let wanted = shared.lanes().take_wants();
        if wanted.is_empty() {
            continue;
        }
        match shared.store.slots_reserve(wanted.clone()).await {
            Ok(waits) => {
                let now = shared.clock.now();
                let mut lanes = shared.lanes();
                for (slots, wait) in wanted.iter().zip(waits) {
                    lanes.reserved(slots, now.after(wait), now);
                }
                drop(lanes);
                shared.pump();
            }
            Err(error) => {
                tracing::warn!(%error, "places of limited endpoints could not be reserved; they will be");
                shared.lanes().want_again(&wanted);
                tokio::select! {
                    () = shared.stop.cancelled() => break,
                    () = tokio::time::sleep(PAUSE_AFTER_FAILURE) => {}
                }
                shared.slots_wanted.notify_one();
            }
        }
    }
}

impl Lanes {
    /// A lane, or an application, has something to send and no places.
    pub(super) fn want(&mut self, application: ApplicationId, endpoint: Option<EndpointId>) {
        self.wants.insert((application, endpoint));
    }

    /// Whether anybody waits for places.
    pub(super) fn has_wants(&self) -> bool {
        !self.wants.is_empty()
    }

    /// What is to be reserved now. A lane that is not among it asks again when something comes in.
    pub(super) fn take_wants(&mut self) -> Vec<Slots> {
        let wants = std::mem::take(&mut self.wants);
        let slots = |(application, endpoint): (ApplicationId, Option<EndpointId>)| {
            let (rate, waiting) = match endpoint {
                Some(endpoint) => {
                    let lane = self.lanes.get(&endpoint)?;
                    (lane.rate?, lane.queue.len())
                }
                None => {
                    let lanes = self.applications.get(&application)?;
                    let waiting = lanes.ready.iter().filter_map(|endpoint| self.lanes.get(endpoint));
                    // One though nothing waits any more: it stands aside until it has a place, whatever comes in.
                    (lanes.rate?, waiting.map(|lane| lane.queue.len()).sum::<usize>().max(1))
                }
            };
            let count = rate.worth_reserving(waiting)?;
            Some(Slots { application, endpoint, count, interval: rate.interval() })
        };
        wants.into_iter().filter_map(slots).collect()
    }

    /// Places were reserved, the first of them at this time.
    pub(super) fn reserved(&mut self, slots: &Slots, first_at: Timestamp, now: Timestamp) {
        let take =
            |rate: &mut Option<Rate>| rate.iter_mut().for_each(|rate| rate.reserved(slots.count, first_at));
        match slots.endpoint {
            Some(endpoint) => {
                if let Some(lane) = self.lanes.get_mut(&endpoint) {
                    take(&mut lane.rate);
                    lane.wake_at = None;
                    self.list_if_ready(endpoint, now);
                }
            }
            None => {
                if let Some(lanes) = self.applications.get_mut(&slots.application) {
                    take(&mut lanes.rate);
                    self.offer_again(slots.application);
                }
            }
        }
    }

    fn want_again(&mut self, wanted: &[Slots]) {
        self.wants.extend(wanted.iter().map(|slots| (slots.application, slots.endpoint)));
    }
}
