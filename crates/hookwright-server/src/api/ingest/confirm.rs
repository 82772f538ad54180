//! How a source's sender is asked whether what came is true, on the wire. Its headers come in and never go out.

use std::collections::BTreeMap;
use std::time::Duration;

use hookwright::domain::confirm_url::ConfirmUrl;
use hookwright::domain::confirmation::{CONFIRM_TIMEOUT_DEFAULT, CONFIRM_TIMEOUT_MAX, Confirm, Expected};
use hookwright::domain::json_pointer::JsonPointer;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::fields::{Fields, given};
use crate::config::{format_duration, parse_duration};

/// What each wrong value is told of.
const FIELD: &str = "confirm";
/// Headers of one question.
const HEADERS_MAX: usize = 20;
/// Bytes of all headers of one question.
const HEADERS_BYTES_MAX: usize = 8 * 1024;
/// Headers that a question has of its own, or that frame it.
const RESERVED: [&str; 7] =
    ["host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "user-agent"];

/// How the sender is asked, before a request is forwarded, whether what it says is true.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct SourceConfirmIn {
    /// Where, by GET. `{query:name}`, `{header:name}` and `{body:/pointer}` stand for what the request has, in the path and the query.
    #[schema(max_length = 4096)]
    url: String,
    /// Headers of the request that asks, such as `authorization`. They never come back.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Which answer confirms; without it any status from 200 to 299.
    #[serde(default)]
    expect: SourceExpected,
    /// How long the answer may take, such as `5s`.
    #[serde(default)]
    timeout: Option<String>,
}

/// Which answer confirms.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct SourceExpected {
    /// Its status code; any from 200 to 299 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 599)]
    status: Option<u16>,
    /// Where in its body (JSON) a value is, such as `/paid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// What that value must be.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    equals: Option<Value>,
}

/// How the sender is asked. What its headers hold is not told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SourceConfirmOut<'a> {
    /// Where.
    url: &'a str,
    /// The names of the headers that are set.
    header_names: Vec<&'a str>,
    /// Which answer confirms.
    expect: SourceExpected,
    /// How long the answer may take.
    timeout: String,
}

impl SourceConfirmIn {
    pub(super) fn read(self, fields: &mut Fields) -> Option<Confirm> {
        let url = match ConfirmUrl::parse(self.url.trim()) {
            Ok(url) => Some(url),
            Err(error) => {
                fields.refuse_saying(FIELD, format!("The url of confirm {error}."));
                None
            }
        };
        let headers = headers(fields, self.headers);
        let expected = self.expect.read(fields);
        let timeout = self.timeout.map_or(Some(CONFIRM_TIMEOUT_DEFAULT), |text| timeout(fields, &text));
        Some(Confirm { url: url?, headers, expected: expected?, timeout: timeout? })
    }
}

impl SourceExpected {
    fn read(self, fields: &mut Fields) -> Option<Expected> {
        if self.status.is_some_and(|status| !(100..600).contains(&status)) {
            fields.refuse_saying(FIELD, "The status that confirm expects must be from 100 to 599.");
        }
        let value = match (self.pointer, self.equals) {
            (None, None) => None,
            (Some(text), Some(equals)) => match JsonPointer::parse(&text) {
                Ok(pointer) => Some((pointer, equals)),
                Err(error) => {
                    fields.refuse_saying(
                        FIELD,
                        format!("The pointer that confirm expects a value at {error}."),
                    );
                    return None;
                }
            },
            _ => {
                fields.refuse_saying(
                    FIELD,
                    "What confirm expects must have both pointer and equals, or neither.",
                );
                return None;
            }
        };
        Some(Expected { status: self.status, value })
    }
}

fn headers(fields: &mut Fields, given: BTreeMap<String, String>) -> Vec<(String, String)> {
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if given.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
        let most = format!(
            "The headers of confirm must be at most {HEADERS_MAX}, and {HEADERS_BYTES_MAX} bytes in all."
        );
        fields.refuse_saying(FIELD, most);
        return Vec::new();
    }
    let mut read = Vec::with_capacity(given.len());
    for (name, value) in given {
        let shown: String = name.chars().take(40).collect();
        match HeaderName::try_from(name.as_str()) {
            Ok(name) if RESERVED.contains(&name.as_str()) => {
                fields.refuse_saying(
                    FIELD,
                    format!("The headers of confirm must not have {shown:?}, which is ours to set."),
                );
            }
            Ok(name) if HeaderValue::try_from(value.as_str()).is_ok() => {
                read.push((name.as_str().to_owned(), value))
            }
            _ => fields.refuse_saying(
                FIELD,
                format!("The headers of confirm have {shown:?}, which cannot be sent."),
            ),
        }
    }
    read
}

fn timeout(fields: &mut Fields, text: &str) -> Option<Duration> {
    let read = parse_duration(text).ok().filter(|read| !read.is_zero() && *read <= CONFIRM_TIMEOUT_MAX);
    if read.is_none() {
        let most = CONFIRM_TIMEOUT_MAX.as_secs();
        fields.refuse_saying(
            FIELD,
            format!("The timeout of confirm must be a duration such as 5s, at most {most}s."),
        );
    }
    read
}

impl SourceConfirmOut<'_> {
    pub(super) fn of(confirm: &Confirm) -> SourceConfirmOut<'_> {
        let (pointer, equals) = match &confirm.expected.value {
            Some((pointer, equals)) => (Some(pointer.as_str().to_owned()), Some(equals.clone())),
            None => (None, None),
        };
        SourceConfirmOut {
            url: confirm.url.as_str(),
            header_names: confirm.headers.iter().map(|(name, _)| name.as_str()).collect(),
            expect: SourceExpected { status: confirm.expected.status, pointer, equals },
            timeout: format_duration(confirm.timeout),
        }
    }
}
