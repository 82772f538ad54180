//! Settings from a TOML file: texts, numbers, truth values and lists of texts, some in tables of their own; and `[events]`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hookwright::domain::event_registry::EventRegistry;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::key::{self, EVENTS, Key, Meaning, TABLES};
use super::layers::{Layer, Written};
use super::place::Place;
use crate::nearest::nearest;

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
pub(super) fn read(named: Option<Named>) -> Result<(Option<PathBuf>, Layer, EventRegistry), ConfigError> {
    let path = named.as_ref().map_or_else(|| PathBuf::from(FILE_DEFAULT), |named| named.path.clone());
    let bytes = match (std::fs::read(&path), named) {
        (Ok(bytes), _) => Zeroizing::new(bytes),
        (Err(error), Some(Named { path, by })) if error.kind() == ErrorKind::NotFound => {
            return Err(ConfigError::Missing { path, named_by: by });
        }
        (Err(error), None) if error.kind() == ErrorKind::NotFound => {
            return Ok((None, Layer::default(), EventRegistry::default()));
        }
        (Err(source), _) => return Err(ConfigError::Unreadable { path, source }),
    };
    let file = File { path: &path, bytes: &bytes };
    let (layer, events) = file.parse()?;
    Ok((Some(path), layer, events))
}

/// What is being read.
struct File<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl File<'_> {
    fn parse(&self) -> Result<(Layer, EventRegistry), ConfigError> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|error| self.syntax(error.valid_up_to(), "it is not UTF-8"))?;
        let table = DeTable::parse(text)
            .map_err(|error| self.syntax(error.span().map_or(0, |span| span.start), error.message()))?;
        let (mut layer, mut events) = (Layer::default(), EventRegistry::default());
        for (key, value) in table.into_inner() {
            let name = key.get_ref().as_ref();
            if name == EVENTS {
                self.events(self.table(name, &key, value)?, &mut events)?;
            } else if TABLES.contains(&name) {
                for (inner, value) in self.table(name, &key, value)? {
                    let (within, inner_name) = (format!("{name}."), inner.get_ref());
                    let place = self.place(format!("{within}{inner_name}"), &inner);
                    self.setting(&mut layer, &format!("{name}_{inner_name}"), place, value.get_ref())?;
                }
            } else {
                self.setting(&mut layer, name, self.place(name.to_owned(), &key), value.get_ref())?;
            }
        }
        Ok((layer, events))
    }

    fn setting(
        &self,
        layer: &mut Layer,
        name: &str,
        place: Place,
        value: &DeValue<'_>,
    ) -> Result<(), ConfigError> {
        let Some(meaning) = key::meaning(name) else {
            let known = key::names().chain([EVENTS].into_iter().chain(TABLES).map(str::to_owned));
            return Err(ConfigError::Unknown { place, nearest: nearest(name, known) });
        };
        // What belongs to a later version may be of any kind.
        let (key, text) = match meaning {
            Meaning::Later => return Err(ConfigError::NotYet { place }),
            Meaning::Value(Key::NotifyCommand) => (Key::NotifyCommand, command_of(value)),
            Meaning::Value(key) | Meaning::File(key) => (key, text_of(value)),
        };
        let Some(text) = text else {
            let found = value.type_str();
            return Err(ConfigError::Kind { place, found, key: key.name(), example: key.example() });
        };
        layer.put(meaning, Written { text: Zeroizing::new(text), place })
    }

    /// The events of `[events]`, in the order of their names.
    fn events(&self, table: DeTable<'_>, events: &mut EventRegistry) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let place = self.place(format!("{EVENTS}.\"{name}\""), &key);
            let Some(source) = value.get_ref().as_str() else {
                let (found, wanted) = (value.get_ref().type_str(), "a text");
                let example = r#""book.added" = "bookstore.Book.created""#;
                return Err(ConfigError::Shape { place, found, wanted, example });
            };
            events.declare_text(name, source).map_err(|source| ConfigError::Event { place, source })?;
        }
        Ok(())
    }

    fn table<'t>(
        &self,
        name: &str,
        key: &Spanned<DeString<'t>>,
        value: Spanned<DeValue<'t>>,
    ) -> Result<DeTable<'t>, ConfigError> {
        match value.into_inner() {
            DeValue::Table(table) => Ok(table),
            other => {
                let place = self.place(name.to_owned(), key);
                let example = match name {
                    EVENTS => r#"[events], and below it "book.added" = "bookstore.Book.created""#,
                    "notify" => r#"[notify], and below it command = ["/usr/local/bin/notify"]"#,
                    _ => {
                        "[rest_hooks], and below it verify_url = \"https://app.example.com/internal/verify\""
                    }
                };
                Err(ConfigError::Shape { place, found: other.type_str(), wanted: "a table", example })
            }
        }
    }

    fn place(&self, shown: String, key: &Spanned<DeString<'_>>) -> Place {
        Place::File { key: shown.into(), path: self.path.into(), line: line_at(self.bytes, key.span().start) }
    }

    fn syntax(&self, offset: usize, problem: &str) -> ConfigError {
        ConfigError::Syntax {
            path: self.path.to_owned(),
            line: line_at(self.bytes, offset),
            problem: problem.trim_end_matches('.').replace('\n', ", "),
        }
    }
}

/// A command as [`super::value::command`] reads it.
fn command_of(value: &DeValue<'_>) -> Option<String> {
    let DeValue::Array(words) = value else { return text_of(value) };
    let words: Option<Vec<&str>> = words.iter().map(|word| word.get_ref().as_str()).collect();
    words.map(|words| serde_json::Value::from(words).to_string())
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
