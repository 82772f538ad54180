//! The fields a source is configured with, taken one after the other until none is left.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::error::ConfigError;

/// Fields not taken yet.
pub(super) struct Fields(BTreeMap<String, Zeroizing<String>>);

impl Fields {
    pub(super) fn new<N: AsRef<str>, V: AsRef<str>>(
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        let mut all = BTreeMap::new();
        for (name, value) in fields {
            let value = Zeroizing::new(value.as_ref().to_owned());
            if all.insert(name.as_ref().to_owned(), value).is_some() {
                return Err(ConfigError::new(name.as_ref(), "is there twice"));
            }
        }
        Ok(Self(all))
    }

    /// A field that may be absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.0.remove(name)
    }

    /// A field that must be there and hold something.
    pub(super) fn need(&mut self, name: &str) -> Result<Zeroizing<String>, ConfigError> {
        let value = self.take(name).ok_or_else(|| ConfigError::new(name, "is missing"))?;
        if value.trim().is_empty() {
            Err(ConfigError::new(name, "is empty, and with it anybody could sign"))
        } else if value.trim().len() < value.len() {
            Err(ConfigError::new(name, "begins or ends with white space: copy it again"))
        } else {
            Ok(value)
        }
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self, kind: &str) -> Result<(), ConfigError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(ConfigError::new(&name, format!("is no field of the kind {kind}"))),
        }
    }
}
