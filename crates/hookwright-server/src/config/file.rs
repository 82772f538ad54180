//! Settings from a TOML file: one table of texts, numbers, truth values and lists of texts.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::key::{self, Meaning};
use super::layers::{Layer, Written};
use super::nearest::nearest;
use super::place::Place;

/// The file that is read, if it is there and no other is named.
const FILE_DEFAULT: &str = "hookwright.toml";

/// A file that was named, and by what.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) by: &'static str,
}

/// Reads the file that was named, or else the one in the working directory; without one nothing is set there.
///
/// # Errors
///
/// [`ConfigError`] if a named file is not there, or what is there cannot be read or understood.
pub(super) fn read(named: Option<Named>) -> Result<(Option<PathBuf>, Layer), ConfigError> {
    let path = named.as_ref().map_or_else(|| PathBuf::from(FILE_DEFAULT), |named| named.path.clone());
    let bytes = match (std::fs::read(&path), named) {
        (Ok(bytes), _) => Zeroizing::new(bytes),
        (Err(error), Some(Named { path, by })) if error.kind() == ErrorKind::NotFound => {
            return Err(ConfigError::Missing { path, named_by: by });
        }
        (Err(error), None) if error.kind() == ErrorKind::NotFound => return Ok((None, Layer::default())),
        (Err(source), _) => return Err(ConfigError::Unreadable { path, source }),
    };
    let layer = parse(&path, &bytes)?;
    Ok((Some(path), layer))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Layer, ConfigError> {
    let syntax = |offset: usize, problem: &str| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_at(bytes, offset),
        problem: problem.trim_end_matches('.').replace('\n', ", "),
    };
    let text = std::str::from_utf8(bytes).map_err(|error| syntax(error.valid_up_to(), "it is not UTF-8"))?;
    let table = DeTable::parse(text)
        .map_err(|error| syntax(error.span().map_or(0, |span| span.start), error.message()))?;
    let mut layer = Layer::default();
    for (key, value) in table.into_inner() {
        let line = line_at(bytes, key.span().start);
        let name = key.into_inner().into_owned();
        let place = Place::File { key: name.as_str().into(), path: path.into(), line };
        let Some(meaning) = key::meaning(&name) else {
            return Err(ConfigError::Unknown { place, nearest: nearest(&name, key::names()) });
        };
        // What belongs to a later version may be of any kind.
        let (key, text) = match meaning {
            Meaning::Later => return Err(ConfigError::NotYet { place }),
            Meaning::Value(key) | Meaning::File(key) => (key, text_of(value.get_ref())),
        };
        let Some(text) = text else {
            let found = value.get_ref().type_str();
            return Err(ConfigError::Kind { place, found, key: key.name(), example: key.example() });
        };
        layer.put(meaning, Written { text: Zeroizing::new(text), place })?;
    }
    Ok(layer)
}

/// The value as it would be written in an environment variable, so that all places share one syntax.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.as_ref().to_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Array(entries) if entries.is_empty() => Some("none".to_owned()),
        DeValue::Array(entries) => {
            let texts: Option<Vec<&str>> = entries.iter().map(|entry| entry.get_ref().as_str()).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    let before = bytes.get(..offset).unwrap_or(bytes);
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
