//! What waits on disk because a lane is full, and how it comes in as the lane drains.
//!
//! A lane reads its ready rows on disk in passes, by message id, from a cursor that goes back to the start at the end of
//! each pass: a retry that became ready behind the cursor is found by the next pass. How many rows there are is only
//! estimated, since reads and commits overlap. That none is left is proven by a pass that took in all it saw, and
//! during which none was left on disk.

use crate::dispatch::lane::Waiting;
use crate::dispatch::lanes::{Lanes, RESIDENT_MIN, Throttle};
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::page::Page;
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
    /// So many deliveries of an endpoint were found on disk: at the start, or as another node's were taken over.
    pub(super) fn restore(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        count: u64,
        now: Timestamp,
    ) {
        self.configure(application, endpoint, None, now);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.on_disk += count;
            // A read that is under way may have begun before they were this node's.
            lane.left_behind = true;
            self.on_disk += count;
        }
        self.want_load(endpoint);
    }

    /// The next read from disk to be made, if one is wanted.
    pub(super) fn next_load(&mut self) -> Option<Load> {
        while let Some(endpoint) = self.loads.pop_front() {
            let Some(lane) = self.lanes.get_mut(&endpoint) else { continue };
            if lane.cursor == MessageId::MIN {
                // A pass begins: it will see all that was left on disk before now.
                lane.left_behind = false;
            }
            let room = self.limits.lane_resident.saturating_sub(lane.queue.len()).max(1);
            // Rows that are in memory already are read over.
            let limit = u32::try_from(room + lane.resident.len()).unwrap_or(u32::MAX);
            return Some(Load { application: lane.application, endpoint, after: lane.cursor, limit });
        }
        None
    }

    /// A delivery waits on disk alone, and is to come from there; or there may be one that no count knows of.
    pub(super) fn left_on_disk(&mut self, endpoint: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.on_disk += 1;
            lane.left_behind = true;
            self.on_disk += 1;
            self.want_load(endpoint);
        }
    }

    /// Deliveries became ready on disk, none of which is in memory, and they are to come from there.
    pub(super) fn ready_on_disk(
        &mut self,
        application: ApplicationId,
        endpoint: EndpointId,
        messages: &[MessageId],
        throttle: Option<Throttle>,
        now: Timestamp,
    ) {
        self.configure(application, endpoint, throttle, now);
        for message in messages {
            let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
            if lane.resident.contains(message) {
                // A read was faster; or its attempt is over, which is not known here yet.
                lane.again.insert(*message);
            } else {
                self.left_on_disk(endpoint);
            }
        }
    }

    /// What a read from disk brought; it may have seen what was committed up to the batch number `up_to`.
    pub(super) fn loaded(
        &mut self,
        load: Load,
        page: Page<Loaded>,
        up_to: u64,
        throttle: Throttle,
        now: Timestamp,
    ) {
        let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
        lane.loading = false;
        lane.read_up_to = lane.read_up_to.max(up_to);
        let ended = std::mem::take(&mut lane.ended_meanwhile);
        let mut cursor = page.items.last().map_or(load.after, |row| row.delivery.key.message);
        let (mut is_end, mut is_full) = (page.done, false);
        for Loaded { delivery, message, lease } in page.items {
            let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
            if lane.resident.contains(&delivery.key.message) || ended.contains(&delivery.key.message) {
                continue;
            }
            let waiting = Waiting { message, attempts: delivery.attempts, trigger: delivery.trigger, lease };
            if !self.held.has(lease) {
                // It was lost since this was asked for.
                continue;
            }
            let length = lane.queue.len();
            let is_out_of_bytes = self.resident_bytes + waiting.bytes() > self.limits.resident_bytes;
            if length >= self.limits.lane_resident.max(1) || (length >= RESIDENT_MIN && is_out_of_bytes) {
                // The next read goes on right before this row.
                cursor = predecessor(delivery.key.message);
                (is_end, is_full) = (false, true);
                break;
            }
            self.estimate(load.endpoint, |on_disk| on_disk.saturating_sub(1));
            self.admit(delivery.key, waiting, now);
        }
        let Some(lane) = self.lanes.get_mut(&load.endpoint) else { return };
        lane.cursor = if is_end { MessageId::MIN } else { cursor };
        let is_proven_empty = is_end && !lane.left_behind;
        self.estimate(load.endpoint, |on_disk| if is_proven_empty { 0 } else { on_disk.max(1) });
        self.configure(load.application, load.endpoint, Some(throttle), now);
        if !is_full {
            // Else the next read is asked for as those in its queue start: before, it would find no room again.
            self.want_load(load.endpoint);
        }
        self.list_if_ready(load.endpoint, now);
    }

    /// A read from disk failed: it will be wanted again.
    pub(super) fn load_failed(&mut self, load: Load) {
        if let Some(lane) = self.lanes.get_mut(&load.endpoint) {
            lane.loading = false;
            lane.ended_meanwhile.clear();
            self.want_load(load.endpoint);
        }
    }

    /// Asks for a read from disk once a lane has drained to a quarter, if what it brings can be taken in.
    pub(super) fn want_load(&mut self, endpoint: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        let length = lane.queue.len();
        // A lane that waits for bytes has some in its queue, and asks again as they start.
        let has_room = length < RESIDENT_MIN || self.resident_bytes < self.limits.resident_bytes;
        if lane.on_disk > 0 && !lane.loading && has_room && length <= self.limits.lane_resident / 4 {
            lane.loading = true;
            self.loads.push_back(endpoint);
        }
    }

    fn estimate(&mut self, endpoint: EndpointId, change: impl Fn(u64) -> u64) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        let before = lane.on_disk;
        lane.on_disk = change(before);
        self.on_disk = self.on_disk.saturating_sub(before) + lane.on_disk;
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
