//! Encrypts what must not be read from a copy of the database, in whichever back end: secrets, headers, tokens, settings with them.
//!
//! A sealed value is the text `sealed:<key id>:<base64>`, of a random nonce and what XChaCha20-Poly1305 makes of the value
//! (<https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03>). Column and row are authenticated with it: a value that was
//! moved to another row does not open.
//!
//! Earlier versions wrote values in clear, and these are read as they are until all are sealed. From then on the proof of the key says so,
//! and a value in clear was put there by somebody else: it is refused. Whoever can write to the database cannot write another such proof.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::config::{MASTER_KEY_BYTES, MasterKeys, MasterKeysError};

const PREFIX: &str = "sealed:";
/// So many that random ones never meet.
const NONCE_BYTES: usize = 24;
/// What a key is known by, without being there.
const PROOF: &str = "hookwright";
/// The same once nothing in the database is in clear.
const PROOF_OF_ALL: &str = "hookwright, and nothing is in clear";

/// Secrets cannot be encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// A key that secrets were encrypted with was not given.
    #[error(
        "secrets in the database are encrypted with the master key {id:?}, which is needed: add it behind the one that is to encrypt, or put the key file back that was beside the database"
    )]
    Missing {
        /// The key's id.
        id: String,
    },
    /// Another key has the id.
    #[error(
        "the master key {id:?} is not the one that secrets in the database are encrypted with: give that one, and a new one under an id of its own"
    )]
    Wrong {
        /// The key's id.
        id: String,
    },
    /// A value was changed, or moved to another row.
    #[error("the value in {column} cannot be decrypted: it was changed, or belongs to another row")]
    Unreadable {
        /// Table and column.
        column: &'static str,
    },
    /// A value is not encrypted, although everything in the database is.
    #[error(
        "the value in {column} is not encrypted, and all secrets in this database are: another program put it there, so it is not used; put back what was there, or remove its row"
    )]
    Clear {
        /// Table and column.
        column: &'static str,
    },
    /// Which keys are needed is not noted.
    #[error(
        "secrets in the database are encrypted, but its table master_key does not say with what: put back what was in it, from a backup"
    )]
    Unnoted,
    /// The operating system gives no randomness.
    #[error("the operating system gave no random bytes to encrypt with")]
    Randomness,
    /// The file with the key cannot be read or made.
    #[error("cannot read or make the key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file with the key holds something else.
    #[error("the key file {} {source}; put back what was in it", path.display())]
    NoKeyInFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: MasterKeysError,
    },
}

/// Encrypts and decrypts values.
pub(in crate::store) struct Sealing {
    keys: Vec<Key>,
    /// Which of them encrypts.
    current: usize,
    /// Whether nothing in the database is in clear.
    has_sealed_all: bool,
    /// Columns of which it was told that a value in clear was found in them: it may be read very often.
    told: Mutex<BTreeSet<&'static str>>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// A value that is to be written anew.
pub(in crate::store) struct Resealed {
    pub(in crate::store) text: String,
    /// Whether it was not encrypted at all.
    pub(in crate::store) was_clear: bool,
}

impl Sealing {
    /// Encrypts with the first of these keys.
    pub(in crate::store) fn new(keys: &MasterKeys) -> Sealing {
        let cipher = |bytes: &[u8; MASTER_KEY_BYTES]| XChaCha20Poly1305::new(bytes.into());
        let keys = keys.iter().map(|key| Key { id: key.id.clone(), cipher: cipher(&key.bytes) }).collect();
        Sealing { keys, current: 0, has_sealed_all: false, told: Mutex::default() }
    }

    /// Refuses values in clear from now on, and has proofs say that there are none.
    pub(in crate::store) fn refuse_clear(&mut self) {
        self.has_sealed_all = true;
    }

    /// Whether it refuses values in clear.
    pub(in crate::store) fn refuses_clear(&self) -> bool {
        self.has_sealed_all
    }

    /// The id of the key that encrypts.
    pub(in crate::store) fn id(&self) -> Option<&str> {
        self.keys.get(self.current).map(|key| key.id.as_str())
    }

    /// The id of the key that was given as the one to encrypt with.
    pub(in crate::store) fn first_id(&self) -> Option<&str> {
        self.keys.first().map(|key| key.id.as_str())
    }

    /// Encrypts with the key of this id from now on, if it is there.
    pub(in crate::store) fn use_id(&mut self, id: &str) {
        self.current = self.keys.iter().position(|key| key.id == id).unwrap_or(self.current);
    }

    /// Encrypts with the first key from now on.
    pub(in crate::store) fn use_first(&mut self) {
        self.current = 0;
    }

    /// What is stored to know the key by that encrypts.
    pub(in crate::store) fn proof(&self) -> Result<String, SealingError> {
        self.seal("master_key.proof", &[], if self.has_sealed_all { PROOF_OF_ALL } else { PROOF })
    }

