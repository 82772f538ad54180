//! Requests that have no effect, as refused ones and copies: the log keeps a few of them a second, and not all of each.

use bytes::Bytes;

use crate::domain::event::{HookEvent, RefusalEvent};
use crate::domain::ids::MessageId;
use crate::domain::inbound::{Inbound, REFUSED_BODY_MAX, Verdict};
use crate::domain::redaction::redacted_or_nothing;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::receive::door::Door;
use crate::receive::gates::{Keeping, NoEffect};
use crate::receive::reply::InboundReply;
use crate::store::write::{Copied, InboundKey, Receive, Write};

/// So much is kept of a header's value, of the path, and of the query, in bytes.
const VALUE_MAX: usize = 1024;
/// So much is kept of all headers, in bytes.
const HEADERS_MAX: usize = 8 * 1024;

impl Door<'_> {
    /// Keeps a request that is refused with this answer, and why, unless very many are; and gives the answer.
    pub(super) async fn refused(
        &self,
        reply: InboundReply,
        reason: &str,
        body: &[u8],
    ) -> Result<InboundReply, Error> {
        let (receiver, source) = (self.receiver, &self.entry.source);
        receiver.parts.measures.inbound_refused.increment(1);
        let now = receiver.parts.clock.now();
        let (is_kept, refused) =
            (self.keeps(NoEffect::Refused, now), receiver.gates.tells_refused(source.id, now));
        // What is told of is also there to be looked at.
        if !is_kept && refused.is_none() {
            return Ok(reply);
        }
        tracing::info!(
            source.id = %source.id, http.status = reply.status, reason,
            "a request to source {} is refused: {reason}", source.id
        );
        // Of its own: a slice of a large body would keep all of it in memory.
        let kept = redacted_or_nothing(body, self.content_type(), &source.settings.redact);
        let begin = Bytes::copy_from_slice(&kept[..kept.len().min(REFUSED_BODY_MAX)]);
        let id: MessageId = receiver.parts.ids.next(now).into();
        let row = Inbound {
            reason: Some(reason.to_owned()),
            ..shortened(self.row(id, Verdict::Refused, reply.status, begin))
        };
        let event = refused.map(|refused| {
            HookEvent::SourceRefused(Box::new(RefusalEvent {
                organisation: source.organisation,
                source: source.id,
                uid: source.settings.uid.clone(),
                name: source.settings.name.clone(),
                request: row.id,
                status: reply.status,
                reason: reason.to_owned(),
                received_at: row.received_at,
                refused,
            }))
        });
        let write = Write::Receive(Box::new(Receive::logged(row)));
        let told = match &event {
            Some(event) => {
                let listeners = receiver.parts.tell.listeners(source.organisation).await;
                listeners.messages(std::slice::from_ref(event))
            }
            None => Vec::new(),
        };
        let write = if told.is_empty() { write } else { Write::Told(Box::new(write), told) };
        receiver.parts.journal.write(write).await?;
        receiver.parts.tell.call(event);
        Ok(reply)
    }

    /// Keeps one request a second of those that are too many, so that whoever misses one finds out why; and gives the answer.
    pub(super) async fn throttled(
        &self,
        reply: InboundReply,
        reason: &str,
        now: Timestamp,
    ) -> Result<InboundReply, Error> {
        if self.keeps(NoEffect::Throttled, now) {
            self.log(Verdict::Refused, reply.status, Some(reason), now).await?;
        }
        Ok(reply)
    }

    /// Keeps a handshake that is answered so, unless very many come. What was agreed on is not kept: it may be a secret.
    pub(super) async fn handshake(&self, reply: InboundReply) -> Result<InboundReply, Error> {
        self.receiver.parts.measures.inbound_handshakes.increment(1);
        let now = self.receiver.parts.clock.now();
        if self.keeps(NoEffect::Handshake, now) {
            self.log(Verdict::Handshake, reply.status, None, now).await?;
        }
        Ok(reply)
    }

    /// Notes that a request came again, which is known by one of `keys` and has `body`, unless very many do; and gives the answer that the
    /// first one got, also if it could not be noted: there is nothing in it that could be lost.
    pub(super) async fn copied(
        &self,
        reply: InboundReply,
        keys: Vec<InboundKey>,
        body: Bytes,
    ) -> InboundReply {
        let (parts, source) = (&self.receiver.parts, self.entry.source.id);
        parts.measures.inbound_duplicates.increment(1);
        let now = parts.clock.now();
        if !self.keeps(NoEffect::Copy, now) {
            return reply;
        }
        let row = self.row(parts.ids.next(now).into(), Verdict::Duplicate, reply.status, body);
        let copied = Copied { row: shortened(row), keys };
        if let Err(error) = parts.journal.write(Write::Copied(Box::new(copied))).await {
            tracing::warn!(source.id = %source, %error, "a copy is not in the log of source {source}");
        }
        reply
    }

    /// Writes a row without a body.
    async fn log(
        &self,
        verdict: Verdict,
        status: u16,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let parts = &self.receiver.parts;
        let row = self.row(parts.ids.next(now).into(), verdict, status, Bytes::new());
        let row = Inbound { reason: reason.map(str::to_owned), ..shortened(row) };
        parts.journal.write(Write::Receive(Box::new(Receive::logged(row)))).await?;
        Ok(())
    }

    /// Whether the log keeps a request without an effect. That some are left out is told once a minute.
    fn keeps(&self, why: NoEffect, now: Timestamp) -> bool {
        let source = self.entry.source.id;
        match self.receiver.gates.keeps(source, why, now) {
            Keeping::Kept => return true,
            Keeping::LeftOut(None) => {}
            Keeping::LeftOut(Some(left_out)) => {
                let what = why.in_words();
                tracing::warn!(
                    source.id = %source, left_out,
                    "source {source} gets more {what} than its log keeps: {left_out} were left out since that was told last"
                );
            }
        }
        false
    }
}

