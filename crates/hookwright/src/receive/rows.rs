//! What the log keeps of a request, and what is forwarded of it.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use crate::domain::ids::MessageId;
use crate::domain::inbound::{
    Inbound, OwnToken, REDACTED, REFUSED_RETENTION_MAX, Verdict, described, is_same, logged,
};
use crate::domain::redacted_query::{is_parameter, names_credential, redacted_query};
use crate::domain::redaction::redacted_or_nothing;
use crate::domain::short_ids::InboundId;
use crate::receive::door::Door;

/// How the name of the parameter ends that Meta sends its configured token in.
const OWN_PARAMETER: &str = "verify_token";
/// The content type of descriptions.
const JSON: &str = "application/json";

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
        let kept = if verdict == Verdict::Verified { kept } else { kept.min(REFUSED_RETENTION_MAX) };
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
            query: self.logged_query().map(Cow::into_owned),
            headers: headers
                .map(|(name, value)| match self.has_url_token(value.as_bytes()) {
                    true => (name.as_str().to_owned(), REDACTED.to_owned()),
                    false => logged_of(name.as_str(), value.as_bytes(), &own),
                })
                .collect(),
            message: None,
            event_type: None,
            copy_of: None,
            body,
        }
    }

    /// Whether the token of the source's URL is in it: servers in front of this one write the path into headers of their own.
    fn has_url_token(&self, value: &[u8]) -> bool {
        let token = self.head.token.as_bytes();
        !token.is_empty() && value.windows(token.len()).any(|part| part.eq_ignore_ascii_case(token))
    }

    /// The query as the log has it: without what may be a credential, unless the sender is asked about that. As it is shown it is without
    /// that too.
    fn logged_query(&self) -> Option<Cow<'_, str>> {
        let query = self.head.query?;
        let settings = &self.entry.source.settings;
        let own = settings.config.secrets();
        let asked_about: Vec<&str> =
            settings.confirm.iter().flat_map(|confirm| confirm.url.parameters()).collect();
        let takes_out = |name: &str, value: &str| {
            self.is_own(&own, name, value)
                || (settings.takes_get() && settings.redact.iter().any(|place| is_parameter(place, name)))
                || (names_credential(name) && !asked_about.contains(&name))
        };
        Some(redacted_query(query, takes_out))
    }

    /// The query as it is sent on: whole, but for what this source is known by.
    fn forwarded_query(&self) -> Option<Cow<'_, str>> {
        let query = self.head.query?;
        let own = self.entry.source.settings.config.secrets();
        Some(redacted_query(query, |name, value| self.is_own(&own, name, value)))
    }

    /// Whether a parameter is one of the source's `own` secrets, the token of its URL, or a verify token, which may be one mistyped.
    fn is_own(&self, own: &[&str], name: &str, value: &str) -> bool {
        name.ends_with(OWN_PARAMETER)
            || self.has_url_token(value.as_bytes())
            || own.iter().any(|secret| is_same(secret.as_bytes(), value.as_bytes()))
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

    /// What the body is, as the request says.
    pub(super) fn content_type(&self) -> Option<&str> {
        self.head.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
    }

    /// What is forwarded of a request without a body, as JSON.
    pub(super) fn described(&self) -> Bytes {
        let query = self.forwarded_query();
        let described = described(self.head.method.as_str(), &self.path, query.as_deref());
        let redact = &self.entry.source.settings.redact;
        Bytes::copy_from_slice(&redacted_or_nothing(described.as_bytes(), Some(JSON), redact))
    }

    /// What tells a request without a body from others.
    pub(super) fn described_whole(&self) -> String {
        described(self.head.method.as_str(), &self.path, self.head.query)
    }
}

/// A header as the log has it, of a source with these tokens.
fn logged_of(name: &str, value: &[u8], own: &[OwnToken<'_>]) -> (String, String) {
    let mut redacted = own.iter().map(|own| logged(name, value, Some(*own)));
    redacted.find(|(_, kept)| kept == REDACTED).unwrap_or_else(|| logged(name, value, None))
}
