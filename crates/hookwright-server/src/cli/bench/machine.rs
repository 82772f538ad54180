//! The machine that was measured: figures without it cannot be compared.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::usage::kibibytes;

/// How often the disk is asked for its speed.
const SYNCS: usize = 50;
/// What is written each time, in bytes: a page of the file system.
const PAGE: [u8; 4_096] = [0x5a; 4_096];

/// Facts of a machine.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    pub(super) date: String,
    pub(super) version: &'static str,
    pub(super) cores: usize,
    pub(super) processor: Option<String>,
    pub(super) kernel: Option<String>,
    pub(super) memory_bytes: Option<u64>,
    /// Of the directory with the database.
    pub(super) filesystem: Option<String>,
    /// Median of writing a page and making it durable there, in microseconds.
    pub(super) sync_us: Option<u64>,
}

impl Machine {
    /// This machine, whose databases lie in `directory`.
    pub(super) fn here(directory: &Path) -> Machine {
        let read = |path| fs::read_to_string(path).ok();
        Machine {
            date: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            version: env!("CARGO_PKG_VERSION"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: read("/proc/cpuinfo").and_then(|text| processor(&text)),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            memory_bytes: read("/proc/meminfo")
                .and_then(|text| kibibytes(&text, "MemTotal:"))
                .map(|kibibytes| kibibytes * 1_024),
            filesystem: read("/proc/mounts").and_then(|text| filesystem(&text, directory)),
            sync_us: sync_time(directory).ok().and_then(|time| u64::try_from(time.as_micros()).ok()),
        }
    }

    /// Whether the database lies in memory, where nothing is ever durable.
    pub(super) fn forgets(&self) -> bool {
        matches!(self.filesystem.as_deref(), Some("tmpfs" | "ramfs"))
    }
}

fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// The type of the file system that `directory` lies on: that of the longest mount point above it, and of
/// the last one mounted there.
fn filesystem(mounts: &str, directory: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    mounts
        .filter(|(point, _)| directory.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}

fn sync_time(directory: &Path) -> io::Result<Duration> {
    let path = directory.join("sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{filesystem, processor};

    #[test]
    fn a_directory_lies_on_the_nearest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpfiles xfs rw 0 0\n";
        assert_eq!(filesystem(mounts, Path::new("/tmp/x")).as_deref(), Some("tmpfs"));
        assert_eq!(filesystem(mounts, Path::new("/tmpfiles")).as_deref(), Some("xfs"));
        assert_eq!(filesystem(mounts, Path::new("/var")).as_deref(), Some("ext4"));
        assert_eq!(processor("cpu\t: 0\nmodel name\t: A: 9\n").as_deref(), Some("A: 9"));
    }
}
