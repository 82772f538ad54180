//! A source on the wire: what comes in.

use std::collections::BTreeMap;
use std::time::Duration;

use hookwright::domain::json_pointer::JsonPointer;
use hookwright::domain::names::SourceUid;
use hookwright::domain::short_ids::SourceId;
use hookwright::domain::source::{self, ANSWER_BYTES_MAX, BodyPolicy, Dedupe, ProofConfig, SourceSettings};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::error::ApiError;
use crate::api::fields::{Fields, given};
use crate::api::ingest::confirm::SourceConfirmIn;
use crate::api::ingest::event_type::SourceEventType;
use crate::config::parse_duration;

/// The methods that a source can take.
const METHODS: [&str; 5] = ["POST", "GET", "PUT", "PATCH", "DELETE"];
/// The most bytes of an answer's content type.
const CONTENT_TYPE_MAX: usize = 256;
/// The most parts of bodies that are redacted.
const REDACTED_MAX: usize = 50;
/// The longest that requests are kept.
const RETENTION_MAX: Duration = Duration::from_secs(36_500 * 86_400);

/// A source to be made, or to be put in the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct IngestSourceIn {
    /// What it is for, for people.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// How its requests prove where they come from, such as `github`; see the page about receiving for all kinds.
    #[serde(rename = "type")]
    kind: String,
    /// What proving needs, which the kind decides: `{"secret": "…"}` for most.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// Your own id for it, unique among the sources of your organisation.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 60, pattern = "^(?!src_)[a-zA-Z0-9_-]+$")]
    uid: Option<String>,
    /// Free key-value pairs. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    /// The methods that are taken: `POST`, unless its provider uses another too.
    #[serde(default)]
    #[schema(max_items = 5)]
    methods: Option<Vec<String>>,
    /// `any`, or `json` to refuse other bodies.
    #[serde(default)]
    body: Option<String>,
    /// How a request that comes again is known: by the provider's `id`, by that or the `body`, or not at all (`none`).
    #[serde(default)]
    dedupe: Option<String>,
    /// Where requests say what happened, if not where those of its kind do.
    #[serde(default)]
    event_type: Option<SourceEventType>,
    /// Parts of bodies that are neither kept nor forwarded, such as `/card/number`: JSON pointers; of a form, `/` and a field's name.
    #[serde(default)]
    #[schema(max_items = 50)]
    redact: Option<Vec<String>>,
    /// How the sender is asked whether a request is true; what is not confirmed is not forwarded.
    #[serde(default)]
    confirm: Option<SourceConfirmIn>,
    /// What is answered to a request that was taken.
    #[serde(default)]
    answer: Option<SourceAnswer>,
    /// At most so many requests a second; others are answered with 429.
    #[serde(default)]
    #[schema(minimum = 1)]
    throttle_rate: Option<u16>,
    /// How long its requests are kept, such as `7d`, and what was forwarded of them.
    #[serde(default)]
    retention: Option<String>,
}

/// What to change about a source; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct IngestSourcePatch {
    /// What it is for, for people.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 1, max_length = 256, value_type = String, required = false)]
    name: Option<String>,
    /// What proving needs, all of it: a new secret, say.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Object, required = false)]
    config: Option<Map<String, Value>>,
    /// Your own id for it; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 1, max_length = 60, pattern = "^(?!src_)[a-zA-Z0-9_-]+$", value_type = Option<String>)]
    uid: Option<Option<String>>,
    /// Free key-value pairs, all of them.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    metadata: Option<BTreeMap<String, String>>,
    /// The methods that are taken.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_items = 5, value_type = Vec<String>, required = false)]
    methods: Option<Vec<String>>,
    /// `any`, or `json` to refuse other bodies.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    body: Option<String>,
    /// How a request that comes again is known: `id`, `body` or `none`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false)]
    dedupe: Option<String>,
    /// Where requests say what happened; null: where those of its kind do.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SourceEventType>)]
    event_type: Option<Option<SourceEventType>>,
    /// Parts of bodies that are neither kept nor forwarded, all of them.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_items = 50, value_type = Vec<String>, required = false)]
    redact: Option<Vec<String>>,
    /// How the sender is asked whether a request is true, all of it, its headers too; null: it is not asked.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SourceConfirmIn>)]
    confirm: Option<Option<SourceConfirmIn>>,
    /// What is answered to a request that was taken; null: the usual.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SourceAnswer>)]
    answer: Option<Option<SourceAnswer>>,
    /// At most so many requests a second; null: no limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, value_type = Option<u16>)]
    throttle_rate: Option<Option<u16>>,
    /// How long its requests are kept, such as `7d`; null: as long as those of others.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    retention: Option<Option<String>>,
}

