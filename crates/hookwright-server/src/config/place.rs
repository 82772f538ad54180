//! Where a setting was written, for errors and for `config check`.

use std::fmt;
use std::path::Path;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    Flag {
        /// With its hyphens.
        flag: Box<str>,
    },
    /// In the environment.
    Variable {
        /// Its name.
        variable: Box<str>,
    },
    /// In the configuration file.
    File {
        /// The key, as it is written there.
        key: Box<str>,
        /// The file.
        path: Box<Path>,
        /// Counted from 1.
        line: usize,
    },
    /// Nowhere.
    Default,
}

impl Place {
    /// The layer's name: `flag`, `env`, `file` or `default`.
    pub fn layer(&self) -> &'static str {
        match self {
            Place::Flag { .. } => "flag",
            Place::Variable { .. } => "env",
            Place::File { .. } => "file",
            Place::Default => "default",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Flag { flag } => f.write_str(flag),
            Place::Variable { variable } => f.write_str(variable),
            Place::File { key, path, line } => write!(f, "{key} ({}, line {line})", path.display()),
            Place::Default => f.write_str("the default"),
        }
    }
}
