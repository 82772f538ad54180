//! The answer to a request whose head cannot be read, or does not come.
//!
//! hyper answers such a head itself, with a status and no body, and nothing of ours is asked. Clients expect JSON with every
//! error, so the bytes of that answer are replaced as they are written.

use serde_json::json;

use super::patience::HEAD_TIMEOUT;

/// Marks the answers that are ours: each has it, and none of hyper's own does.
const OURS: &[u8] = b"x-request-id:";

/// An answer in the place of hyper's own, and how far it is written.
pub(super) struct Refusal {
    bytes: Vec<u8>,
    written: usize,
}

impl Refusal {
    /// The answer to write instead of `bytes`, if these are an answer of hyper's own.
    pub(super) fn instead_of(bytes: &[u8]) -> Option<Refusal> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        let (line, code, detail) = match status {
            b"400" => {
                ("400 Bad Request", "bad_request", "The request is not HTTP/1.1 as RFC 9112 describes it.")
            }
            b"414" => ("414 URI Too Long", "uri_too_long", "The request's path and query are too long."),
            b"431" => (
                "431 Request Header Fields Too Large",
                "headers_too_large",
                "The request's headers are too large: all together may have 32 KiB, and there may be 100.",
            ),
            _ => return None,
        };
        // All of an answer without a body: a part of some longer answer of ours is none, whatever it begins with.
        let is_whole = bytes.ends_with(b"\r\n\r\n")
            && bytes.windows(4).position(|end| end == b"\r\n\r\n") == Some(bytes.len() - 4);
        if !is_whole || bytes.windows(OURS.len()).any(|window| window.eq_ignore_ascii_case(OURS)) {
            return None;
        }
        Some(Refusal::new(line, code, detail))
    }

    /// The answer to a head that takes too long.
    pub(super) fn late() -> Refusal {
        let seconds = HEAD_TIMEOUT.as_secs();
        let detail = format!("The request's head did not arrive within {seconds} seconds.");
        Refusal::new("408 Request Timeout", "request_timeout", &detail)
    }

    fn new(line: &str, code: &str, detail: &str) -> Refusal {
        let body = json!({ "code": code, "detail": detail }).to_string();
        let head = format!(
            "HTTP/1.1 {line}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Refusal { bytes: (head + &body).into_bytes(), written: 0 }
    }

    /// What is left to write.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, written: usize) {
        self.written += written;
    }
}
