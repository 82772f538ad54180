//! What becomes of the lanes when this node takes over what another held, or when others take over what it held.

use crate::dispatch::lanes::Lanes;
use crate::domain::breaker::Breaker;
use crate::domain::ids::MessageId;
use crate::domain::lease::Held;

impl Lanes {
    /// What this node holds by now. If its own lease is another than before, all that stood under the one before is lost.
    pub(super) fn follow(&mut self, held: Held) {
        if held.own != self.held.own {
            self.lose();
        }
        self.held = held;
    }

    /// Forgets what waits, in memory and on disk: it is others' by now. Attempts under way end as they will.
    ///
    /// Some of it may come back, if this node takes over what it held before: so each of those attempts is followed by a look at
    /// the disk, which tells whether its delivery is still there.
    fn lose(&mut self) {
        for lane in self.lanes.values_mut() {
            for waiting in lane.queue.drain(..) {
                lane.resident.remove(&waiting.message.id);
                self.resident -= 1;
                self.resident_bytes -= waiting.bytes();
            }
            lane.again.clone_from(&lane.resident);
            lane.on_disk = 0;
            lane.cursor = MessageId::MIN;
            // A read that is under way has not seen what comes now.
            lane.left_behind = true;
            lane.breaker = Breaker::default();
        }
        self.on_disk = 0;
    }
}
