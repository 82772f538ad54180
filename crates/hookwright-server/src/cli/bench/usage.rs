//! CPU time and memory of a process, as Linux tells them (proc(5)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use super::BenchError;

/// The unit of times in `/proc/<pid>/stat`: hundredths of a second on every architecture that matters here.
const TICKS_PER_SECOND: u64 = 100;
/// `ppid` is the 4th field of `/proc/<pid>/stat`: the 2nd behind the name in parentheses.
const PARENT_FIELD: usize = 1;
/// `utime` is the 14th field of `/proc/<pid>/stat`: the 12th behind the name. `stime`, `cutime` and `cstime` follow.
const USER_TIME_FIELD: usize = 11;

/// Times in a core's line of `/proc/stat`, without those that are counted twice.
const STAT_TIMES: usize = 8;
/// Those of them in which it had nothing to do: idle, and waiting for a disk.
const STAT_RESTING: std::ops::Range<usize> = 3..5;

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// Its parent process.
    pub(super) parent: u32,
    /// CPU time that it has used, to the hundredth of a second.
    pub(super) used: Duration,
    /// CPU time that its children had used which have ended.
    pub(super) children: Duration,
}

/// CPU time that a process has used, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CpuTime {
    /// Of the whole process, to the hundredth of a second.
    process: Duration,
    /// Of each thread that lives, to the nanosecond.
    threads: BTreeMap<u64, Duration>,
}

/// The time that a core of the machine has spent since its start, whoever used it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CoreTime {
    /// As the operating system counts them.
    pub(super) core: usize,
    /// In ticks; without what was idle or waited for a disk.
    busy: u64,
    /// In ticks.
    total: u64,
}

/// Memory of a process, at one moment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Resident now.
    pub(super) resident: u64,
    /// The most that was ever resident.
    pub(super) peak: u64,
}

impl Stat {
    /// What it says now.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if the process is gone, or this is not Linux.
    pub(super) fn of(process: u32) -> Result<Stat, BenchError> {
        let path = format!("/proc/{process}/stat");
        let text = read(&path)?;
        Stat::read(&text).ok_or_else(|| malformed(path))
    }

    /// The name may hold spaces and parentheses: fields are counted from its end.
    fn read(text: &str) -> Option<Stat> {
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(PARENT_FIELD);
        let parent = fields.next()?.parse().ok()?;
        let mut times = fields.skip(USER_TIME_FIELD - PARENT_FIELD - 1);
        let mut both = || {
            let (user, system): (u64, u64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
            Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
        };
        Some(Stat { parent, used: both()?, children: both()? })
    }
}

impl CpuTime {
    /// What the process has used so far, in user mode and in the kernel.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if it is gone, or this is not Linux.
    pub(super) fn of(process: u32) -> Result<CpuTime, BenchError> {
        let used = Stat::of(process)?.used;
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
        Ok(CpuTime { process: used, threads })
    }

    /// All that was used so far.
    pub(super) fn total(&self) -> Duration {
        self.process.max(self.threads.values().sum())
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

impl CoreTime {
    /// Of all cores that are online.
    ///
    /// # Errors
    ///
    /// [`BenchError::Usage`] if this is not Linux.
    pub(super) fn of_all() -> Result<Vec<CoreTime>, BenchError> {
        Ok(read("/proc/stat")?.lines().filter_map(CoreTime::read).collect())
    }

    /// The share of the time since `earlier` in which it was busy, from 0 to 1.
    pub(super) fn busy_since(&self, earlier: &CoreTime) -> f64 {
        let total = self.total.saturating_sub(earlier.total);
        let busy = self.busy.saturating_sub(earlier.busy);
        if total == 0 { 0.0 } else { busy as f64 / total as f64 }
    }

    /// A line `cpu3 user nice system idle iowait irq softirq steal guest guest_nice`, of which the last two are in the first two.
    fn read(line: &str) -> Option<CoreTime> {
        let (core, times) = line.strip_prefix("cpu")?.split_once(' ')?;
        let times = times.split_whitespace().take(STAT_TIMES).map(str::parse);
        let times = times.collect::<Result<Vec<u64>, _>>().ok()?;
        let total = times.iter().sum();
        let resting: u64 = times.get(STAT_RESTING)?.iter().sum();
        Some(CoreTime { core: core.parse().ok()?, busy: total - resting, total })
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

fn read(path: &str) -> Result<String, BenchError> {
    fs::read_to_string(path).map_err(|source| BenchError::Usage { path: path.to_owned(), source })
}

fn malformed(path: String) -> BenchError {
    BenchError::Usage { path, source: io::ErrorKind::InvalidData.into() }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CoreTime, CpuTime, Memory, Stat, kibibytes};

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 250 50 20 10 20 0 3 0 1 1 1";
        let (used, children) = (Duration::from_secs(3), Duration::from_millis(300));
        assert_eq!(Stat::read(stat), Some(Stat { parent: 7, used, children }));
        assert_eq!(Stat::read("42 (short) S 1"), None);
        assert_eq!(kibibytes("VmPeak:\t 1 kB\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2_048));
    }

    #[test]
    fn a_core_is_busy_when_it_is_neither_idle_nor_waits_for_a_disk() {
        let core = |line| CoreTime::read(line).unwrap();
        let before = core("cpu3 100 0 50 800 50 0 0 0 0 0");
        let after = core("cpu3 150 0 60 820 70 5 5 40 30 0");
        assert_eq!((after.core, after.busy_since(&before)), (3, 110.0 / 150.0));
        assert_eq!(before.busy_since(&after), 0.0);
        assert_eq!(CoreTime::read("cpu  100 0 50 800 50 0 0 0 0 0"), None);
        assert_eq!(CoreTime::read("intr 7"), None);
        assert!(!CoreTime::of_all().unwrap().is_empty());
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
