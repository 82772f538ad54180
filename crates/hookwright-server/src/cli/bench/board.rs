//! When each message was sent and accepted, and when each of its deliveries arrived.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::{CreationError, Histogram};

/// The longest time that is told from longer ones, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;
/// Digits that a time keeps.
const DIGITS: u8 = 3;

/// Times of numbered messages, written without locks. Zero stands for "not yet".
pub(super) struct Board {
    origin: Instant,
    fan_out: usize,
    sent: Vec<AtomicU64>,
    accepted: Vec<AtomicU64>,
    taken: AtomicU64,
    arrived: Vec<AtomicU64>,
    arrivals: AtomicU64,
    duplicates: AtomicU64,
}

/// How long it took, for many messages.
pub(super) struct Times {
    pub(super) to_accepted: Histogram<u64>,
    pub(super) to_arrived: Histogram<u64>,
    /// Deliveries that did not arrive.
    pub(super) lost: u64,
    /// When the last delivery arrived.
    pub(super) last_arrival: Option<Instant>,
}

impl Board {
    /// Room for so many messages with so many deliveries each.
    pub(super) fn new(messages: u64, fan_out: u32) -> Board {
        let messages = usize::try_from(messages).unwrap_or(usize::MAX);
        let fan_out = fan_out as usize;
        let zeros = |length: usize| (0..length).map(|_| AtomicU64::new(0)).collect();
        Board {
            origin: Instant::now(),
            fan_out,
            sent: zeros(messages),
            accepted: zeros(messages),
            taken: AtomicU64::new(0),
            arrived: zeros(messages.saturating_mul(fan_out)),
            arrivals: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
        }
    }

    /// A message is sent, or is due to be sent: whoever waits for it waits from this time on.
    pub(super) fn sent(&self, number: u64, at: Instant) {
        self.note(&self.sent, number, at);
    }

    /// The server, or the receiver itself, took a message.
    pub(super) fn accepted(&self, number: u64, at: Instant) {
        self.note(&self.accepted, number, at);
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery arrived at an endpoint. What was never sent is not counted.
    pub(super) fn arrived(&self, number: u64, endpoint: usize, at: Instant) {
        let slot = usize::try_from(number).ok().and_then(|number| number.checked_mul(self.fan_out));
        let Some(slot) =
            slot.filter(|_| endpoint < self.fan_out).and_then(|i| self.arrived.get(i + endpoint))
        else {
            return;
        };
        let first = slot.compare_exchange(0, self.since_origin(at), Ordering::Relaxed, Ordering::Relaxed);
        let counter = if first.is_ok() { &self.arrivals } else { &self.duplicates };
        counter.fetch_add(1, Ordering::Release);
    }

    /// Messages that were taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Deliveries that arrived, each counted once.
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::Acquire)
    }

    /// Deliveries that arrived again.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Acquire)
    }

    /// What came of these messages, all of which were sent.
    ///
    /// # Errors
    ///
    /// None, while the constants of this file make a histogram.
    pub(super) fn times(&self, numbers: Range<u64>) -> Result<Times, CreationError> {
        let index = |number| usize::try_from(number).unwrap_or(usize::MAX).min(self.sent.len());
        let mut times =
            Times { to_accepted: histogram()?, to_arrived: histogram()?, lost: 0, last_arrival: None };
        let mut last = 0;
        for number in index(numbers.start)..index(numbers.end) {
            let sent = self.sent[number].load(Ordering::Relaxed);
            let accepted = self.accepted[number].load(Ordering::Relaxed);
            if accepted > 0 {
                times.to_accepted.saturating_record(micros(sent, accepted));
            }
            for slot in &self.arrived[number * self.fan_out..(number + 1) * self.fan_out] {
                match slot.load(Ordering::Relaxed) {
                    0 => times.lost += 1,
                    arrived => {
                        times.to_arrived.saturating_record(micros(sent, arrived));
                        last = last.max(arrived);
                    }
                }
            }
        }
        times.last_arrival = (last > 0).then(|| self.origin + Duration::from_nanos(last));
        Ok(times)
    }

    fn note(&self, times: &[AtomicU64], number: u64, at: Instant) {
        if let Some(slot) = usize::try_from(number).ok().and_then(|index| times.get(index)) {
            slot.store(self.since_origin(at), Ordering::Relaxed);
        }
    }

    /// Never zero, which stands for "not yet".
    fn since_origin(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.origin).as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

fn histogram() -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
}

fn micros(from_ns: u64, to_ns: u64) -> u64 {
    to_ns.saturating_sub(from_ns) / 1_000
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Board;

    #[test]
    fn each_delivery_counts_once_and_strangers_do_not_count() {
        let board = Board::new(3, 2);
        let start = Instant::now();
        for number in 0..3 {
            board.sent(number, start);
        }
        board.accepted(1, start + Duration::from_millis(2));
        board.arrived(1, 0, start + Duration::from_millis(5));
        board.arrived(1, 0, start + Duration::from_millis(6));
        board.arrived(1, 2, start);
        board.arrived(u64::MAX, 0, start);
        assert_eq!((board.arrivals(), board.duplicates()), (1, 1));

        let times = board.times(0..3).unwrap();
        assert_eq!((times.lost, times.to_arrived.len(), times.to_accepted.len()), (5, 1, 1));
        assert!((4_990..=5_010).contains(&times.to_arrived.max()), "{}", times.to_arrived.max());
        assert_eq!(board.times(1..2).unwrap().lost, 1);
    }
}
