//! Request ids: the caller's own if it is sane, otherwise a fresh one.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that answers carry the id in.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header in which the Svix SDKs send theirs.
const SVIX_REQUEST_ID: HeaderName = HeaderName::from_static("svix-req-id");
/// A longer one would only fill the log.
const LENGTH_MAX: usize = 128;

/// Makes request ids that differ from each other, and from those of other runs.
pub(super) struct RequestIds {
    run: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> RequestIds {
        let mut run = [0; 8];
        // Without randomness ids of two runs may be alike, which is no reason not to serve.
        let _ = getrandom::fill(&mut run);
        RequestIds { run: u64::from_le_bytes(run), next: AtomicU64::new(0) }
    }

    /// The id of a request with these headers.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(SVIX_REQUEST_ID).or_else(|| headers.get(REQUEST_ID));
        match given {
            Some(value) if is_sane(value) => value.clone(),
            _ => self.fresh(),
        }
    }

    fn fresh(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("req-{:016x}-{number:x}", self.run);
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("req"))
    }
}

fn is_sane(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=LENGTH_MAX).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insane_id_is_replaced_and_a_sane_one_kept() {
        let ids = RequestIds::new();
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(text));
            ids.of(&headers)
        };
        assert_eq!(of("1234-abc"), "1234-abc");
        assert_ne!(of("a\tb"), "a\tb");
        assert_ne!(of("x y"), of("x y"));
    }
}
