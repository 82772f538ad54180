//! A payload that comes as a text, in `transformationsParams.rawPayload`: so the SDKs send one that is not to be written anew.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::api::fields::Fields;
use crate::api::nesting;

const FIELD: &str = "transformationsParams";
/// What every webhook is sent as.
const CONTENT_TYPE: &str = "application/json";

/// What is looked at in `transformationsParams`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransformationsParams<'a> {
    #[serde(borrow, default)]
    raw_payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    headers: Option<&'a RawValue>,
}

/// The payload in these parameters, if there is one; it stands in the place of the message's own.
///
/// What is no JSON is refused, and so is another content type: both would arrive as something else than was meant.
pub(super) fn read(params: Option<&RawValue>, fields: &mut Fields) -> Option<String> {
    let params = params?;
    if !params.get().starts_with('{') {
        fields.refuse(FIELD, "must be an object");
        return None;
    }
    let Ok(params) = serde_json::from_str::<TransformationsParams<'_>>(params.get()) else {
        fields.refuse(FIELD, "has rawPayload or headers twice");
        return None;
    };
    let text = serde_json::from_str::<String>(params.raw_payload?.get());
    match text {
        Ok(text) if serde_json::from_str::<IgnoredAny>(&text).is_err() => {
            let msg = "rawPayload must be JSON: payloads of other kinds are not there yet.";
            fields.refuse_saying(FIELD, msg);
            None
        }
        Ok(text) if !nesting::is_bounded(text.as_bytes()) => {
            fields.refuse_saying(FIELD, format!("rawPayload {}.", nesting::REFUSAL));
            None
        }
        Ok(text) => {
            if !is_sent_as_json(params.headers) {
                let msg = format!("A content-type other than {CONTENT_TYPE} is not there yet; leave it out.");
                fields.refuse_saying(FIELD, msg);
            }
            Some(text)
        }
        Err(_) => {
            fields.refuse_saying(FIELD, "rawPayload must be a text.");
            None
        }
    }
}

/// Whether the headers that are asked for, if any, do not have it sent as something else.
fn is_sent_as_json(headers: Option<&RawValue>) -> bool {
    let Some(headers) = headers else { return true };
    let Ok(headers) = serde_json::from_str::<BTreeMap<String, String>>(headers.get()) else { return false };
    headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).all(|(_, value)| {
        // There may be parameters, such as the character set.
        value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(CONTENT_TYPE))
    })
}
