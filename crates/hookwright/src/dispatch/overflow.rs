//! What waits on disk because a lane is full, and how it comes in as the lane drains.
//!
//! A lane counts its ready rows on disk and reads them in passes, by message id, from a cursor that goes back to the
//! start at the end of each pass: a retry that became ready behind the cursor is found by the next pass.

use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::{Lanes, RESIDENT_MIN, Throttle};
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::time::Timestamp;
use crate::store::write::Loaded;

/// A read from disk to be made for a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) application: ApplicationId,
    pub(super) endpoint: EndpointId,
    /// Only messages beyond this one.
    pub(super) after: MessageId,
    pub(super) limit: u32,
}

impl Lanes {
    /// So many deliveries of an endpoint were found on disk at the start.
    pub(super) fn restore(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        count: u64,
        now: Timestamp,
    ) {
        self.configure(application, endpoint, Throttle::default(), now);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.on_disk += count;
            self.on_disk += count;
        }
        self.want_load(endpoint);
    }

    /// The next read from disk to be made, if one is wanted.
    pub(super) fn next_load(&mut self) -> Option<Load> {
        while let Some(endpoint) = self.loads.pop_front() {
            let Some(lane) = self.lanes.get(&endpoint) else { continue };
            let room = self.limits.lane_resident.saturating_sub(lane.queue.len()).max(1);
            // Rows that are in memory already are read over.
            let limit = u32::try_from(room + lane.resident.len()).unwrap_or(u32::MAX);
            return Some(Load { application: lane.application, endpoint, after: lane.cursor, limit });
        }
        None
    }

    /// A delivery that was under way is to come from disk again.
    pub(super) fn left_on_disk(&mut self, endpoint: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.on_disk += 1;
            self.on_disk += 1;
        }
    }

    /// What a read from disk brought.
    pub(super) fn loaded(&mut self, load: Load, rows: Vec<Loaded>, throttle: Throttle, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
        lane.loading = false;
        let at_end = u32::try_from(rows.len()).is_ok_and(|count| count < load.limit);
        let mut cursor = rows.last().map_or(lane.cursor, |row| row.delivery.key.message);
        let mut admitted = 0;
        for Loaded { delivery, message } in rows {
            let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
            if lane.resident.contains(&delivery.key.message) {
                continue;
            }
            let waiting = Waiting { message, attempts: delivery.attempts, trigger: delivery.trigger };
            let full = self.resident_bytes + waiting.bytes() > self.limits.resident_bytes;
            if lane.queue.len() >= RESIDENT_MIN && full {
                // The next read goes on right before this row.
                cursor = predecessor(delivery.key.message);
                break;
            }
            lane.on_disk = lane.on_disk.saturating_sub(1);
            self.on_disk = self.on_disk.saturating_sub(1);
            admitted += 1;
            self.admit(delivery.key, waiting, now);
        }
        let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
        lane.found_in_pass |= admitted > 0;
        lane.cursor = cursor;
        if at_end {
            if !lane.found_in_pass && load.after == MessageId::MIN {
                // The count said there was more: whoever removed rows did not tell. There is nothing to wait for.
                self.on_disk = self.on_disk.saturating_sub(lane.on_disk);
                lane.on_disk = 0;
            }
            // Retries that became ready behind the cursor are found from the first row on.
            lane.cursor = MessageId::MIN;
            lane.found_in_pass = false;
        }
        self.configure(load.application, load.endpoint, throttle, now);
        self.want_load(load.endpoint);
        self.list_if_ready(load.endpoint, now);
    }

    /// A read from disk failed: it will be wanted again.
    pub(super) fn load_failed(&mut self, load: Load) {
        if let Some(lane) = self.lanes.get_mut(&load.endpoint) {
            lane.loading = false;
            self.want_load(load.endpoint);
        }
    }

    /// Asks for a read from disk once a lane has drained to a quarter.
    pub(super) fn want_load(&mut self, endpoint: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        if lane.on_disk > 0 && !lane.loading && lane.queue.len() <= self.limits.lane_resident / 4 {
            lane.loading = true;
            self.loads.push_back(endpoint);
        }
    }
}

/// The highest message id below `id`.
fn predecessor(id: MessageId) -> MessageId {
    let mut bytes = *id.as_bytes();
    for byte in bytes.iter_mut().rev() {
        let (previous, borrowed) = byte.overflowing_sub(1);
        *byte = previous;
        if !borrowed {
            break;
        }
    }
    MessageId::from_bytes(bytes)
}
