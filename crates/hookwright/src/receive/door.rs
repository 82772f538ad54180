//! What is seen of a request before its body is read: its token, its method, how many come.

use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::catalog::SourceEntry;
use crate::error::Error;
use crate::receive::Receiver;
use crate::receive::reply::InboundReply;

/// A request to a source without its body.
#[derive(Debug, Clone, Copy)]
pub struct InboundHead<'a> {
    /// The source's id, as the path has it.
    pub source: &'a str,
    /// The token, as the path has it.
    pub token: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The whole path as it came.
    pub path: &'a str,
    /// The query as it came.
    pub query: Option<&'a str>,
    /// The URL that the provider called, for schemes that sign it.
    pub url: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// Reads the type of an event out of the headers and the body it came with.
pub(crate) type ReadEventType = Arc<dyn Fn(&HeaderMap, &[u8]) -> Option<String> + Send + Sync>;

/// A request that was let in: its body may be read.
pub struct Door<'a> {
    pub(super) receiver: &'a Receiver,
    pub(super) head: InboundHead<'a>,
    pub(super) entry: Arc<SourceEntry>,
    /// The path as the log has it: one of ours without the token that is in it.
    pub(super) path: String,
    /// Reads the event type in the place of what is known of the provider.
    pub(super) event_type: Option<ReadEventType>,
}

impl Receiver {
    /// Lets a request in, or says what to answer.
    pub(crate) async fn open<'a>(
        &'a self,
        head: InboundHead<'a>,
    ) -> Result<Result<Door<'a>, InboundReply>, Error> {
        let Some(entry) = self.parts.catalog.source_by_token(head.source, head.token).await? else {
            return Ok(Err(InboundReply::not_found()));
        };
        let path = format!("/in/{}", entry.source.id);
        self.enter(head, entry, path, None).await
    }

    /// Lets a request to this source in, or says what to answer; the log has `path` for it, and `event_type` reads what it is.
    pub(crate) async fn enter<'a>(
        &'a self,
        head: InboundHead<'a>,
        entry: Arc<SourceEntry>,
        path: String,
        event_type: Option<ReadEventType>,
    ) -> Result<Result<Door<'a>, InboundReply>, Error> {
        let door = Door { receiver: self, head, entry, path, event_type };
        let settings = &door.entry.source.settings;
        if !settings.methods.iter().any(|method| method == head.method.as_str()) {
            let allow = settings.methods.join(", ");
            let reason = format!("This source takes {allow}.");
            let reply = InboundReply { allow: Some(allow), ..InboundReply::text(405, reason.clone()) };
            let reply = door.refused(reply, &reason, &[]).await?;
            return Ok(Err(reply));
        }
        let now = self.parts.clock.now();
        if let Err(ready_at) = self.gates.enter(door.entry.source.id, settings.throttle_rate, now) {
            self.parts.measures.inbound_throttled.increment(1);
            let wait = ready_at.since(now).as_micros().div_ceil(1_000_000).max(1);
            let seconds = u64::try_from(wait).unwrap_or(u64::MAX);
            let reason = "There are more requests than this source takes. Try again later.";
            let reply = InboundReply { retry_after: Some(seconds), ..InboundReply::text(429, reason) };
            return Ok(Err(door.throttled(reply, reason, now).await?));
        }
        Ok(Ok(door))
    }
}

impl Door<'_> {
    /// The body has more bytes than are taken: the request is kept without it, as refused.
    pub async fn too_large(self, limit: usize) -> Result<InboundReply, Error> {
        let sentence = format!("The body has more than {limit} bytes, which is the limit here.");
        self.refused(InboundReply::text(413, sentence.clone()), &sentence, &[]).await
    }

    /// The body did not come whole: the request is kept without it, as refused with this status and for this reason.
    pub async fn unread(self, status: u16, reason: &str) -> Result<InboundReply, Error> {
        self.refused(InboundReply::text(status, reason), reason, &[]).await
    }
}
