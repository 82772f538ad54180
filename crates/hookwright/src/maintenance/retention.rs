//! What is older than it is to be kept goes: payloads, messages with their attempts, background tasks that are over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::day::expired_before;
use crate::domain::ids::{MessageId, TaskId};
use crate::domain::time::Timestamp;
use crate::maintenance::slices::{BRISK, NotNow, SLICE, Slices};
use crate::store::write::{MessagePlace, Slice, Swept, Write, Written};

/// The wait after a round that found something: what expires meanwhile is as much as was accepted in that time.
const SOON: Duration = Duration::from_secs(1);
/// The wait after a round that found nothing.
const SELDOM: Duration = Duration::from_secs(60);
/// The messages that a slice chooses from: enough to find many that lie side by side.
const CHOICE: Slice = Slice { rows: 2_000, ..SLICE };
/// Messages that stayed because something of them was pending are looked at again after this.
const LOOK_BACK: Duration = Duration::from_secs(10 * 60);

/// The pause after a slice while enough goes, in times of what its batch took: whoever sends messages hardly notices.
const LEISURE: u32 = 16;
/// Between two looks at whether enough goes.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Payloads that are still not all gone after this come faster than they go.
const PAYLOADS_WITHIN: Duration = Duration::from_secs(60);

/// Works until the engine ends.
pub(super) async fn run(slices: Arc<Slices>, retention: Duration, goes_by_days: bool) {
    let mut reached = Reached { place: MessagePlace::START, look_back_at: None };
    loop {
        let wait = match round(&slices, retention, goes_by_days, &mut reached).await {
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
async fn round(
    slices: &Slices,
    retention: Duration,
    goes_by_days: bool,
    reached: &mut Reached,
) -> Result<bool, NotNow> {
    let now = slices.clock.now();
    let mut found = payloads(slices, now).await?;
    let before = expired_before(now, retention, goes_by_days);
    found |= messages(slices, now, MessageId::first_at(before), reached).await?;
    found |= tasks(slices, now.before(retention)).await?;
    slices.give_back(LEISURE).await?;
    Ok(found)
}

async fn payloads(slices: &Slices, now: Timestamp) -> Result<bool, NotNow> {
    let (started, mut found) = (Instant::now(), false);
    loop {
        let pause = if started.elapsed() < PAYLOADS_WITHIN { LEISURE } else { BRISK };
        let swept = sweep(slices, Write::ExpirePayloads { now, slice: SLICE }, pause).await?;
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
    let mut pace = Pace::begin();
    loop {
        let write = Write::ExpireMessages { before, beyond: reached.place, slice: CHOICE };
        let swept = sweep(slices, write, pace.pause).await?;
        slices.measures.expired_messages.increment(swept.messages.into());
        slices.measures.expired_attempts.increment(swept.attempts.into());
        found |= swept.messages > 0;
        reached.place = swept.last;
        pace.look(reached.place);
        if swept.kept > 0 {
            reached.look_back_at.get_or_insert(now.after(LOOK_BACK));
        }
        if swept.is_done {
            return Ok(found);
        }
    }
}

/// How long the pauses of a round are: at leisure, but for when the messages that go grow younger slower than time passes.
/// There would be more of them each day.
struct Pace {
    pause: u32,
    /// When the last one that was looked at was made, in the ids' count of seconds.
    made_at: Option<u32>,
    looked_at: Instant,
}

impl Pace {
    fn begin() -> Pace {
        Pace { pause: LEISURE, made_at: None, looked_at: Instant::now() }
    }

    fn look(&mut self, place: MessagePlace) {
        let passed = self.looked_at.elapsed();
        if passed < LOOK_EVERY {
            return;
        }
        let now = place.message.made_at_seconds();
        if let Some(before) = self.made_at {
            let younger = Duration::from_secs(now.saturating_sub(before).into());
            self.pause = match younger < 2 * passed {
                true => (self.pause / 2).max(BRISK),
                false => (self.pause * 2).min(LEISURE),
            };
        }
        (self.made_at, self.looked_at) = (Some(now), Instant::now());
    }
}

async fn tasks(slices: &Slices, before: Timestamp) -> Result<bool, NotNow> {
    let mut found = false;
    let below = TaskId::first_at(before);
    while let Written::Removed(removed @ 1..) =
        slices.take(Write::ExpireTasks { below, before, slice: SLICE }, LEISURE).await?
    {
        slices.measures.expired_tasks.increment(removed.into());
        found = true;
    }
    Ok(found)
}

async fn sweep(slices: &Slices, write: Write, pause: u32) -> Result<Swept, NotNow> {
    match slices.take(write, pause).await? {
        Written::Swept(swept) => Ok(swept),
        _ => Err(NotNow),
    }
}
