//! A database full of messages that are older than they are to be kept, and how its files fare while they go.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hookwright::config::DatabaseUrl;
use hookwright::domain::ids::IdGenerator;
use hookwright::domain::names::EventTypeName;
use tokio_util::task::AbortOnDropHandle;

use super::super::rig::{Api, RigError};
use super::BenchError;
use super::args::BenchArgs;
use super::database::Database;
use super::history::History;
use super::progress::Progress;
use super::report::{ExpiringFigures, FileSample};

/// How long the server keeps messages.
pub(super) const RETENTION: &str = "1d";
/// How old the messages are at least.
const AGE: Duration = Duration::from_secs(2 * 86_400);
/// The time that they were sent in.
const SPAN: Duration = Duration::from_secs(86_400);
/// They are of so many applications, in turn.
const APPLICATIONS: u64 = 100;
/// The server's counts of slices, of all and of those that took at most 5 ms.
const SLICES: &str = "hookwright_slice_seconds_count";
const SLICES_UP_TO_5_MS: &str = "hookwright_slice_seconds_bucket{le=\"0.005\"}";
/// The same by what they worked, without what they waited for a processor or the disk.
const CPU_OF_SLICES: &str = "hookwright_slice_cpu_seconds_count";
const CPU_OF_SLICES_UP_TO_5_MS: &str = "hookwright_slice_cpu_seconds_bucket{le=\"0.005\"}";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the end is waited for, once nothing is sent any more.
const GONE_WITHIN: Duration = Duration::from_secs(1_800);
/// How long the files are watched after that: what nothing uses is given back then.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// Fills the database with `args.expiring` messages that have expired, each with one attempt.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &Database,
    progress: &Progress,
) -> Result<(), BenchError> {
    let admin = database.admin().await?;
    let from = admin.clock().now().before(AGE + SPAN);
    let ids = IdGenerator::new(0);
    let history = History {
        messages: args.expiring,
        applications: (0..APPLICATIONS).map(|_| ids.next(from).into()).collect(),
        endpoint: ids.next(from).into(),
        event_types: vec![EventTypeName::parse("bench.expired")?],
        is_searched: false,
        size: args.size,
        from,
        span: SPAN,
    };
    history.write(&admin, progress).await?;
    admin.close().await;
    Ok(())
}

/// Watches the files while the messages go.
pub(super) struct Watch {
    api: Api,
    samples: Arc<Mutex<Vec<FileSample>>>,
    messages: u64,
    _watching: AbortOnDropHandle<()>,
}

impl Watch {
    /// Begins to watch.
    pub(super) fn begin(args: &BenchArgs, database: &DatabaseUrl, api: Api) -> Watch {
        let path = database.file().map(Path::to_owned).unwrap_or_default();
        let samples = Arc::new(Mutex::new(Vec::new()));
        let (noted, started) = (Arc::clone(&samples), Instant::now());
        let asked = api.clone();
        let watching = tokio::spawn(async move {
            loop {
                // A scrape that failed is made again.
                if let Ok(sample) = look(&path, &asked, started).await {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Watch { api, samples, messages: args.expiring, _watching: AbortOnDropHandle::new(watching) }
    }

    /// Waits until all are gone and a while longer, and tells.
    ///
    /// # Errors
    ///
    /// If the server does not tell its metrics.
    pub(super) async fn end(self) -> Result<ExpiringFigures, RigError> {
        let started = Instant::now();
        while self.gone_after().is_none() && started.elapsed() < GONE_WITHIN {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        tokio::time::sleep(AFTERWARDS).await;
        let gone_after_seconds = self.gone_after();
        let samples = std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner));
        let metrics = self.api.metrics().await?;
        let slices = counted(&metrics, SLICES);
        let slices_over_5_ms = slices - counted(&metrics, SLICES_UP_TO_5_MS);
        let slices_over_5_ms_of_cpu =
            counted(&metrics, CPU_OF_SLICES) - counted(&metrics, CPU_OF_SLICES_UP_TO_5_MS);
        Ok(ExpiringFigures {
            messages: self.messages,
            gone_after_seconds,
            slices,
            slices_over_5_ms,
            slices_over_5_ms_of_cpu,
            samples,
        })
    }

    fn gone_after(&self) -> Option<f64> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().find(|sample| sample.expired >= self.messages).map(|sample| sample.seconds)
    }
}

async fn look(path: &Path, api: &Api, started: Instant) -> Result<FileSample, RigError> {
    let metrics = api.metrics().await?;
    let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(FileSample {
        seconds: super::report::rounded(started.elapsed().as_secs_f64()),
        expired: counted(&metrics, "hookwright_expired_messages_total"),
        file_bytes: size(path.to_owned()),
        log_bytes: size(log.into()),
    })
}

/// The value of one line of metrics; 0 if there is none.
fn counted(metrics: &str, name: &str) -> u64 {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let value = lines.filter_map(|line| line.strip_prefix(name)).next();
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
