//! A database full of messages that are older than they are to be kept, and how its files fare while they go.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hookwright::Admin;
use hookwright::config::DatabaseUrl;
use hookwright::domain::attempt::{Attempt, AttemptStatus, Trigger};
use hookwright::domain::ids::{ApplicationId, EndpointId, IdGenerator};
use hookwright::domain::message::Message;
use hookwright::domain::names::EventTypeName;
use hookwright::domain::time::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::super::rig::{Api, RigError};
use super::args::BenchArgs;
use super::progress::Progress;
use super::report::{ExpiringFigures, FileSample};
use super::{BenchError, payload};

/// How long the server keeps messages.
pub(super) const RETENTION: &str = "1d";
/// How old the messages are at least.
const AGE: Duration = Duration::from_secs(2 * 86_400);
/// The time that they were sent in.
const SPAN: Duration = Duration::from_secs(86_400);
/// They are of so many applications, in turn.
const APPLICATIONS: u64 = 100;
/// Messages that are written together.
const TOGETHER: u64 = 1_000;
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the end is waited for, once nothing is sent any more.
const GONE_WITHIN: Duration = Duration::from_secs(1_800);
/// How long the files are watched after that: what nothing uses is given back then.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// Fills the database with `args.expiring` messages that have expired, each with one attempt.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &DatabaseUrl,
    progress: &Progress,
) -> Result<(), BenchError> {
    let admin = Admin::open_or_make(database).await?;
    let now = admin.clock().now().before(AGE + SPAN);
    let ids = IdGenerator::new(0);
    let (application_ids, endpoint): (Vec<ApplicationId>, EndpointId) =
        ((0..APPLICATIONS).map(|_| ids.next(now).into()).collect(), ids.next(now).into());
    let event_type = EventTypeName::parse("bench.expired")?;
    let bar = progress.bar("filling", args.expiring);
    let apart = SPAN / u32::try_from(args.expiring.max(1)).unwrap_or(u32::MAX);
    let mut number = 0;
    while number < args.expiring {
        let mut history = Vec::new();
        for _ in 0..TOGETHER.min(args.expiring - number) {
            let at = now.after(apart * u32::try_from(number).unwrap_or(u32::MAX));
            let application = application_ids[usize::try_from(number % APPLICATIONS).unwrap_or_default()];
            history.push(sent(&ids, application, endpoint, &event_type, number, args.size, at));
            number += 1;
            bar.step();
        }
        admin.import(history).await?;
    }
    admin.close().await;
    Ok(())
}

fn sent(
    ids: &IdGenerator,
    application: ApplicationId,
    endpoint: EndpointId,
    event_type: &EventTypeName,
    number: u64,
    size: u64,
    at: Timestamp,
) -> (Message, Vec<Attempt>) {
    let message = Message {
        id: ids.next(at).into(),
        application,
        event_type: event_type.clone(),
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Bytes::from(payload::write("", number, size, "")),
        created_at: at,
    };
    let attempt = Attempt {
        id: ids.next(at).into(),
        application,
        message: message.id,
        endpoint,
        number: 1,
        status: AttemptStatus::Success,
        response_code: 200,
        response: Bytes::from_static(b"{\"ok\":true}"),
        reason: None,
        duration: Duration::from_millis(12),
        trigger: Trigger::Scheduled,
        url: "https://example.com/webhooks/hookwright".to_owned(),
        started_at: at,
        next_attempt_at: None,
    };
    (message, vec![attempt])
}

/// Watches the files while the messages go.
pub(super) struct Watch {
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
        let watching = tokio::spawn(async move {
            loop {
                // A scrape that failed is made again.
                if let Ok(sample) = look(&path, &api, started).await {
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Watch { samples, messages: args.expiring, _watching: AbortOnDropHandle::new(watching) }
    }

    /// Waits until all are gone and a while longer, and tells.
    pub(super) async fn end(self) -> ExpiringFigures {
        let started = Instant::now();
        while self.gone_after().is_none() && started.elapsed() < GONE_WITHIN {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        tokio::time::sleep(AFTERWARDS).await;
        let gone_after_seconds = self.gone_after();
        let samples = std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner));
        ExpiringFigures { messages: self.messages, gone_after_seconds, samples }
    }

    fn gone_after(&self) -> Option<f64> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.iter().find(|sample| sample.expired >= self.messages).map(|sample| sample.seconds)
    }
}

async fn look(path: &Path, api: &Api, started: Instant) -> Result<FileSample, RigError> {
    let metrics = api.metrics().await?;
    let counted = |name| {
        let lines = metrics.lines().filter(|line| !line.starts_with('#'));
        let value = lines.filter_map(|line| line.strip_prefix(name)).next();
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(FileSample {
        seconds: super::report::rounded(started.elapsed().as_secs_f64()),
        expired: counted("hookwright_expired_messages_total"),
        file_bytes: size(path.to_owned()),
        log_bytes: size(log.into()),
    })
}
