//! What an endpoint gets of a message: the payload as it came, or in the envelope of REST Hooks. Whatever is rendered here is what
//! is signed and sent.

use bytes::Bytes;
use http::HeaderValue;
use url::form_urlencoded::byte_serialize;

use crate::domain::endpoint::Endpoint;
use crate::domain::message::Message;
use crate::domain::payload_format::PayloadFormat;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// The form's one field.
const FORM_FIELD: &str = "payload=";

/// A body, and what it is.
pub(super) struct Rendered {
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
}

pub(super) fn render(message: &Message, endpoint: &Endpoint) -> Rendered {
    match endpoint.settings.format {
        PayloadFormat::Bare => Rendered { content_type: JSON, body: message.payload.clone() },
        PayloadFormat::Hook => Rendered { content_type: JSON, body: envelope(message, endpoint).into() },
        PayloadFormat::HookForm => {
            let mut form = FORM_FIELD.to_owned();
            form.extend(byte_serialize(&envelope(message, endpoint)));
            Rendered { content_type: FORM, body: form.into() }
        }
    }
}

/// The payload with what it is sent for. The payload's bytes are taken as they are: it was seen to be JSON when it came.
fn envelope(message: &Message, endpoint: &Endpoint) -> Vec<u8> {
    let hook = serde_json::json!({
        "id": endpoint.id.to_string(),
        "event": message.event_type.as_str(),
        "target": endpoint.settings.url,
    });
    let (before, between, after) = (&b"{\"hook\":"[..], &b",\"data\":"[..], &b"}"[..]);
    [before, hook.to_string().as_bytes(), between, &message.payload, after].concat()
}