/// A row with the beginnings of what is long in it.
fn shortened(mut row: Inbound) -> Inbound {
    cut(&mut row.path);
    if let Some(query) = &mut row.query {
        cut(query);
    }
    let mut left = HEADERS_MAX;
    row.headers.retain_mut(|(name, value)| {
        cut(value);
        let rest = left.checked_sub(name.len() + value.len());
        left = rest.unwrap_or(left);
        rest.is_some()
    });
    row
}

fn cut(text: &mut String) {
    if text.len() > VALUE_MAX {
        let end = (0..=VALUE_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('\u{2026}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ApplicationId;
    use crate::domain::short_ids::InboundId;

    #[test]
    fn of_what_is_long_in_a_row_the_beginning_is_kept() {
        let long = "\u{20ac}".repeat(30_000);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![header("x-long", &long), header("x-id", "1")];
        headers.extend((0..98).map(|number| header(&format!("x-{number}"), &"y".repeat(500))));
        headers.push(header("x-last", "z"));
        let row = shortened(Inbound {
            application: ApplicationId::MIN,
            id: InboundId::MIN,
            received_at: Timestamp::MIN,
            expires_at: Timestamp::MIN,
            verdict: Verdict::Refused,
            status: 401,
            reason: None,
            method: "POST".to_owned(),
            path: long.clone(),
            query: Some(long),
            headers,
            message: None,
            event_type: None,
            copy_of: None,
            body: Bytes::new(),
        });
        let begin = format!("{}\u{2026}", "\u{20ac}".repeat(VALUE_MAX / 3));
        assert_eq!((&row.path, row.query.as_ref()), (&begin, Some(&begin)));
        assert_eq!(row.headers[..2], [header("x-long", &begin), header("x-id", "1")]);
        assert_eq!(row.headers.last(), Some(&header("x-last", "z")), "what still finds room does");
        let bytes: usize = row.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!((HEADERS_MAX - 600..=HEADERS_MAX).contains(&bytes), "{bytes}");
    }
}
