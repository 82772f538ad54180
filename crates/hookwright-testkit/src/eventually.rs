//! Polls for a state that nothing announces.

use std::{fmt::Debug, time::Duration};

use tokio::time::Instant;

use crate::DEADLINE;

/// The first pause between two probes; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// The longest pause between two probes: short enough that a test hardly notices it.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Calls `probe` until it gives `Ok`, and returns that value.
///
/// Only for what emits no event: a row in a database, a counter behind an API, a file written by another process.
/// A request that arrives, a line that is printed or a process that ends is an event, and has its own wait.
///
/// # Panics
///
/// After [`DEADLINE`], with `what` was awaited and the last `Err`.
pub async fn eventually<T, E: Debug>(what: &str, probe: impl AsyncFnMut() -> Result<T, E>) -> T {
    eventually_within(DEADLINE, what, probe).await
}

/// [`eventually`] with another bound, for instance for what takes minutes by design.
///
/// # Panics
///
/// After `bound`, with `what` was awaited and the last `Err`.
pub async fn eventually_within<T, E: Debug>(
    bound: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    let mut pause = PAUSE_MIN;
    let mut last = None;
    while start.elapsed() < bound {
        // A probe may hang as well; it shares the bound.
        match tokio::time::timeout(bound.saturating_sub(start.elapsed()), probe()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(seen)) => last = Some(seen),
            Err(_) => break,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    match last {
        Some(seen) => panic!("waited {bound:?} for {what}; last saw {seen:?}"),
        None => panic!("waited {bound:?} for {what}; no probe ended"),
    }
}