/// What is answered to a request that was taken.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct SourceAnswer {
    /// The status code.
    #[serde(default = "usual_status")]
    #[schema(minimum = 200, maximum = 299, default = 200)]
    status: u16,
    /// The body.
    #[serde(default = "usual_body")]
    #[schema(default = "Message received okay.")]
    body: String,
    /// The header `content-type`.
    #[serde(default = "usual_content_type")]
    #[schema(min_length = 1, max_length = 256, default = "text/plain; charset=utf-8")]
    content_type: String,
}

fn usual_status() -> u16 {
    source::SourceAnswer::default().status
}

fn usual_body() -> String {
    source::SourceAnswer::default().body
}

fn usual_content_type() -> String {
    source::SourceAnswer::default().content_type
}

impl SourceAnswer {
    pub(super) fn of(answer: &source::SourceAnswer) -> SourceAnswer {
        let source::SourceAnswer { status, body, content_type } = answer.clone();
        SourceAnswer { status, body, content_type }
    }
}

impl IngestSourceIn {
    pub(super) fn checked(self) -> Result<SourceSettings, ApiError> {
        let mut fields = Fields::default();
        let config = Value::Object(self.config.unwrap_or_default());
        let mut settings = SourceSettings::new(fields.name(self.name), self.kind, config);
        settings.uid = source_uid(&mut fields, self.uid.as_deref());
        settings.metadata = fields.metadata(self.metadata.unwrap_or_default());
        if let Some(names) = self.methods {
            settings.methods = methods(&mut fields, names);
        }
        if let Some(word) = self.body {
            settings.body = body_policy(&mut fields, &word).unwrap_or(settings.body);
        }
        if let Some(word) = self.dedupe {
            settings.dedupe = dedupe(&mut fields, &word).unwrap_or(settings.dedupe);
        }
        settings.event_type = self.event_type.and_then(|place| place.read(&mut fields));
        settings.redact = redact(&mut fields, self.redact.unwrap_or_default());
        settings.confirm = self.confirm.and_then(|confirm| confirm.read(&mut fields));
        settings.answer = answer(&mut fields, self.answer);
        settings.throttle_rate = fields.rate(self.throttle_rate, None);
        settings.retention = self.retention.and_then(|text| retention(&mut fields, &text));
        fields.finish()?;
        Ok(settings)
    }
}

impl IngestSourcePatch {
    /// What the patch does to a source.
    pub(super) fn change(self) -> Result<impl FnMut(&mut SourceSettings) + Send, ApiError> {
        let mut fields = Fields::default();
        let name = self.name.map(|name| fields.name(name));
        let config = self.config.map(|config| ProofConfig(Value::Object(config)));
        let uid = self.uid.map(|uid| source_uid(&mut fields, uid.as_deref()));
        let metadata = self.metadata.map(|metadata| fields.metadata(metadata));
        let methods = self.methods.map(|names| methods(&mut fields, names));
        let body = self.body.and_then(|word| body_policy(&mut fields, &word));
        let dedupe = self.dedupe.and_then(|word| dedupe(&mut fields, &word));
        let event_type = self.event_type.map(|place| place.and_then(|place| place.read(&mut fields)));
        let redacted = self.redact.map(|texts| redact(&mut fields, texts));
        let confirm = self.confirm.map(|given| given.and_then(|given| given.read(&mut fields)));
        let answer = self.answer.map(|given| answer(&mut fields, given));
        let throttle_rate = self.throttle_rate.map(|rate| fields.rate(rate, None));
        let retention = self.retention.map(|text| text.and_then(|text| retention(&mut fields, &text)));
        fields.finish()?;
        Ok(move |settings: &mut SourceSettings| {
            set(&mut settings.name, &name);
            set(&mut settings.config, &config);
            set(&mut settings.uid, &uid);
            set(&mut settings.metadata, &metadata);
            set(&mut settings.methods, &methods);
            set(&mut settings.body, &body);
            set(&mut settings.dedupe, &dedupe);
            set(&mut settings.event_type, &event_type);
            set(&mut settings.redact, &redacted);
            set(&mut settings.confirm, &confirm);
            set(&mut settings.answer, &answer);
            set(&mut settings.throttle_rate, &throttle_rate);
            set(&mut settings.retention, &retention);
        })
    }
}

