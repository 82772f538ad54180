//! Settings from the environment.

use std::ffi::OsString;

use zeroize::Zeroizing;

use super::error::{ConfigError, ValueError};
use super::key::{self, PREFIX};
use super::layers::{Layer, Written};
use super::place::Place;
use crate::nearest::nearest;

/// Variables that other commands read, or that are read before any setting; here they are no mistakes.
const OTHERS: [&str; 5] = ["config", "url", "webhook_secret", "webhook_secret_file", "bench_database_url"];

/// Reads the variables that begin with `HOOKWRIGHT_`. An empty one counts as not set, since many tools that start
/// programs cannot leave a variable out.
///
/// # Errors
///
/// [`ConfigError`] if one is unknown, not supported yet, or not UTF-8.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (variable, value) in variables {
        let Some(variable) = variable.to_str().filter(|variable| variable.starts_with(PREFIX)) else {
            continue;
        };
        let name = variable[PREFIX.len()..].to_ascii_lowercase();
        if value.is_empty() || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let place = Place::Variable { variable: variable.into() };
        // Variables are in capitals; another spelling would never be read by the other commands.
        let meaning = key::meaning(&name).filter(|_| variable == in_capitals(&name));
        let Some(meaning) = meaning else {
            let known = key::names().chain(OTHERS.map(str::to_owned));
            let nearest = nearest(&name, known).map(|name| in_capitals(&name));
            return Err(ConfigError::Unknown { place, nearest });
        };
        let Ok(text) = value.into_string() else {
            return Err(ConfigError::Secret { place, problem: ValueError::NotUtf8, example: "plain text" });
        };
        layer.put(meaning, Written { text: Zeroizing::new(text), place })?;
    }
    Ok(layer)
}

fn in_capitals(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase())
}
