//! What came to a source is sent on: its body byte for byte, its content type, and what its provider said in headers.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::deliver::custom::WebhookBody;
use crate::deliver::render::JSON;
use crate::domain::inbound::is_forwarded;
use crate::domain::message::Message;

/// What has no content type is sent as bytes that say nothing of themselves (RFC 9110, section 8.3).
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The message's payload under the content type it came with.
pub(super) fn body(message: &Message, came_with: &[(String, String)]) -> WebhookBody {
    let given = came_with.iter().find(|(name, _)| name == CONTENT_TYPE.as_str());
    // What was made of a request without a body is JSON.
    let is_described = message.payload.starts_with(br#"{"method":"#);
    let content_type = match given {
        _ if is_described => JSON,
        Some((_, value)) => HeaderValue::try_from(value.as_str()).unwrap_or(BYTES),
        None => BYTES,
    };
    WebhookBody { content_type, bytes: message.payload.clone() }
}

/// Adds the headers that are sent on.
pub(super) fn add(headers: &mut HeaderMap, came_with: &[(String, String)]) {
    for (name, value) in came_with.iter().filter(|(name, value)| is_forwarded(name, value)) {
        let name = HeaderName::try_from(name.as_str());
        // What cannot be sent was text that is no header's value: it was made readable for the log.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
            headers.append(name, value);
        }
    }
}
