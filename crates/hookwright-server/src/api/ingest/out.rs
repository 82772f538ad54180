//! A source on the wire: what goes out. Never its secrets, but the URL that its provider sends to.

use hookwright::domain::application::Metadata;
use hookwright::domain::short_ids::SourceId;
use hookwright::domain::source::SourceWithToken;
use hookwright_signature::provider::SourceKind;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::answer::Shown;
use crate::api::ingest::confirm::SourceConfirmOut;
use crate::api::ingest::dto::SourceAnswer;
use crate::api::ingest::event_type::SourceEventType;
use crate::api::time::Rfc3339;
use crate::config::format_duration;
use crate::inbound::ingest_url;
use crate::server::AppState;

/// What our own kinds are answered as: clients fail on kinds that they do not know.
const UNKNOWN_TO_CLIENTS: &str = "generic-webhook";

/// Where inbound webhooks come from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct IngestSourceOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<SourceId>,
    /// Your own id for it.
    uid: Option<&'a str>,
    /// What it is for, for people.
    name: &'a str,
    /// How its requests prove where they come from; `generic-webhook` for kinds that only Hookwright has.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The kind, if only Hookwright has it.
    #[serde(rename = "kind", skip_serializing_if = "Option::is_none")]
    own_kind: Option<&'a str>,
    /// What of its configuration is no secret.
    #[schema(value_type = Object)]
    config: Value,
    /// Where its provider sends. Whoever knows it can send there too.
    ingest_url: String,
    /// Free key-value pairs.
    metadata: &'a Metadata,
    /// The methods that are taken.
    methods: &'a [String],
    /// `any`, or `json` if other bodies are refused.
    body: &'static str,
    /// How a request that comes again is known: `id`, `body` or `none`.
    dedupe: &'static str,
    /// Where requests say what happened; null: where those of its kind do.
    event_type: Option<SourceEventType>,
    /// Parts of bodies that are neither kept nor forwarded.
    redact: Vec<&'a str>,
    /// How the sender is asked whether a request is true; null: it is not asked.
    confirm: Option<SourceConfirmOut<'a>>,
    /// What is answered to a request that was taken.
    answer: SourceAnswer,
    /// At most so many requests a second.
    throttle_rate: Option<u16>,
    /// How long its requests are kept; null: as long as those of others.
    retention: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl IngestSourceOut<'_> {
    pub(in crate::api) fn of<'a>(state: &AppState, found: &'a SourceWithToken) -> IngestSourceOut<'a> {
        let (source, settings) = (&found.source, &found.source.settings);
        let is_ours = SourceKind::parse(&settings.kind).is_some_and(SourceKind::is_ours);
        IngestSourceOut {
            id: Shown(source.id),
            uid: settings.uid.as_ref().map(|uid| uid.as_str()),
            name: &settings.name,
            kind: if is_ours { UNKNOWN_TO_CLIENTS } else { &settings.kind },
            own_kind: is_ours.then_some(&settings.kind),
            config: settings.config.shown(),
            ingest_url: ingest_url(&state.options.public_url, source.id, &found.token),
            metadata: &settings.metadata,
            methods: &settings.methods,
            body: settings.body.word(),
            dedupe: settings.dedupe.word(),
            event_type: settings.event_type.as_ref().map(SourceEventType::of),
            redact: settings.redact.iter().map(|pointer| pointer.as_str()).collect(),
            confirm: settings.confirm.as_ref().map(SourceConfirmOut::of),
            answer: SourceAnswer::of(&settings.answer),
            throttle_rate: settings.throttle_rate,
            retention: settings.retention.map(format_duration),
            created_at: Rfc3339(source.created_at),
            updated_at: Rfc3339(source.updated_at),
        }
    }
}
