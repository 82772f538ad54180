//! The payloads: numbered, and of a given size.

/// The smallest size, in bytes: the largest number fits.
pub(super) const SIZE_MIN: u64 = 40;
/// The largest size, in bytes: the server takes messages of 1 MiB by default.
pub(super) const SIZE_MAX: u64 = 1_000_000;

const BEFORE_NUMBER: &str = "{\"n\":";
const BEFORE_PADDING: &str = ",\"pad\":\"";
const END: &str = "\"}";

/// The payload number `number`, `size` bytes of JSON, behind `before` and in front of `after`.
pub(super) fn write(before: &str, number: u64, size: u64, after: &str) -> Vec<u8> {
    let digits = number.to_string();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let taken = BEFORE_NUMBER.len() + digits.len() + BEFORE_PADDING.len() + END.len();
    let mut body = Vec::with_capacity(before.len() + size + after.len());
    for part in [before, BEFORE_NUMBER, &digits, BEFORE_PADDING] {
        body.extend_from_slice(part.as_bytes());
    }
    body.resize(body.len() + size.saturating_sub(taken), b'x');
    for part in [END, after] {
        body.extend_from_slice(part.as_bytes());
    }
    body
}

/// The number of a payload as it arrived.
pub(super) fn number(body: &[u8]) -> Option<u64> {
    let rest = body.strip_prefix(BEFORE_NUMBER.as_bytes())?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{SIZE_MIN, number, write};

    #[test]
    fn a_payload_has_its_size_and_tells_its_number() {
        for (n, size) in [(0, 250), (u64::MAX, SIZE_MIN), (12_345, 1_000_000)] {
            let payload = write("", n, size, "");
            assert_eq!(payload.len() as u64, size);
            assert_eq!(number(&payload), Some(n));
            assert!(serde_json::from_slice::<serde_json::Value>(&payload).is_ok());
        }
        assert_eq!(number(b"{\"n\":"), None);
        assert_eq!(number(b"{\"n\":99999999999999999999,"), None);
        assert_eq!(number(b"[]"), None);
    }
}