    /// Fails unless the key that made this proof is one of these; gives whether it says that nothing is in clear.
    pub(in crate::store) fn check(&self, id: &str, proof: &str) -> Result<bool, SealingError> {
        let wrong = || SealingError::Wrong { id: id.to_owned() };
        // In clear anybody can write it.
        parts(proof).ok_or_else(wrong)?;
        match self.open("master_key.proof", &[], proof) {
            Ok(text) if *text == PROOF => Ok(false),
            Ok(text) if *text == PROOF_OF_ALL => Ok(true),
            Err(missing @ SealingError::Missing { .. }) => Err(missing),
            _ => Err(wrong()),
        }
    }

    /// What is stored of `clear` in this column of the row with this key. Nothing is hidden of a list or object without anything in it.
    pub(in crate::store) fn seal(
        &self,
        column: &'static str,
        row: &[&[u8]],
        clear: &str,
    ) -> Result<String, SealingError> {
        if is_empty(clear) {
            return Ok(clear.to_owned());
        }
        let unreadable = SealingError::Unreadable { column };
        let Some(key) = self.keys.get(self.current) else { return Err(unreadable) };
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| SealingError::Randomness)?;
        let place = place(column, row);
        let payload = Payload { msg: clear.as_bytes(), aad: &place };
        // It fails only for what is longer than any value.
        let hidden = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| unreadable)?;
        let mut text = format!("{PREFIX}{}:", key.id);
        STANDARD_NO_PAD.encode_string([nonce.as_slice(), &hidden].concat(), &mut text);
        Ok(text)
    }

    /// What was stored as `kept` in this column of the row with this key.
    pub(in crate::store) fn open(
        &self,
        column: &'static str,
        row: &[&[u8]],
        kept: &str,
    ) -> Result<Zeroizing<String>, SealingError> {
        let Some((id, text)) = parts(kept) else {
            return match self.has_sealed_all && !is_empty(kept) {
                true => Err(self.clear_in(column)),
                false => Ok(Zeroizing::new(kept.to_owned())),
            };
        };
        let Some(key) = self.keys.iter().find(|key| key.id == id) else {
            return Err(SealingError::Missing { id: id.to_owned() });
        };
        let opened = || {
            let bytes = STANDARD_NO_PAD.decode(text).ok()?;
            let (nonce, hidden) = bytes.split_first_chunk::<NONCE_BYTES>()?;
            let place = place(column, row);
            let payload = Payload { msg: hidden, aad: &place };
            let clear = key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
            String::from_utf8(clear).ok().map(Zeroizing::new)
        };
        opened().ok_or(SealingError::Unreadable { column })
    }

    /// A value in clear was found, and is not used. Told once, since what reads it next may say no more than that it could not.
    fn clear_in(&self, column: &'static str) -> SealingError {
        let error = SealingError::Clear { column };
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(column) {
            tracing::error!(column, "{error}");
        }
        error
    }

    /// What is to be stored instead of `kept`; `None` if that is sealed with the key that encrypts.
    pub(in crate::store) fn resealed(
        &self,
        column: &'static str,
        row: &[&[u8]],
        kept: &str,
    ) -> Result<Option<Resealed>, SealingError> {
        let id = parts(kept).map(|(id, _)| id);
        if is_empty(kept) || (id.is_some() && id == self.id()) {
            return Ok(None);
        }
        let clear = match self.open(column, row, kept) {
            // It stays as it is, and of no use: sealed it would be taken for one of ours, and nobody is to be kept from starting.
            Err(SealingError::Clear { .. }) => return Ok(None),
            opened => opened?,
        };
        Ok(Some(Resealed { text: self.seal(column, row, &clear)?, was_clear: id.is_none() }))
    }
}

fn is_empty(clear: &str) -> bool {
    matches!(clear, "[]" | "{}")
}

/// The key's id, and what it encrypted; `None` for what is in clear.
fn parts(kept: &str) -> Option<(&str, &str)> {
    kept.strip_prefix(PREFIX)?.split_once(':')
}

