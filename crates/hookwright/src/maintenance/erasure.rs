//! The rows of deleted applications go, as soon as they are deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::domain::ids::ApplicationId;
use crate::maintenance::slices::{BRISK, NotNow, SLICE, Slices};
use crate::store::write::{KeyPlace, Write, Written};

/// How often deleted applications are looked at again: messages and attempts may have been under way.
const EVERY: Duration = Duration::from_millis(3_500);

/// Works until the engine ends; `deleted` tells of an application that was deleted.
pub(super) async fn run(slices: Arc<Slices>, deleted: Arc<Notify>) {
    // An earlier run may have ended in the middle.
    let mut is_certain = false;
    loop {
        // What fails now is tried again.
        is_certain |= erase_all(&slices, is_certain).await.is_ok();
        tokio::select! {
            goes_on = slices.rest(EVERY) => {
                if !goes_on {
                    return;
                }
            }
            () = deleted.notified() => {}
        }
    }
}

/// Removes all there is of deleted applications; looks for what the database left of them if there was anything, and
/// unless it `is_certain` that this was done.
async fn erase_all(slices: &Slices, is_certain: bool) -> Result<(), NotNow> {
    let first = pass(slices).await?;
    let mut last = first;
    while last.rows > 0 {
        last = pass(slices).await?;
    }
    if first.rows > 0 || (first.has_any && !is_certain) {
        forget_keys(slices).await?;
        overwrite(slices).await?;
        slices.give_back(BRISK).await?;
    }
    Ok(())
}

/// What one look at all deleted applications found.
#[derive(Clone, Copy)]
struct Pass {
    rows: u64,
    has_any: bool,
}

async fn pass(slices: &Slices) -> Result<Pass, NotNow> {
    let (mut from, mut rows) = (ApplicationId::MIN, 0);
    loop {
        let write = Write::Erase { now: slices.clock.now(), from, slice: SLICE };
        let Written::Erased(erased) = slices.take(write, BRISK).await? else { return Err(NotNow) };
        slices.measures.erased_rows.increment(erased.rows.into());
        rows += u64::from(erased.rows);
        match erased.next {
            Some(next) => from = next,
            None => return Ok(Pass { rows, has_any: erased.has_any }),
        }
    }
}

/// What the database itself has left of the rows is overwritten.
async fn overwrite(slices: &Slices) -> Result<(), NotNow> {
    let mut from = 0;
    while let Written::Overwritten(Some(next)) =
        slices.take(Write::Overwrite { from, slice: SLICE }, BRISK).await?
    {
        from = next;
    }
    Ok(())
}

/// Keys do not tell whose they are, but which message they made.
async fn forget_keys(slices: &Slices) -> Result<(), NotNow> {
    let mut beyond = KeyPlace::START;
    while let Written::LookedAt(Some(last)) =
        slices.take(Write::ForgetKeys { beyond, slice: SLICE }, BRISK).await?
    {
        beyond = last;
    }
    Ok(())
}
