//! What an endpoint gets of a message: the payload as it came. Whatever is rendered here is what is signed and sent.

use bytes::Bytes;
use http::HeaderValue;

use crate::domain::message::Message;

/// A body, and what it is.
pub(super) struct Rendered {
    pub(super) content_type: HeaderValue,
    pub(super) body: Bytes,
}

pub(super) fn render(message: &Message) -> Rendered {
    Rendered { content_type: HeaderValue::from_static("application/json"), body: message.payload.clone() }
}
