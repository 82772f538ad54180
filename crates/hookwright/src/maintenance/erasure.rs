//! The rows of deleted applications go, as soon as they are deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::domain::ids::ApplicationId;
use crate::maintenance::slices::{NotNow, SLICE, Slices};
use crate::store::write::{KeyPlace, Write, Written};

/// How often deleted applications are looked at again: messages and attempts may have been under way.
const EVERY: Duration = Duration::from_millis(3_500);

/// Works until the engine ends; `deleted` tells of an application that was deleted.
pub(super) async fn run(slices: Arc<Slices>, deleted: Arc<Notify>) {
    loop {
        // What fails now is tried again.
        let _ = erase_all(&slices).await;
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

/// Removes all there is of deleted applications.
async fn erase_all(slices: &Slices) -> Result<(), NotNow> {
    let mut found = false;
    while pass(slices).await? > 0 {
        found = true;
    }
    if found {
        forget_keys(slices).await?;
        overwrite(slices).await?;
        slices.give_back().await?;
    }
    Ok(())
}

/// Looks at all deleted applications once, and says how many rows went.
async fn pass(slices: &Slices) -> Result<u64, NotNow> {
    let (mut from, mut rows) = (ApplicationId::MIN, 0);
    loop {
        let write = Write::Erase { now: slices.clock.now(), from, slice: SLICE };
        let Written::Erased(erased) = slices.take(write).await? else { return Err(NotNow) };
        slices.measures.erased_rows.increment(erased.rows.into());
        rows += u64::from(erased.rows);
        match erased.next {
            Some(next) => from = next,
            None => return Ok(rows),
        }
    }
}

/// What the database itself has left of the rows is overwritten.
async fn overwrite(slices: &Slices) -> Result<(), NotNow> {
    let mut from = 0;
    while let Written::Overwritten(Some(next)) = slices.take(Write::Overwrite { from, slice: SLICE }).await? {
        from = next;
    }
    Ok(())
}

/// Keys do not tell whose they are, but which message they made.
async fn forget_keys(slices: &Slices) -> Result<(), NotNow> {
    let mut beyond = KeyPlace::START;
    while let Written::LookedAt(Some(last)) = slices.take(Write::ForgetKeys { beyond, slice: SLICE }).await? {
        beyond = last;
    }
    Ok(())
}
