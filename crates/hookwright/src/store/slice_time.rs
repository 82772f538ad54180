//! How long a slice of removing held up its batch, and how much of that was work.

use std::time::{Duration, Instant};

use crate::clock::thread_cpu_time;

/// What a slice took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SliceTime {
    /// From its start to its end.
    pub(crate) elapsed: Duration,
    /// What its thread worked meanwhile; the rest it waited, for a processor or for the disk. `None` where the work is another
    /// process's, or the system does not tell.
    pub(crate) cpu: Option<Duration>,
}

/// A slice that has begun, on the thread that does all of it.
pub(in crate::store) struct Begun {
    at: Instant,
    cpu: Option<Duration>,
}

impl Begun {
    pub(in crate::store) fn now() -> Begun {
        Begun { at: Instant::now(), cpu: thread_cpu_time() }
    }

    pub(in crate::store) fn end(self) -> SliceTime {
        let cpu = self.cpu.zip(thread_cpu_time()).map(|(began, ends)| ends.saturating_sub(began));
        SliceTime { elapsed: self.at.elapsed(), cpu }
    }
}
