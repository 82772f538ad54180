//! A request's proof is checked, and then it is stored with what it becomes; only then it is answered.

use std::sync::Arc;

use bytes::Bytes;
use hookwright_signature::provider::{self, Refused, Verified};
use sha2::{Digest, Sha256};

use crate::domain::inbound::{Inbound, KNOWN_FOR_MIN, Verdict};
use crate::domain::message::Message;
use crate::domain::redaction::{self, Unreadable};
use crate::domain::source::{BodyPolicy, Dedupe};
use crate::error::{Error, Thing};
use crate::receive::door::Door;
use crate::receive::event_type;
use crate::receive::reply::InboundReply;
use crate::receive::routes::{self, Routes};
use crate::store::write::{Append, InboundKey, Receive, Received, Write, Written};

/// Bodies of up to so many bytes are copied out of the buffer they came in.
const COPY_MAX: usize = 4 * 1024;
/// So often a request's message is routed, each time because other nodes have changed its endpoints meanwhile.
const ROUTED_MAX: u32 = 5;
/// What is answered to a request that is not proven.
const UNPROVEN: &str = "The request is not proven to come from its provider.";

/// What is answered to a request that is not proven, and why it is not.
struct Unproven {
    status: u16,
    told: String,
    why: String,
}

impl Door<'_> {
    /// Takes a whole request: when this returns it is on disk, and on its way if it was proven and had not come before.
    pub async fn take(self, body: Bytes) -> Result<InboundReply, Error> {
        // A slice of the connection's buffer would keep all of it in memory while the message waits.
        let body = if body.len() <= COPY_MAX { Bytes::copy_from_slice(&body) } else { body };
        let verified = match self.verify(&body) {
            Ok(verified) => verified,
            Err(Unproven { status, told, why }) => {
                return self.refused(InboundReply::text(status, told), &why, &body).await;
            }
        };
        if let Some(answer) = verified.handshake {
            return self.handshake(reply_of(answer)).await;
        }
        let settings = &self.entry.source.settings;
        // What is made of a request without a body is JSON.
        if settings.body == BodyPolicy::Json && !body.is_empty() && !is_json(&body) {
            let reason = "The body is not JSON, and this source takes nothing else.";
            return self.refused(InboundReply::text(400, reason), reason, &body).await;
        }
        let kept = match self.redacted(&body) {
            Ok(kept) => kept,
            Err(Unreadable) => {
                let reason =
                    "The body is neither JSON nor a form, and this source has parts of bodies redacted.";
                return self.refused(InboundReply::text(400, reason), reason, &body).await;
            }
        };
        self.store(verified, body, kept).await
    }

    /// The body as it is kept.
    fn redacted(&self, body: &Bytes) -> Result<Bytes, Unreadable> {
        let places = &self.entry.source.settings.redact;
        if places.is_empty() || body.is_empty() {
            return Ok(body.clone());
        }
        let kept = redaction::redacted(body, self.content_type(), places)?;
        Ok(kept.map_or_else(|| body.clone(), Bytes::from))
    }

    /// Whoever called learns no more than that it is not proven; why goes into the log.
    fn verify(&self, body: &[u8]) -> Result<Verified, Unproven> {
        let Some(proof) = &self.entry.proof else {
            let why = "the source cannot be verified as it is configured".to_owned();
            return Err(Unproven { status: 401, told: UNPROVEN.to_owned(), why });
        };
        let headers: Vec<(&str, &[u8])> =
            self.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = provider::Inbound {
            method: self.head.method.as_str(),
            path: self.head.path,
            query: self.head.query.unwrap_or_default(),
            url: self.head.url,
            headers: &headers,
            body,
        };
        let now = self.receiver.parts.clock.now().as_seconds();
        proof.verify(&request, now).map_err(|refused| {
            let why = refused.to_string();
            let told =
                if let Refused::WrongToken { .. } = refused { why.clone() } else { UNPROVEN.to_owned() };
            Unproven { status: refused.status(), told, why }
        })
    }

    /// Stores a request of which `kept` is kept.
    async fn store(&self, verified: Verified, body: Bytes, kept: Bytes) -> Result<InboundReply, Error> {
        let (receiver, source) = (self.receiver, &self.entry.source);
        let answer = &source.settings.answer;
        let reply = match verified.reply.clone() {
            Some(answer) => reply_of(answer),
            None => InboundReply {
                content_type: answer.content_type.clone(),
                ..InboundReply::text(answer.status, answer.body.clone())
            },
        };
        let now = receiver.parts.clock.now();
        let id = receiver.parts.ids.next(now).into();
        let settings = &source.settings;
        let header = |name: &str| self.head.headers.get(name).map(http::HeaderValue::as_bytes);
        let (place, providers) = (settings.event_type.as_ref(), verified.event_type.as_deref());
        let (event_type, reason) = match &self.event_type {
            // The product's own code knows better than what is configured.
            Some(read) => event_type::read(None, read(self.head.headers, &body).as_deref(), header, &body),
            None => event_type::read(place, providers, header, &body),
        };
        // The same time as the message's, so that what is replayed since a row has that row.
        let row = Inbound {
            reason,
            received_at: now,
            ..self.row(id, Verdict::Verified, reply.status, kept.clone())
        };
        let known_for = row.expires_at.since(row.received_at).max(KNOWN_FOR_MIN);
        let keys =
            self.keys(&verified, &body).map(|hash| InboundKey { hash, expires_at: now.after(known_for) });
        let keys: Vec<InboundKey> = keys.collect();
        let message = Message {
            id,
            application: source.application,
            event_type,
            event_id: None,
            channels: Vec::new(),
            tags: Vec::new(),
            payload: if kept.is_empty() { self.described() } else { kept },
            created_at: now,
        };
        let copy = row.body.clone();
        let (message, row) = (Arc::new(message), Arc::new(row));
        let parts = &receiver.parts;
        for _ in 0..ROUTED_MAX {
            let known = parts.catalog.known();
            let Some(application) = parts.catalog.application_by_id(source.application).await? else {
                return Ok(InboundReply::not_found());
            };
            let Routes { endpoints, is_held } =
                routes::of(&parts.catalog, source, &application, &message.event_type);
            let append = Append::plain(Arc::clone(&message), endpoints).routed_by(known);
            let row = Arc::clone(&row);
            let receive = Receive { row, keys: keys.clone(), message: Some(append), is_held };
            match parts.journal.write(Write::Receive(Box::new(receive))).await? {
                // Another node has changed who gets it.
                Written::Received(Received::Moved) => {
                    parts.node.catch_up().await?;
                    continue;
                }
                Written::Received(Received::Stored) => parts.measures.inbound_verified.increment(1),
                _ => return Ok(self.copied(reply, keys, copy).await),
            }
            return Ok(reply);
        }
        Err(Error::Busy(Thing::Source))
    }

    /// What this request is known by if it comes again.
    fn keys(&self, verified: &Verified, body: &[u8]) -> impl Iterator<Item = [u8; 32]> {
        let by = |kind: &[u8], what: &[u8]| {
            let hash = Sha256::new_with_prefix(kind).chain_update([0]).chain_update(what);
            <[u8; 32]>::from(hash.finalize())
        };
        let dedupe = self.entry.source.settings.dedupe;
        let id = verified.id.as_ref().map(|id| by(b"id", id.as_bytes()));
        let call = || verified.freshness.as_ref().map(|call| by(b"call", call.as_bytes()));
        let known_by = match dedupe {
            Dedupe::Nothing => None,
            Dedupe::Id | Dedupe::Body => id.or_else(call),
        };
        let body = match dedupe {
            Dedupe::Nothing | Dedupe::Id => None,
            // What came without one is told by what it says otherwise.
            Dedupe::Body if body.is_empty() => Some(by(b"described", self.described_whole().as_bytes())),
            Dedupe::Body => Some(by(b"body", body)),
        };
        known_by.into_iter().chain(body)
    }
}

/// Whether this is a document of JSON, which is in UTF-8 (RFC 8259 section 8.1): what is skipped is not looked at for that.
fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

fn reply_of(answer: provider::Answer) -> InboundReply {
    let mut reply = InboundReply::text(answer.status, String::new());
    reply.content_type = answer.content_type.to_owned();
    reply.body = Bytes::from(answer.body);
    reply
}
