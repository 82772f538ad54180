//! CPU time and memory of a process, as Linux tells them (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use super::BenchError;

/// The unit of times in `/proc/<pid>/stat`: hundredths of a second on every architecture that matters here.
const TICKS_PER_SECOND: u64 = 100;
/// `utime` is the 14th field of `/proc/<pid>/stat`: the 12th behind the name in parentheses.
const USER_TIME_FIELD: usize = 11;

/// CPU time that a process has used, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CpuTime {
    /// Of the whole process, to the hundredth of a second.
    process: Duration,
    /// Of each thread that lives, to the nanosecond.
    threads: BTreeMap<u64, Duration>,
}

/// Memory of a process, at one moment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Resident now.
    pub(super) resident: u64,
    /// The most that was ever resident.
    pub(super) peak: u64,
}

impl CpuTime {
    /// What the process has used so far, in user mode and in the kernel.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if it is gone, or this is not Linux.
    pub(super) fn of(process: u32) -> Result<CpuTime, BenchError> {
        let path = format!("/proc/{process}/stat");
        let stat = read(&path)?;
        let ticks = ticks(&stat).ok_or_else(|| malformed(path))?;
        let path = format!("/proc/{process}/task");
        let entries = fs::read_dir(&path).map_err(|source| BenchError::Usage { path, source })?;
        let mut threads = BTreeMap::new();
        for entry in entries.flatten() {
            let id = entry.file_name().to_string_lossy().parse();
            // A thread may end between being listed and being read.
            let used = fs::read_to_string(entry.path().join("schedstat"));
            if let (Ok(id), Ok(used)) = (id, used)
                && let Some(Ok(nanoseconds)) = used.split(' ').next().map(str::parse)
            {
                threads.insert(id, Duration::from_nanos(nanoseconds));
            }
        }
        Ok(CpuTime { process: Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND), threads })
    }

    /// What was used since `earlier`: exact while no thread ended in between. The share of one that ended is
    /// known only to the hundredth of a second, from the process as a whole.
    pub(super) fn since(&self, earlier: &CpuTime) -> Duration {
        let used = |(id, now): (&u64, &Duration)| {
            now.saturating_sub(earlier.threads.get(id).copied().unwrap_or_default())
        };
        let by_threads = self.threads.iter().map(used).sum();
        if !self.threads.is_empty() && earlier.threads.keys().all(|id| self.threads.contains_key(id)) {
            return by_threads;
        }
        self.process.saturating_sub(earlier.process).max(by_threads)
    }
}

impl Memory {
    /// What the process has now.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if it is gone, or this is not Linux.
    pub(super) fn of(process: u32) -> Result<Memory, BenchError> {
        let path = format!("/proc/{process}/status");
        let status = read(&path)?;
        let bytes = |name| kibibytes(&status, name).map(|kibibytes| kibibytes * 1_024);
        let memory = bytes("VmRSS:").zip(bytes("VmHWM:"));
        memory.map(|(resident, peak)| Memory { resident, peak }).ok_or_else(|| malformed(path))
    }
}

/// The value of a line `Name:   123 kB`.
pub(super) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// User and system time of `/proc/<pid>/stat`. The name may hold spaces and parentheses: count from its end.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(USER_TIME_FIELD);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn read(path: &str) -> Result<String, BenchError> {
    fs::read_to_string(path).map_err(|source| BenchError::Usage { path: path.to_owned(), source })
}

fn malformed(path: String) -> BenchError {
    BenchError::Usage { path, source: io::ErrorKind::InvalidData.into() }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CpuTime, Memory, kibibytes, ticks};

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("42 (short) S 1"), None);
        assert_eq!(kibibytes("VmPeak:\t 1 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2_048));
    }

    #[test]
    fn work_costs_time_and_memory() {
        let before = CpuTime::of(std::process::id()).unwrap();
        let started = Instant::now();
        let mut used = Duration::ZERO;
        while used.is_zero() && started.elapsed() < Duration::from_secs(30) {
            used = CpuTime::of(std::process::id()).unwrap().since(&before);
        }
        assert!(!used.is_zero(), "reading one's own CPU time takes some");
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.resident > 0 && memory.peak > 0);
    }

    #[test]
    fn a_thread_that_ended_is_not_forgotten() {
        let time = |process, threads: &[(u64, u64)]| CpuTime {
            process: Duration::from_millis(process),
            threads: threads.iter().map(|(id, ms)| (*id, Duration::from_millis(*ms))).collect(),
        };
        let before = time(20, &[(1, 11), (2, 12)]);
        assert_eq!(time(40, &[(1, 15), (2, 12), (3, 4)]).since(&before).as_millis(), 8);
        assert_eq!(time(70, &[(1, 15)]).since(&before).as_millis(), 50);
        assert_eq!(time(20, &[(1, 15)]).since(&before).as_millis(), 4);
    }
}
