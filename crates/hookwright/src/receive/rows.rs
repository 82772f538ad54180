//! What the log keeps of a request, and what is forwarded of it.

use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use crate::domain::event::{HookEvent, RefusalEvent};
use crate::domain::ids::MessageId;
use crate::domain::inbound::{
    Inbound, OwnToken, REDACTED, REFUSED_BODY_MAX, REFUSED_RETENTION_MAX, Verdict, described, logged,
};
use crate::domain::redaction::redacted_or_nothing;
use crate::domain::short_ids::InboundId;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::receive::door::Door;
use crate::receive::reply::InboundReply;
use crate::store::write::{Receive, Write};

/// A parameter of the query that Meta sends its configured token in.
const SECRET_PARAMETER: &str = "verify_token";

impl Door<'_> {
    /// The row of this request, of which `message` was made.
    pub(super) fn row(&self, message: MessageId, verdict: Verdict, status: u16, body: Bytes) -> Inbound {
        let (receiver, source) = (self.receiver, &self.entry.source);
        let now = receiver.parts.clock.now();
        let kept = source
            .settings
            .retention
            .unwrap_or(receiver.parts.retention)
            .min(receiver.parts.message_retention);
        let kept = if verdict == Verdict::Refused { kept.min(REFUSED_RETENTION_MAX) } else { kept };
        let own = self.own_tokens();
        let headers = self.head.headers.iter();
        Inbound {
            application: source.application,
            id: InboundId::of_message(message),
            received_at: now,
            expires_at: now.after(kept),
            verdict,
            status,
            reason: None,
            method: self.head.method.as_str().to_owned(),
            path: self.path.clone(),
            query: self.query().map(str::to_owned),
            headers: headers
                .map(|(name, value)| match self.has_url_token(value.as_bytes()) {
                    true => (name.as_str().to_owned(), REDACTED.to_owned()),
                    false => logged_of(name.as_str(), value.as_bytes(), &own),
                })
                .collect(),
            message: None,
            event_type: None,
            body,
        }
    }

    /// Whether the token of the source's URL is in it: servers in front of this one write the path into headers of their own.
    fn has_url_token(&self, value: &[u8]) -> bool {
        let token = self.head.token.as_bytes();
        !token.is_empty() && value.windows(token.len()).any(|part| part.eq_ignore_ascii_case(token))
    }

    /// The query as it is kept and sent on.
    fn query(&self) -> Option<&str> {
        let names_secret = |query: &str| {
            // However it is spelled.
            form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name.contains(SECRET_PARAMETER))
        };
        self.head.query.map(|query| if names_secret(query) { REDACTED } else { query })
    }

    /// The header that the source's own token comes in, and the token; while it is replaced, also those of before.
    fn own_tokens(&self) -> Vec<OwnToken<'_>> {
        let settings = &self.entry.source.settings;
        let all = match &settings.config.0 {
            _ if settings.kind != "token" => &[],
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let own = all.iter().filter_map(|one| {
            Some(OwnToken { header: one["header"].as_str()?, token: one["token"].as_str()? })
        });
        own.collect()
    }

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
            (receiver.gates.keeps_refused(source.id, now), receiver.gates.tells_refused(source.id, now));
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
            ..self.row(id, Verdict::Refused, reply.status, begin)
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
        let receiver = self.receiver;
        if receiver.gates.keeps_throttled(self.entry.source.id, now) {
            let id: MessageId = receiver.parts.ids.next(now).into();
            let row = self.row(id, Verdict::Refused, reply.status, Bytes::new());
            let row = Inbound { reason: Some(reason.to_owned()), ..row };
            receiver.parts.journal.write(Write::Receive(Box::new(Receive::logged(row)))).await?;
        }
        Ok(reply)
    }

    /// What the body is, as the request says.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.head.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
    }

    /// What is forwarded of a request without a body, as JSON.
    pub(super) fn described(&self) -> Bytes {
        Bytes::from(described(self.head.method.as_str(), &self.path, self.query()))
    }
}

/// A header as the log has it, of a source with these tokens.
fn logged_of(name: &str, value: &[u8], own: &[OwnToken<'_>]) -> (String, String) {
    let mut redacted = own.iter().map(|own| logged(name, value, Some(*own)));
    redacted.find(|(_, kept)| kept == REDACTED).unwrap_or_else(|| logged(name, value, None))
}
