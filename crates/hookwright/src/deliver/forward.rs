//! What came to a source is sent on: its body byte for byte, its content type, and what its provider said in headers.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::deliver::custom::WebhookBody;
use crate::deliver::render::JSON;
use crate::domain::endpoint::Endpoint;
use crate::domain::inbound::{CameWith, is_forwarded};
use crate::domain::message::Message;

/// What has no content type is sent as bytes that say nothing of themselves (RFC 9110, section 8.3).
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The message's payload under the content type it came with.
pub(super) fn body(message: &Message, came_with: &CameWith) -> WebhookBody {
    let given = came_with.headers.iter().find(|(name, _)| name == CONTENT_TYPE.as_str());
    let content_type = match given {
        _ if came_with.is_described => JSON,
        Some((_, value)) => HeaderValue::try_from(value.as_str()).unwrap_or(BYTES),
        None => BYTES,
    };
    WebhookBody { content_type, bytes: message.payload.clone() }
}

/// Adds the headers that are sent on, but for those that the endpoint has of its own: whoever calls the source must not speak in its
/// name.
pub(super) fn add(headers: &mut HeaderMap, came_with: &CameWith, endpoint: &Endpoint) {
    let is_own = |name: &str| endpoint.headers.iter().any(|own| own.name.eq_ignore_ascii_case(name));
    let sent_on = came_with.headers.iter().filter(|(name, value)| is_forwarded(name, value) && !is_own(name));
    for (name, value) in sent_on {
        let name = HeaderName::try_from(name.as_str());
        // What is no header's value cannot be sent.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
            headers.append(name, value);
        }
    }
}
