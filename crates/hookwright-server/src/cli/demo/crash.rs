//! Third act: the server is killed half-way through a lot of messages, and none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::super::rig::{Api, RigError, accepted, grouped};
use super::DemoError;
use super::inbox::Count;
use super::stage::{APPLICATION, STOCK_CHANGED, Stage};

/// Senders at the same time.
const SENDERS: usize = 8;
/// How long a sender waits before it repeats a request that got no answer.
const REPEAT_AFTER: Duration = Duration::from_millis(25);
/// How long all of it may take.
const SENT_WITHIN: Duration = Duration::from_secs(60);
/// How long the last arrivals are waited for.
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);
/// Without an arrival for so long, late duplicates are not to be expected any more.
const QUIET: Duration = Duration::from_millis(300);
/// How often arrivals are looked at.
const POLL: Duration = Duration::from_millis(20);

/// What came of the lot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    sent: u64,
    accepted: u64,
    count: Count,
    lost: u64,
}

/// What the senders share.
struct Lot {
    api: Api,
    path: String,
    size: u64,
    next: AtomicU64,
    accepted: Vec<AtomicBool>,
    accepted_count: AtomicU64,
    repeated: AtomicU64,
    half_way: Notify,
    deadline: Instant,
}

/// Sends the lot, kills the server half-way, starts it again, and counts.
pub(super) async fn play(stage: &mut Stage) -> Result<Verdict, DemoError> {
    let screen = stage.screen;
    screen.act(3, &format!("{} messages, and a server that is killed half-way", grouped(stage.messages)))?;
    screen.line(format_args!(
        "{SENDERS} senders; what gets no answer is sent again with the same idempotency key"
    ))?;
    let lot = Arc::new(Lot::new(stage.server.api().clone(), stage.messages));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let lot = Arc::clone(&lot);
        senders.spawn(async move { lot.send().await });
    }

    tokio::select! {
        () = lot.half_way.notified() => {}
        // A sender that ends before was refused.
        Some(ended) = senders.join_next() => ended??,
    }
    stage.server.kill().await?;
    let killed = Instant::now();
    screen.field("SIGKILL", format_args!("after {} were accepted", grouped(lot.accepted_count())))?;
    stage.server = stage.setup.start().await?;
    let down = killed.elapsed().as_secs_f64();
    screen.field("started again", format_args!("on the same database, ready after {down:.1} s"))?;
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    screen.field("sent again", format_args!("{} requests", grouped(lot.repeated.load(Ordering::Relaxed))))?;

    let verdict = count(stage, &lot).await;
    if verdict.check().is_ok() {
        screen.good(verdict)?;
    } else {
        screen.bad(verdict)?;
    }
    Ok(verdict)
}

impl Verdict {
    /// Whether all went well.
    ///
    /// # Errors
    ///
    /// [`DemoError::Lost`] if something was accepted and did not arrive, or was not accepted.
    pub(super) fn check(&self) -> Result<(), DemoError> {
        let refused = self.sent - self.accepted;
        if self.lost == 0 && refused == 0 {
            return Ok(());
        }
        Err(DemoError::Lost { lost: self.lost, refused })
    }

    /// For programs.
    pub(super) fn to_json(self) -> serde_json::Value {
        json!({
            "accepted": self.accepted,
            "arrived": self.count.arrived,
            "duplicates": self.count.duplicates,
            "lost": self.lost,
        })
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "accepted {} · arrived {} · duplicates {} · lost {}",
            grouped(self.accepted),
            grouped(self.count.arrived),
            grouped(self.count.duplicates),
            grouped(self.lost)
        )
    }
}

impl Lot {
    fn new(api: Api, size: u64) -> Lot {
        Lot {
            api,
            path: format!("/api/v1/app/{APPLICATION}/msg"),
            size,
            next: AtomicU64::new(0),
            accepted: (0..size).map(|_| AtomicBool::new(false)).collect(),
            accepted_count: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            half_way: Notify::new(),
            deadline: Instant::now() + SENT_WITHIN,
        }
    }

    fn accepted_count(&self) -> u64 {
        self.accepted_count.load(Ordering::Relaxed)
    }

    /// One sender: takes the next number until there is none.
    async fn send(&self) -> Result<(), RigError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(accepted) = usize::try_from(number).ok().and_then(|index| self.accepted.get(index))
            else {
                return Ok(());
            };
            if !self.send_one(number).await? {
                return Ok(());
            }
            accepted.store(true, Ordering::Relaxed);
            if self.accepted_count.fetch_add(1, Ordering::Relaxed) + 1 == self.size / 2 {
                self.half_way.notify_one();
            }
        }
    }

    /// Sends one message until it is accepted; `false` if time is up.
    async fn send_one(&self, number: u64) -> Result<bool, RigError> {
        let key = format!("demo-{number}");
        let payload = json!({"type": STOCK_CHANGED, "number": number});
        let body = Bytes::from(json!({"eventType": STOCK_CHANGED, "payload": payload}).to_string());
        while Instant::now() < self.deadline {
            match self.api.call(Method::POST, &self.path, body.clone(), Some(&key)).await {
                Ok((status, answer)) if !status.is_server_error() => {
                    return accepted(status, &self.path, &answer).map(|()| true);
                }
                // No answer: the message may or may not be on disk, and only the same key makes asking again safe.
                Ok(_) | Err(_) => {
                    self.repeated.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(REPEAT_AFTER).await;
                }
            }
        }
        Ok(false)
    }

    fn accepted_numbers(&self) -> impl Iterator<Item = u64> {
        (0..self.size)
            .zip(&self.accepted)
            .filter(|(_, accepted)| accepted.load(Ordering::Relaxed))
            .map(|(n, _)| n)
    }
}

/// Waits until all that was accepted has arrived, or time is up, and no more duplicates come.
async fn count(stage: &Stage, lot: &Lot) -> Verdict {
    let stock = stage.inbox.stock();
    let started = Instant::now();
    let mut last = stock.count();
    let mut last_change = Instant::now();
    while started.elapsed() < ARRIVED_WITHIN {
        tokio::time::sleep(POLL).await;
        let now = stock.count();
        if now != last {
            (last, last_change) = (now, Instant::now());
        }
        if last_change.elapsed() >= QUIET && stock.missing(lot.accepted_numbers()) == 0 {
            break;
        }
    }
    Verdict {
        sent: lot.size,
        accepted: lot.accepted_count(),
        count: stock.count(),
        lost: stock.missing(lot.accepted_numbers()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Verdict};
    use crate::cli::demo::DemoError;

    #[test]
    fn only_what_was_accepted_and_arrived_is_a_good_end() {
        let verdict = |accepted, lost| Verdict {
            sent: 1_000,
            accepted,
            count: Count { arrived: accepted - lost, duplicates: 7 },
            lost,
        };
        let good = verdict(1_000, 0);
        assert!(good.check().is_ok());
        assert_eq!(good.to_string(), "accepted 1,000 · arrived 1,000 · duplicates 7 · lost 0");
        assert!(matches!(verdict(1_000, 1).check(), Err(DemoError::Lost { lost: 1, refused: 0 })));
        assert!(matches!(verdict(999, 0).check(), Err(DemoError::Lost { lost: 0, refused: 1 })));
    }
}
