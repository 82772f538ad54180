//! How the settings of a source are kept that have no column of their own: as JSON, whatever the backend.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::confirm_url::ConfirmUrl;
use crate::domain::confirmation::{Confirm, Expected};
use crate::domain::event_type_place::EventTypePlace;
use crate::domain::json_pointer::JsonPointer;
use crate::domain::source::{BodyPolicy, Dedupe, SourceAnswer, SourceSettings};
use crate::store::error::StoreError;

const WRONG: StoreError = StoreError::Value { column: "source.settings" };

/// As it is written. What came later may be missing in rows of earlier versions.
#[derive(Serialize, Deserialize)]
struct Settings {
    methods: Vec<String>,
    body: String,
    dedupe: String,
    status: u16,
    answer: String,
    content_type: String,
    throttle_rate: Option<u16>,
    retention_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_type_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_type_pointer: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redact: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirm: Option<Asking>,
}

/// How the sender is asked.
#[derive(Serialize, Deserialize)]
struct Asking {
    url: String,
    headers: Vec<(String, String)>,
    status: Option<u16>,
    /// A pointer, and what must be there.
    value: Option<(String, Value)>,
    timeout_ms: u64,
}

/// What is written of these settings.
pub(super) fn encoded(settings: &SourceSettings) -> Result<String, StoreError> {
    let (event_type_header, event_type_pointer) = match &settings.event_type {
        None => (None, None),
        Some(EventTypePlace::Header(name)) => (Some(name.clone()), None),
        Some(EventTypePlace::Pointer(pointer)) => (None, Some(pointer.as_str().to_owned())),
    };
    let written = Settings {
        methods: settings.methods.clone(),
        body: settings.body.word().to_owned(),
        dedupe: settings.dedupe.word().to_owned(),
        status: settings.answer.status,
        answer: settings.answer.body.clone(),
        content_type: settings.answer.content_type.clone(),
        throttle_rate: settings.throttle_rate,
        retention_ms: settings.retention.map(millis),
        event_type_header,
        event_type_pointer,
        redact: settings.redact.iter().map(|pointer| pointer.as_str().to_owned()).collect(),
        confirm: settings.confirm.as_ref().map(asking),
    };
    serde_json::to_string(&written).map_err(|_| WRONG)
}

fn asking(confirm: &Confirm) -> Asking {
    let value = confirm.expected.value.as_ref();
    Asking {
        url: confirm.url.as_str().to_owned(),
        headers: confirm.headers.clone(),
        status: confirm.expected.status,
        value: value.map(|(pointer, wanted)| (pointer.as_str().to_owned(), wanted.clone())),
        timeout_ms: millis(confirm.timeout),
    }
}

fn confirm(asking: Asking) -> Result<Confirm, StoreError> {
    let value = match asking.value {
        Some((pointer, wanted)) => Some((JsonPointer::parse(&pointer).map_err(|_| WRONG)?, wanted)),
        None => None,
    };
    Ok(Confirm {
        url: ConfirmUrl::parse(&asking.url).map_err(|_| WRONG)?,
        headers: asking.headers,
        expected: Expected { status: asking.status, value },
        timeout: Duration::from_millis(asking.timeout_ms),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// These settings with what was written beside their columns.
pub(super) fn decoded(bare: SourceSettings, text: &str) -> Result<SourceSettings, StoreError> {
    let read: Settings = serde_json::from_str(text).map_err(|_| WRONG)?;
    let pointer = |text: String| JsonPointer::parse(&text).map_err(|_| WRONG);
    let event_type_pointer = read.event_type_pointer.map(pointer).transpose()?;
    Ok(SourceSettings {
        methods: read.methods,
        body: BodyPolicy::from_word(&read.body).ok_or(WRONG)?,
        dedupe: Dedupe::from_word(&read.dedupe).ok_or(WRONG)?,
        event_type: read
            .event_type_header
            .map(EventTypePlace::Header)
            .or(event_type_pointer.map(EventTypePlace::Pointer)),
        redact: read.redact.into_iter().map(pointer).collect::<Result<_, _>>()?,
        confirm: read.confirm.map(confirm).transpose()?,
        answer: SourceAnswer { status: read.status, body: read.answer, content_type: read.content_type },
        throttle_rate: read.throttle_rate,
        retention: read.retention_ms.map(Duration::from_millis),
        ..bare
    })
}