/// Column and row, told apart whatever is in them.
fn place(column: &str, row: &[&[u8]]) -> Vec<u8> {
    let mut place = Vec::new();
    for part in std::iter::once(column.as_bytes()).chain(row.iter().copied()) {
        place.extend((part.len() as u64).to_le_bytes());
        place.extend(part);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(keys: &str) -> Sealing {
        let numbered = keys.chars().map(|id| format!("{id}:{}", format!("{:02x}", id as u32).repeat(32)));
        Sealing::new(&numbered.collect::<Vec<_>>().join(",").parse().unwrap())
    }

    const COLUMN: &str = "endpoint.secret";

    #[test]
    fn a_value_opens_in_its_own_place_alone() {
        let sealing = with("a");
        let sealed = sealing.seal(COLUMN, &[b"1", b"23"], "whsec_x").unwrap();
        assert!(sealed.starts_with("sealed:a:") && !sealed.contains("whsec"), "{sealed}");
        assert_ne!(sealed, sealing.seal(COLUMN, &[b"1", b"23"], "whsec_x").unwrap(), "the nonce is random");
        assert_eq!(*sealing.open(COLUMN, &[b"1", b"23"], &sealed).unwrap(), "whsec_x");
        let elsewhere: [(&'static str, &[&[u8]]); 4] = [
            ("endpoint.headers", &[b"1", b"23"]),
            (COLUMN, &[b"12", b"3"]),
            (COLUMN, &[b"1", b"24"]),
            (COLUMN, &[b"1"]),
        ];
        for (column, row) in elsewhere {
            let refused = sealing.open(column, row, &sealed).unwrap_err();
            assert!(matches!(refused, SealingError::Unreadable { .. }), "{column} {row:?}: {refused}");
        }
    }

    #[test]
    fn whatever_is_changed_about_a_value_is_refused() {
        let sealing = with("a");
        let sealed = sealing.seal(COLUMN, &[b"1"], "whsec_x").unwrap();
        for at in "sealed:a:".len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(sealing.open(COLUMN, &[b"1"], &changed).is_err(), "{changed}");
            assert!(sealing.open(COLUMN, &[b"1"], &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_later_key_encrypts_and_an_earlier_one_still_decrypts() {
        let (old, both, new) = (with("a"), with("ba"), with("b"));
        let sealed = old.seal(COLUMN, &[b"1"], "whsec_x").unwrap();
        assert_eq!(*both.open(COLUMN, &[b"1"], &sealed).unwrap(), "whsec_x");
        let resealed = both.resealed(COLUMN, &[b"1"], &sealed).unwrap().unwrap();
        assert!(resealed.text.starts_with("sealed:b:") && !resealed.was_clear);
        assert_eq!(*new.open(COLUMN, &[b"1"], &resealed.text).unwrap(), "whsec_x");
        assert!(both.resealed(COLUMN, &[b"1"], &resealed.text).unwrap().is_none());
        let refused = new.open(COLUMN, &[b"1"], &sealed).unwrap_err().to_string();
        assert!(refused.contains("the master key \"a\", which is needed"), "{refused}");
    }

    #[test]
    fn a_key_is_known_by_its_proof() {
        let proof = with("a").proof().unwrap();
        assert!(!with("ba").check("a", &proof).unwrap());
        assert!(
            matches!(with("a").check("a", PROOF), Err(SealingError::Wrong { .. })),
            "anybody can write that"
        );
        assert!(matches!(with("b").check("a", &proof), Err(SealingError::Missing { id }) if id == "a"));
        let other = Sealing::new(&format!("a:{}", "00".repeat(32)).parse().unwrap());
        assert!(matches!(other.check("a", &proof), Err(SealingError::Wrong { id }) if id == "a"));
    }

    #[test]
    fn once_all_is_sealed_the_proof_says_so_and_nothing_in_clear_is_read_or_sealed() {
        let mut sealing = with("ba");
        sealing.use_id("a");
        let sealed = sealing.seal(COLUMN, &[], "whsec_x").unwrap();
        sealing.refuse_clear();
        assert!(with("a").check("a", &sealing.proof().unwrap()).unwrap());
        for clear in ["whsec_x", "sealed:", "sealed:a", "", "[[\"a\",\"b\"]]"] {
            let refused = sealing.open(COLUMN, &[], clear).unwrap_err();
            assert!(matches!(refused, SealingError::Clear { column: COLUMN }), "{clear}: {refused}");
            assert!(sealing.resealed(COLUMN, &[], clear).unwrap().is_none());
        }
        assert_eq!(*sealing.open(COLUMN, &[], &sealed).unwrap(), "whsec_x");
        for empty in ["[]", "{}"] {
            assert_eq!(*sealing.open(COLUMN, &[], empty).unwrap(), empty);
        }
        sealing.use_first();
        assert!(sealing.resealed(COLUMN, &[], &sealed).unwrap().is_some());
    }

    #[test]
    fn what_is_in_clear_is_read_as_it_is_and_resealed_unless_it_is_empty() {
        let sealing = with("a");
        for clear in ["whsec_x", "[[\"a\",\"b\"]]", "{\"secret\":\"s\"}", ""] {
            assert_eq!(*sealing.open(COLUMN, &[], clear).unwrap(), clear);
            assert!(sealing.resealed(COLUMN, &[], clear).unwrap().unwrap().was_clear);
        }
        for empty in ["[]", "{}"] {
            assert_eq!(sealing.seal(COLUMN, &[], empty).unwrap(), empty);
            assert!(sealing.resealed(COLUMN, &[], empty).unwrap().is_none());
        }
    }
}
