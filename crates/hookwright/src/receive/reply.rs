//! What a request to a source is answered.

use bytes::Bytes;

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundReply {
    /// The status code.
    pub status: u16,
    /// The header `content-type`.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// The header `allow`: the methods that the source takes.
    pub allow: Option<String>,
    /// The header `retry-after`, in seconds.
    pub retry_after: Option<u64>,
}

impl InboundReply {
    /// An answer of one sentence.
    pub(super) fn text(status: u16, sentence: impl Into<String>) -> InboundReply {
        InboundReply {
            status,
            content_type: "text/plain; charset=utf-8".to_owned(),
            body: Bytes::from(sentence.into()),
            allow: None,
            retry_after: None,
        }
    }

    /// There is no such source, or the token is none of its own: the same words for both.
    pub fn not_found() -> InboundReply {
        InboundReply::text(404, "There is no such source.")
    }
}
