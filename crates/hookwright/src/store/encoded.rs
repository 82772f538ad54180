//! What is kept as JSON in one text column, in every dialect: names, pairs, and settings that no statement looks into.

use hookwright_signature::Secret;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::domain::application::Metadata;
use crate::domain::endpoint::{EndpointSettings, Header, OldSecret};
use crate::domain::event_filter::EventFilter;
use crate::domain::names::{Channel, EventTypeName, NameError, Tag};
use crate::domain::selection::{Selection, Standing};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// Names as a JSON array.
pub(in crate::store) fn json_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    Value::from_iter(names).to_string()
}

/// Names as a JSON array, or NULL if there are none, which is what most messages have.
pub(in crate::store) fn json_names_or_null<'a>(
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Option<String> {
    (names.len() > 0).then(|| json_names(names))
}

/// Names from a JSON array; none are kept as NULL or `[]`.
pub(in crate::store) fn names<T>(
    text: Option<&str>,
    parse: fn(&str) -> Result<T, NameError>,
    place: &'static str,
) -> Result<Vec<T>, StoreError> {
    let wrong = StoreError::Value { column: place };
    let Some(text) = text else { return Ok(Vec::new()) };
    let Ok(texts) = serde_json::from_str::<Vec<String>>(text) else { return Err(wrong) };
    texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map_err(|_| wrong)
}

/// Key-value pairs as a JSON object.
pub(in crate::store) fn json_metadata(metadata: &Metadata) -> String {
    let pairs = metadata.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    Value::Object(pairs.collect()).to_string()
}

/// What an endpoint filters by, as its column has it.
pub(in crate::store) fn filters_to_json(settings: &EndpointSettings) -> String {
    json_names(settings.event_types.iter().map(EventFilter::as_str))
}

/// An array of pairs and not an object: the order of headers is kept.
pub(in crate::store) fn headers_to_json(headers: &[Header]) -> String {
    let pairs = headers.iter().map(|header| json!([header.name, header.value]));
    Value::from_iter(pairs).to_string()
}

pub(in crate::store) fn headers_from_json(text: &str) -> Result<Vec<Header>, StoreError> {
    let pairs: Vec<(String, String)> =
        serde_json::from_str(text).map_err(|_| StoreError::Value { column: "endpoint.headers" })?;
    Ok(pairs.into_iter().map(|(name, value)| Header { name, value }).collect())
}

pub(in crate::store) fn old_secrets_to_json(secrets: &[OldSecret]) -> Zeroizing<String> {
    let pairs = secrets.iter().map(|old| json!([*old.secret.expose(), old.expires_at.as_micros()]));
    Zeroizing::new(Value::from_iter(pairs).to_string())
}

pub(in crate::store) fn old_secrets_from_json(text: &str) -> Result<Vec<OldSecret>, StoreError> {
    let wrong = || StoreError::Value { column: "endpoint.old_secrets" };
    let pairs: Vec<(Zeroizing<String>, i64)> = serde_json::from_str::<Vec<(String, i64)>>(text)
        .map_err(|_| wrong())?
        .into_iter()
        .map(|(secret, at)| (Zeroizing::new(secret), at))
        .collect();
    pairs
        .into_iter()
        .map(|(secret, at)| {
            let secret = Secret::parse(&secret).map_err(|_| wrong())?;
            Ok(OldSecret { secret, expires_at: Timestamp::from_micros(at) })
        })
        .collect()
}

/// Which messages a background task takes.
pub(in crate::store) fn selection_to_json(selection: &Selection) -> String {
    json!({
        "since": selection.since.as_micros(),
        "until": selection.until.map(Timestamp::as_micros),
        "event_types": selection.event_types.iter().map(EventTypeName::as_str).collect::<Vec<_>>(),
        "channel": selection.channel.as_ref().map(Channel::as_str),
        "tag": selection.tag.as_ref().map(Tag::as_str),
        "standing": selection.standing.map(Standing::as_str),
        "status_class": selection.status_class,
    })
    .to_string()
}

pub(in crate::store) fn selection_from_json(text: &str) -> Result<Selection, StoreError> {
    let wrong = || StoreError::Value { column: "task.parameters" };
    let kept: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    read_selection(&kept).ok_or_else(wrong)
}

fn read_selection(kept: &Value) -> Option<Selection> {
    let event_types = kept["event_types"].as_array()?.iter();
    Some(Selection {
        since: Timestamp::from_micros(kept["since"].as_i64()?),
        until: optional(&kept["until"], |value| value.as_i64().map(Timestamp::from_micros))?,
        event_types: event_types
            .map(|name| EventTypeName::parse(name.as_str()?).ok())
            .collect::<Option<_>>()?,
        channel: optional(&kept["channel"], |value| Channel::parse(value.as_str()?).ok())?,
        tag: optional(&kept["tag"], |value| Tag::parse(value.as_str()?).ok())?,
        standing: optional(&kept["standing"], |value| Standing::from_word(value.as_str()?))?,
        status_class: optional(&kept["status_class"], |value| u8::try_from(value.as_u64()?).ok())?,
    })
}

/// What `read` makes of a value, or nothing if it is null; `None` if it cannot be read.
fn optional<T>(value: &Value, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    if value.is_null() { Some(None) } else { read(value).map(Some) }
}

const WRONG_INBOUND_HEADERS: StoreError = StoreError::Value { column: "inbound.headers" };

pub(in crate::store) fn inbound_headers_to_json(headers: &[(String, String)]) -> Result<String, StoreError> {
    serde_json::to_string(headers).map_err(|_| WRONG_INBOUND_HEADERS)
}

pub(in crate::store) fn inbound_headers_from_json(text: &str) -> Result<Vec<(String, String)>, StoreError> {
    serde_json::from_str(text).map_err(|_| WRONG_INBOUND_HEADERS)
}
