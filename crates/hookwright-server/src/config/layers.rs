//! One layer lies over the other: what a higher one says hides what a lower one says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::{ConfigError, ValueError};
use super::key::{Key, Meaning};
use super::place::Place;

/// The longest secret that is read from a file; more is not a secret but the wrong file.
const SECRET_FILE_MAX_BYTES: usize = 64 * 1024;

/// What one place says, unread.
#[derive(Default)]
pub(super) struct Layer {
    values: BTreeMap<Key, Written>,
    files: BTreeMap<Key, Written>,
}

/// A text and where it was written. The text may be a secret.
pub(super) struct Written {
    pub(super) text: Zeroizing<String>,
    pub(super) place: Place,
}

/// The text that holds for a setting.
pub(super) struct Given {
    pub(super) text: Zeroizing<String>,
    pub(super) place: Place,
    /// The file that the text was read from, if a setting named one.
    pub(super) file: Option<PathBuf>,
}

impl Layer {
    /// Takes in one name and its text.
    pub(super) fn put(&mut self, meaning: Meaning, written: Written) -> Result<(), ConfigError> {
        match meaning {
            Meaning::Value(key) => self.values.insert(key, written),
            Meaning::File(key) => self.files.insert(key, written),
            Meaning::Later => return Err(ConfigError::NotYet { place: written.place }),
        };
        Ok(())
    }

    fn take(&mut self, key: Key) -> Result<Option<Given>, ConfigError> {
        match (self.values.remove(&key), self.files.remove(&key)) {
            (Some(value), Some(file)) => {
                Err(ConfigError::ValueAndFile { place: value.place, file: file.place })
            }
            (Some(Written { text, place }), None) => Ok(Some(Given { text, place, file: None })),
            (None, Some(file)) => read_secret(key, file).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// What holds for each setting that is set anywhere; the highest layer comes first.
pub(super) fn merge<const N: usize>(mut layers: [Layer; N]) -> Result<BTreeMap<Key, Given>, ConfigError> {
    let mut given = BTreeMap::new();
    for key in Key::ALL {
        for layer in &mut layers {
            if let Some(found) = layer.take(key)? {
                given.insert(key, found);
                break;
            }
        }
    }
    Ok(given)
}

fn read_secret(key: Key, file: Written) -> Result<Given, ConfigError> {
    let path = PathBuf::from(file.text.as_str());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(source) => return Err(ConfigError::NamedFile { place: file.place, path, source }),
    };
    let example = key.example();
    let refuse = |problem| ConfigError::Secret { place: file.place.clone(), problem, example };
    if bytes.len() > SECRET_FILE_MAX_BYTES {
        return Err(refuse(ValueError::Range { min: "1".into(), max: "65536 bytes long".into() }));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| refuse(ValueError::NotUtf8))?.trim();
    if text.is_empty() {
        return Err(refuse(ValueError::Empty));
    }
    Ok(Given { text: Zeroizing::new(text.to_owned()), place: file.place, file: Some(path) })
}
