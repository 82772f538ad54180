//! The keys that secrets in the database are encrypted with.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const MASTER_KEY_BYTES: usize = 32;
/// Characters of a key's id, at most.
const ID_MAX: usize = 32;

/// With or without `=` at its end, as different tools write it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that secrets in the database are encrypted with, each with an id: the first encrypts, the others still decrypt.
///
/// They are written `id:key`, with commas, spaces or line ends between them. A key is 32 random bytes in base64, or 64 hexadecimal
/// digits; an id is 1 to 32 letters, digits, `-`, `_` or `.`, and is stored with what its key encrypts.
///
/// ```
/// use hookwright::config::MasterKeys;
///
/// let keys: MasterKeys = "2026-11:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".parse()?;
/// assert_eq!(format!("{keys:?}"), r#"MasterKeys(["2026-11"])"#); // prints no key
/// # Ok::<(), hookwright::config::MasterKeysError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKeys(Vec<MasterKey>);

/// One of them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterKey {
    pub(crate) id: String,
    pub(crate) bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>,
}

/// A text does not name keys. It is not quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeysError {
    /// There is nothing in it.
    #[error("holds no key")]
    Empty,
    /// There is no colon between an id and a key.
    #[error("holds a key without an id; write id:key")]
    NoId,
    /// An id is too long, or has other characters.
    #[error("holds a key whose id is not 1 to 32 letters, digits, `-`, `_` or `.`")]
    Id,
    /// A key is not 32 bytes.
    #[error("holds under the id {id:?} something that is not 32 bytes in base64, or 64 hexadecimal digits")]
    Key {
        /// Its id.
        id: String,
    },
    /// An id comes twice.
    #[error("holds two keys with the id {id:?}")]
    Twice {
        /// The id.
        id: String,
    },
}

impl MasterKeys {
    /// One key of random bytes with a random id; `None` if the operating system gives no random bytes.
    pub(crate) fn random() -> Option<MasterKeys> {
        let (mut id, mut bytes) = ([0; 4], Zeroizing::new([0; MASTER_KEY_BYTES]));
        getrandom::fill(&mut id).ok()?;
        getrandom::fill(bytes.as_mut_slice()).ok()?;
        let id = format!("made-{:08x}", u32::from_be_bytes(id));
        Some(MasterKeys(vec![MasterKey { id, bytes }]))
    }

    /// Adds those of another list whose ids are not in this one, behind its own.
    pub(crate) fn with(mut self, others: MasterKeys) -> MasterKeys {
        for other in others.0 {
            if self.0.iter().all(|own| own.id != other.id) {
                self.0.push(other);
            }
        }
        self
    }

    /// Each of them, the one that encrypts first.
    #[cfg(feature = "postgres")]
    pub(crate) fn ids(&self) -> Vec<String> {
        self.iter().map(|key| key.id.clone()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        self.0.iter()
    }

    /// As it is read from a text.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for key in &self.0 {
            text.push_str(&key.id);
            text.push(':');
            general_purpose::STANDARD.encode_string(key.bytes.as_slice(), &mut text);
            text.push('\n');
        }
        text
    }
}

impl FromStr for MasterKeys {
    type Err = MasterKeysError;

    fn from_str(text: &str) -> Result<MasterKeys, MasterKeysError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        let entries = text.split(|between: char| between == ',' || between.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            let (id, key) = entry.split_once(':').ok_or(MasterKeysError::NoId)?;
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if id.is_empty() || id.len() > ID_MAX || !id.bytes().all(is_plain) {
                return Err(MasterKeysError::Id);
            }
            let id = id.to_owned();
            if keys.iter().any(|other| other.id == id) {
                return Err(MasterKeysError::Twice { id });
            }
            match bytes(key) {
                Some(bytes) => keys.push(MasterKey { id, bytes }),
                None => return Err(MasterKeysError::Key { id }),
            }
        }
        if keys.is_empty() { Err(MasterKeysError::Empty) } else { Ok(MasterKeys(keys)) }
    }
}

/// The bytes of a key. No text is both: 64 digits would be 48 bytes in base64.
fn bytes(text: &str) -> Option<Zeroizing<[u8; MASTER_KEY_BYTES]>> {
    let read = if text.len() == 2 * MASTER_KEY_BYTES { from_hex(text)? } else { from_base64(text)? };
    let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
    if read.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(&read);
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64.decode(text).ok().map(Zeroizing::new)
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    pairs.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

impl fmt::Debug for MasterKeys {
    /// Writes the ids alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.0.iter().map(|key| key.id.as_str()).collect();
        f.debug_tuple("MasterKeys").field(&format_args!("{ids:?}")).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_base64_and_in_hex_and_written_as_they_are_read() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let keys: MasterKeys = format!("a:{hex},\n b.2-_:{base64}\n").parse().unwrap();
        let read: Vec<_> = keys.iter().map(|key| (key.id.as_str(), key.bytes[31])).collect();
        assert_eq!(read, [("a", 31), ("b.2-_", 31)]);
        assert_eq!(*keys.to_text(), format!("a:{base64}\nb.2-_:{base64}\n"));
        assert_eq!(keys.to_text().parse(), Ok(keys.clone()));
        let unpadded: MasterKeys = format!("a:{}", base64.trim_end_matches('=')).parse().unwrap();
        assert_eq!(
            unpadded.with(keys.clone()),
            keys,
            "the id that is there stays, the other comes behind it"
        );
        let (one, other) = (MasterKeys::random().unwrap(), MasterKeys::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.to_text().parse(), Ok(one));
    }

    #[test]
    fn what_names_no_keys_is_told_without_quoting_it() {
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let refused = |text: &str| text.parse::<MasterKeys>().unwrap_err().to_string();
        assert_eq!(refused(" ,\n"), "holds no key");
        assert_eq!(refused(key), "holds a key without an id; write id:key");
        assert!(refused(&format!("a b:{key}")).contains("without an id"));
        assert!(refused(&format!(":{key}")).contains("whose id is not 1 to 32 letters"));
        assert!(refused(&format!("{}:{key}", "a".repeat(33))).contains("whose id is not"));
        assert_eq!(refused(&format!("a:{key},a:{key}")), "holds two keys with the id \"a\"");
        for wrong in ["", "secret", &key[4..], &"g".repeat(64), &"é".repeat(32)] {
            let told = refused(&format!("a:{wrong}"));
            assert!(told.starts_with("holds under the id \"a\" something that is not 32 bytes"), "{told}");
            assert!(wrong.is_empty() || !told.contains(wrong));
        }
    }
}
