//! Who sends when: some senders one message after the other, or all at their appointed times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::rig::RigError;
use super::BenchError;

/// One message of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Which it is, counted from 0.
    pub(super) number: u64,
    /// Whose it is, counted from 0; in an open loop each has a sender of its own.
    pub(super) sender: u64,
    /// Since when whoever waits for it waits.
    pub(super) due: Instant,
}

/// Closed loop: each of `senders` sends its next message when its last one was taken. Ends after `count`
/// messages, or at `until`. Gives how many were sent: the numbers from 0 on, without gaps.
///
/// # Errors
///
/// The first error of a message; a measurement with errors measures nothing.
pub(super) async fn closed<F, Sending>(
    senders: u32,
    count: u64,
    until: Instant,
    send: F,
) -> Result<u64, BenchError>
where
    F: Fn(Turn) -> Sending + Clone + Send + Sync + 'static,
    Sending: Future<Output = Result<(), RigError>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for sender in 0..u64::from(senders) {
        let (next, send) = (Arc::clone(&next), send.clone());
        tasks.spawn(async move {
            while Instant::now() < until {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                send(Turn { number, sender, due: Instant::now() }).await?;
            }
            Ok::<(), RigError>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(next.load(Ordering::Relaxed).min(count))
}

/// Open loop: message `n` is due at `n / rate` seconds, whatever became of those before it. A message that
/// leaves late counts from when it was due, so that a stall of the server shows in every message it delays
/// (no coordinated omission).
///
/// # Errors
///
/// The first error of a message.
pub(super) async fn open<F, Sending>(rate: u32, count: u64, send: F) -> Result<u64, BenchError>
where
    F: Fn(Turn) -> Sending + Clone + Send + Sync + 'static,
    Sending: Future<Output = Result<(), RigError>> + Send + 'static,
{
    let (appoint, mut due) = mpsc::unbounded_channel();
    // A thread of its own: timers of the runtime go off up to a millisecond late.
    let pace = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        for number in 0..count {
            let at = start + Duration::from_secs_f64(number as f64 / f64::from(rate));
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            // Nobody listens any more: the measurement was ended.
            if appoint.send((number, at)).is_err() {
                return;
            }
        }
    });
    let mut sending = JoinSet::new();
    let mut appointing = true;
    while appointing || !sending.is_empty() {
        tokio::select! {
            appointed = due.recv(), if appointing => match appointed {
                Some((number, at)) => {
                    sending.spawn(send(Turn { number, sender: number, due: at }));
                }
                None => appointing = false,
            },
            Some(ended) = sending.join_next() => ended??,
        }
    }
    pace.await?;
    Ok(count)
}