fn set<T: Clone>(place: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        place.clone_from(given);
    }
}

fn source_uid(fields: &mut Fields, value: Option<&str>) -> Option<SourceUid> {
    let value = value?;
    if value.starts_with(SourceId::PREFIX) {
        fields.refuse("uid", "must not begin with src_, as our own ids do");
        return None;
    }
    fields.parsed("uid", value, SourceUid::parse)
}

fn methods(fields: &mut Fields, names: Vec<String>) -> Vec<String> {
    if names.is_empty() || names.len() > METHODS.len() {
        fields
            .refuse("methods", format_args!("must be from 1 to {} of {}", METHODS.len(), METHODS.join(", ")));
    } else if let Some(unknown) = names.iter().find(|name| !METHODS.contains(&name.as_str())) {
        let quoted: String = unknown.chars().take(20).collect();
        fields.refuse("methods", format_args!("has {quoted:?}, and may have {}", METHODS.join(", ")));
    }
    names
}

fn body_policy(fields: &mut Fields, word: &str) -> Option<BodyPolicy> {
    let found = BodyPolicy::from_word(word);
    if found.is_none() {
        fields.refuse("body", format_args!("must be one of {}", BodyPolicy::WORDS.join(", ")));
    }
    found
}

fn dedupe(fields: &mut Fields, word: &str) -> Option<Dedupe> {
    let found = Dedupe::from_word(word);
    if found.is_none() {
        fields.refuse("dedupe", format_args!("must be one of {}", Dedupe::WORDS.join(", ")));
    }
    found
}

fn redact(fields: &mut Fields, texts: Vec<String>) -> Vec<JsonPointer> {
    if texts.len() > REDACTED_MAX {
        fields.refuse(
            "redact",
            format_args!("must have at most {REDACTED_MAX} items, and has {}", texts.len()),
        );
        return Vec::new();
    }
    let mut read = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match JsonPointer::parse(text) {
            Ok(pointer) => read.push(pointer),
            Err(error) => fields.refuse_saying("redact", format!("redact[{index}] {error}.")),
        }
    }
    read
}

fn answer(fields: &mut Fields, given: Option<SourceAnswer>) -> source::SourceAnswer {
    let Some(SourceAnswer { status, body, content_type }) = given else {
        return source::SourceAnswer::default();
    };
    if !(200..300).contains(&status) || (status == 204 || status == 205) && !body.is_empty() {
        fields.refuse("answer", "must have a status from 200 to 299, and no body with 204 and 205");
    }
    if body.len() > ANSWER_BYTES_MAX {
        fields.refuse("answer", format_args!("must have a body of at most {ANSWER_BYTES_MAX} bytes"));
    }
    if content_type.is_empty()
        || content_type.len() > CONTENT_TYPE_MAX
        || HeaderValue::try_from(content_type.as_str()).is_err()
    {
        let why = format_args!(
            "must have a contentType of 1 to {CONTENT_TYPE_MAX} bytes that can be sent as a header"
        );
        fields.refuse("answer", why);
    }
    source::SourceAnswer { status, body, content_type }
}

fn retention(fields: &mut Fields, text: &str) -> Option<Duration> {
    let read = parse_duration(text).ok().filter(|kept| !kept.is_zero() && *kept <= RETENTION_MAX);
    if read.is_none() {
        fields.refuse("retention", "must be a duration such as 12h or 7d");
    }
    read
}
