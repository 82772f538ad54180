//! What is older than it is to be kept goes: payloads, messages with their attempts, background tasks that are over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::ids::{MessageId, TaskId};
use crate::domain::time::Timestamp;
use crate::maintenance::slices::{NotNow, SLICE, Slices};
use crate::store::write::{MessagePlace, Slice, Swept, Write, Written};

/// The wait after a round that found something: what expires meanwhile is as much as was accepted in that time.
const SOON: Duration = Duration::from_secs(1);
/// The wait after a round that found nothing.
const SELDOM: Duration = Duration::from_secs(60);
/// The messages that a slice chooses from: enough to find many that lie side by side.
const CHOICE: Slice = Slice { rows: 2_000, ..SLICE };
/// Messages that stayed because something of them was pending are looked at again after this.
const LOOK_BACK: Duration = Duration::from_secs(10 * 60);

/// Between two looks at whether enough goes, in seconds.
const LOOK_EVERY: u64 = 2;

/// Works until the engine ends.
pub(super) async fn run(slices: Arc<Slices>, retention: Duration) {
    let mut reached = Reached { place: MessagePlace::START, look_back_at: None };
    loop {
        let wait = match round(&slices, retention, &mut reached).await {
            Ok(true) => SOON,
            Ok(false) | Err(NotNow) => SELDOM,
        };
        if !slices.rest(wait).await {
            return;
        }
    }
}

/// How far the messages that are old enough have been looked at.
struct Reached {
    place: MessagePlace,
    /// When those before it are looked at again, if some of them stayed.
    look_back_at: Option<Timestamp>,
}

/// Removes all that is old enough now, and says whether anything was.
async fn round(slices: &Slices, retention: Duration, reached: &mut Reached) -> Result<bool, NotNow> {
    let now = slices.clock.now();
    let before = now.before(retention);
    let mut found = payloads(slices, now).await?;
    found |= messages(slices, now, MessageId::first_at(before), reached).await?;
    found |= tasks(slices, before).await?;
    slices.give_back().await?;
    Ok(found)
}

async fn payloads(slices: &Slices, now: Timestamp) -> Result<bool, NotNow> {
    let mut found = false;
    loop {
        let swept = sweep(slices, Write::ExpirePayloads { now, slice: SLICE }).await?;
        slices.measures.expired_payloads.increment(swept.messages.into());
        found |= swept.messages > 0;
        if swept.is_done {
            return Ok(found);
        }
    }
}

async fn messages(
    slices: &Slices,
    now: Timestamp,
    before: MessageId,
    reached: &mut Reached,
) -> Result<bool, NotNow> {
    if reached.look_back_at.is_none_or(|at| now >= at) {
        *reached = Reached { place: MessagePlace::START, look_back_at: None };
    }
    let mut found = false;
    let mut progress = Progress { seconds: None, at: Instant::now() };
    loop {
        let write = Write::ExpireMessages { before, beyond: reached.place, slice: CHOICE };
        let swept = sweep(slices, write).await?;
        slices.measures.expired_messages.increment(swept.messages.into());
        slices.measures.expired_attempts.increment(swept.attempts.into());
        found |= swept.messages > 0;
        reached.place = swept.last;
        progress.look(reached.place, slices);
        if swept.kept > 0 {
            reached.look_back_at.get_or_insert(now.after(LOOK_BACK));
        }
        if swept.is_done {
            return Ok(found);
        }
    }
}

/// How fast the messages that go grow younger: slower than time passes, and there would be more of them each day.
struct Progress {
    /// The age of the last one, in the ids' count of seconds.
    seconds: Option<u32>,
    at: Instant,
}

impl Progress {
    /// Looks at it now and then, and has the slices hurry or relax.
    fn look(&mut self, place: MessagePlace, slices: &Slices) {
        let (now, passed) = (place.message.made_at_seconds(), self.at.elapsed().as_secs());
        if passed < LOOK_EVERY {
            return;
        }
        if let Some(before) = self.seconds {
            match u64::from(now.saturating_sub(before)) < 2 * passed {
                true => slices.hurry(),
                false => slices.relax(),
            }
        }
        *self = Progress { seconds: Some(now), at: Instant::now() };
    }
}

async fn tasks(slices: &Slices, before: Timestamp) -> Result<bool, NotNow> {
    let mut found = false;
    let below = TaskId::first_at(before);
    while let Written::Removed(removed @ 1..) =
        slices.take(Write::ExpireTasks { below, before, slice: SLICE }).await?
    {
        slices.measures.expired_tasks.increment(removed.into());
        found = true;
    }
    Ok(found)
}

async fn sweep(slices: &Slices, write: Write) -> Result<Swept, NotNow> {
    match slices.take(write).await? {
        Written::Swept(swept) => Ok(swept),
        _ => Err(NotNow),
    }
}
