//! The base64 this crate reads and writes: the standard alphabet, canonical.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

/// For keys: people copy them, and a double click leaves the `=` behind. The length still says it all.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a key; the buffer is wiped when dropped. The cause of a failure is left out on purpose, since the
/// decoder's error quotes a byte of the key.
pub(crate) fn decode_key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Room for all of it at once, so that growing does not leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(text.len())));
    KEYS.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Decodes a signature of exactly `N` bytes, padding required.
pub(crate) fn decode_signature<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    // The length is checked first: a hostile entry costs nothing, and the buffer below fits every other.
    if Some(text.len()) != base64::encoded_len(N, true) {
        return None;
    }
    let mut buffer = [0; 66];
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    buffer.get(..length)?.try_into().ok()
}

/// Appends the padded base64 of `bytes` to `out`.
pub(crate) fn append(bytes: &[u8], out: &mut String) {
    STANDARD.encode_string(bytes, out);
}
