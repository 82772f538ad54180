//! The only place that reads the time, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::domain::lease::Moment;
use crate::domain::time::Timestamp;

/// Tells the time and wakes those who wait for it. Clones share one time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System,
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    micros: AtomicI64,
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock::system()
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Kind::System)
    }

    /// A clock that stands at `start` until it is moved with [`Clock::advance`].
    pub fn manual(start: Timestamp) -> Clock {
        let micros = AtomicI64::new(start.as_micros());
        Clock(Kind::Manual(Arc::new(Manual { micros, moved: watch::Sender::new(()) })))
    }

    /// Whether it stands still unless a test moves it.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Kind::Manual(_))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
            }
            Kind::Manual(manual) => Timestamp::from_micros(manual.micros.load(Ordering::SeqCst)),
        }
    }

    /// A reading of the clock that nobody sets: good for what lasts how long, and only within this process.
    pub(crate) fn moment(&self) -> Moment {
        match &self.0 {
            Kind::System => since_the_boot(),
            Kind::Manual(manual) => {
                let micros = manual.micros.load(Ordering::SeqCst);
                Duration::from_micros(u64::try_from(micros).unwrap_or_default())
            }
        }
    }

    /// Moves a manual clock and wakes those whose time has come; the machine's clock cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual(manual) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            manual.micros.fetch_add(by, Ordering::SeqCst);
            manual.moved.send_replace(());
        }
    }

    /// Waits until `time`.
    pub async fn sleep_until(&self, time: Timestamp) {
        match &self.0 {
            Kind::System => loop {
                // In pieces: the machine's clock can be set while we wait.
                let left = time.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            },
            Kind::Manual(manual) => {
                let mut moved = manual.moved.subscribe();
                while self.now() < time {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// How long the machine has been up, the time included that it was suspended: what others see pass, a node sees pass too.
#[cfg(target_os = "linux")]
fn since_the_boot() -> Moment {
    let read = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(read.tv_sec), u32::try_from(read.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// How long this process has run, as well as its system can tell.
#[cfg(not(target_os = "linux"))]
fn since_the_boot() -> Moment {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// How long this thread has worked.
#[cfg(target_os = "linux")]
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    let read = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(u64::try_from(read.tv_sec).ok()?, u32::try_from(read.tv_nsec).ok()?))
}

/// How long this thread has worked: not asked on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_its_sleepers_when_it_is_moved() {
        let clock = Clock::manual(Timestamp::from_micros(0));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(Timestamp::from_micros(3_000_000)).await }
        });
        clock.advance(Duration::from_secs(2));
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[test]
    fn moments_never_go_back_and_follow_a_manual_clock() {
        let clock = Clock::system();
        let first = clock.moment();
        assert!(clock.moment() >= first);
        let clock = Clock::manual(Timestamp::from_micros(5));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.moment(), Duration::from_micros(1_000_005));
    }
}
