//! Sources that send of themselves: when a time of their schedule comes, a message is made as if somebody had called.
//!
//! Each message has a key made of its source and its time, as a proven request has, so that none is made twice: not after a restart, not
//! when the clock is set back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::Node;
use crate::domain::ids::IdGenerator;
use crate::domain::inbound::{Inbound, KNOWN_FOR_MIN, Verdict};
use crate::domain::message::Message;
use crate::domain::schedule::{Schedule, due};
use crate::domain::short_ids::{InboundId, SourceId};
use crate::domain::source::Source;
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::journal::Journal;
use crate::receive::event_type;
use crate::receive::routes::{self, Routes};
use crate::store::Store;
use crate::store::write::{Append, InboundKey, Receive, Received, Write, Written};

/// What is later than this is not made up for, but for the last.
const BEHIND_MAX: Duration = Duration::from_secs(60);
/// The wait after the database failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How often to look after the sources even if nobody says that they changed.
const LOOK_AROUND: Duration = Duration::from_secs(600);
/// What a message is, unless its source says otherwise.
const CONTENT_TYPE_DEFAULT: &str = "application/json";

/// What schedules work with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) store: Store,
    pub(crate) journal: Journal,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) node: Node,
    /// How long the log keeps what was sent, unless its source says otherwise.
    pub(crate) retention: Duration,
    /// How long messages are kept.
    pub(crate) message_retention: Duration,
    /// Ends it.
    pub(crate) stop: CancellationToken,
}

/// A source with its next time.
struct Timed {
    source: Source,
    schedule: Schedule,
    next: Option<Timestamp>,
}

/// Sends what is due, until it is told to stop.
pub(crate) async fn run(parts: Parts) {
    let mut sources: HashMap<SourceId, Timed> = HashMap::new();
    loop {
        let now = parts.clock.now();
        let until = match turn(&parts, &mut sources, now).await {
            Ok(next) => next.unwrap_or(Timestamp::MAX).min(now.after(LOOK_AROUND)),
            Err(error) => {
                tracing::warn!(%error, "what sources send on a schedule is late; it will be sent");
                now.after(PAUSE_AFTER_FAILURE)
            }
        };
        tokio::select! {
            () = parts.stop.cancelled() => return,
            () = parts.catalog.sources_changed() => {}
            () = parts.clock.sleep_until(until) => {}
        }
    }
}

/// Reads the sources, sends what is due, and says when something is due next.
async fn turn(
    parts: &Parts,
    sources: &mut HashMap<SourceId, Timed>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let read = parts.store.source_list_cron().await?;
    let mut known = std::mem::take(sources);
    for source in read {
        let before = known.remove(&source.id);
        if let Some(timed) = timed(source, before, now) {
            sources.insert(timed.source.id, timed);
        }
    }
    let mut failed = None;
    for timed in sources.values_mut() {
        // One that cannot send holds up no other.
        if let Err(error) = catch_up(parts, timed, now).await {
            failed.get_or_insert(error);
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(sources.values().filter_map(|timed| timed.next).min())
}

/// Sends what is due of a source. What could not be sent is its next time.
async fn catch_up(parts: &Parts, timed: &mut Timed, now: Timestamp) -> Result<(), Error> {
    let Some(next) = timed.next else { return Ok(()) };
    let (times, following) = due(&timed.schedule, next, now, BEHIND_MAX);
    for time in times {
        send(parts, &timed.source, &timed.schedule, time, now).await?;
        timed.next = timed.schedule.next_after(time);
    }
    timed.next = following;
    Ok(())
}

/// A source as it is now. What it was before goes on if its schedule is the same.
fn timed(source: Source, before: Option<Timed>, now: Timestamp) -> Option<Timed> {
    let text = field(&source, "schedule")?;
    let is_same = before.as_ref().is_some_and(|before| field(&before.source, "schedule") == Some(text));
    if let Some(before) = before.filter(|_| is_same) {
        return Some(Timed { source, ..before });
    }
    let schedule = Schedule::parse(text)
        .map_err(
            |error| tracing::error!(source.id = %source.id, %error, "a source's schedule cannot be read"),
        )
        .ok()?;
    // The last of its times may have been missed while nothing ran; if it was not, its key is known.
    let missed = schedule.last_until(now).filter(|last| *last > source.updated_at);
    let next = missed.or_else(|| schedule.next_after(now));
    Some(Timed { source, schedule, next })
}

fn field<'s>(source: &'s Source, name: &str) -> Option<&'s str> {
    source.settings.config.0[name].as_str()
}

/// Stores the message of this time, unless it is there.
async fn send(
    parts: &Parts,
    source: &Source,
    schedule: &Schedule,
    time: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let known = parts.catalog.known();
    let Some(application) = parts.catalog.application_by_id(source.application).await? else { return Ok(()) };
    let payload = Bytes::copy_from_slice(field(source, "payload").unwrap_or_default().as_bytes());
    let content_type = field(source, "contentType").unwrap_or(CONTENT_TYPE_DEFAULT);
    let id = parts.ids.next(now).into();
    let place = source.settings.event_type.as_ref();
    let (event_type, reason) = event_type::read(place, None, |_| None, &payload);
    let kept = source.settings.retention.unwrap_or(parts.retention).min(parts.message_retention);
    let row = Inbound {
        application: source.application,
        id: InboundId::of_message(id),
        received_at: now,
        expires_at: now.after(kept),
        verdict: Verdict::Verified,
        status: 200,
        reason,
        method: "CRON".to_owned(),
        path: format!("/in/{}", source.id),
        query: None,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        message: None,
        event_type: None,
        copy_of: None,
        body: payload.clone(),
    };
    let Routes { endpoints, is_held } = routes::of(&parts.catalog, source, &application, &event_type);
    let message = Message {
        id,
        application: source.application,
        event_type,
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload,
        created_at: now,
    };
    // Known for as long as it could be taken for one that was missed.
    let following = schedule.next_after(time).unwrap_or(now).max(now);
    let hash = Sha256::new_with_prefix(b"cron\0").chain_update(time.as_micros().to_be_bytes()).finalize();
    let key = InboundKey { hash: hash.into(), expires_at: following.after(KNOWN_FOR_MIN) };
    let message = Some(Append::plain(Arc::new(message), endpoints).routed_by(known));
    let receive = Receive { row: Arc::new(row), keys: vec![key], message, is_held };
    match parts.journal.write(Write::Receive(Box::new(receive))).await? {
        Written::Received(Received::Moved) => {
            parts.node.catch_up().await?;
            Err(Error::Busy(Thing::Source))
        }
        _ => Ok(()),
    }
}
