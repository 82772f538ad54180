//! What an endpoint gets of a message: the payload as it came, or in the envelope of REST Hooks. Whatever is rendered here is what
//! is signed and sent.

use http::HeaderValue;
use url::form_urlencoded::byte_serialize;

use crate::deliver::custom::WebhookBody;
use crate::domain::endpoint::Endpoint;
use crate::domain::message::Message;
use crate::domain::payload_format::PayloadFormat;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// The form's one field.
const FORM_FIELD: &str = "payload=";

/// The body, unless the product makes one of its own.
pub(super) fn usual(message: &Message, endpoint: &Endpoint) -> WebhookBody {
    match endpoint.settings.format {
        PayloadFormat::Bare => WebhookBody::json(message.payload.clone()),
        PayloadFormat::Hook => WebhookBody::json(envelope(message, endpoint)),
        PayloadFormat::HookForm => {
            let mut form = FORM_FIELD.to_owned();
            form.extend(byte_serialize(&envelope(message, endpoint)));
            WebhookBody { content_type: FORM, bytes: form.into() }
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
