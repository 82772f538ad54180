//! What can be wrong with a configuration, in sentences for the operator: what, why, and what to do.

use std::path::PathBuf;

use super::place::Place;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file was named, and is not there.
    #[error("The configuration file {}, which {named_by} names, does not exist.", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The flag or variable.
        named_by: &'static str,
    },
    /// The file is there, and cannot be read.
    #[error("The configuration file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}, line {line}, is not valid TOML: {problem}.", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser says; it quotes no values.
        problem: String,
    },
    /// Nothing has this name.
    #[error("{place} is no setting.{}", suggestion(nearest.as_deref()))]
    Unknown {
        /// Where the name is.
        place: Place,
        /// The known name that is most like it, if one is.
        nearest: Option<String>,
    },
    /// The name belongs to a later version.
    #[error("{place} is not supported by this version yet. Remove it to go on without it.")]
    NotYet {
        /// Where the name is.
        place: Place,
    },
    /// A secret is given twice in one place.
    #[error("{place} and {file} are both set. Keep one of them.")]
    ValueAndFile {
        /// Where the secret is.
        place: Place,
        /// Where the file with the secret is named.
        file: Place,
    },
    /// The file has a value of a kind that no setting has.
    #[error("{place} is a TOML {found}, and must be a text, for example {key} = \"{example}\".")]
    Kind {
        /// Where it is.
        place: Place,
        /// What TOML calls it.
        found: &'static str,
        /// The key to write.
        key: &'static str,
        /// A value that one could write.
        example: &'static str,
    },
    /// The file has a value where a table belongs, or a value of another kind than this one takes.
    #[error("{place} is a TOML {found}, and must be {wanted}, for example {example}.")]
    Shape {
        /// Where it is.
        place: Place,
        /// What TOML calls it.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What one could write.
        example: &'static str,
    },
    /// The file declares an event that cannot be declared so.
    #[error("{place} cannot be declared: {source}.")]
    Event {
        /// Where it is.
        place: Place,
        /// What is wrong with it.
        source: hookwright::domain::event_registry::RegistryError,
    },
    /// The text is not a value of this setting.
    #[error("{place} is {value:?}, which {problem}. An example is {example}.")]
    Value {
        /// Where it is.
        place: Place,
        /// What is written there.
        value: Box<str>,
        /// What is wrong with it.
        problem: ValueError,
        /// A value that one could write.
        example: &'static str,
    },
    /// The secret cannot be used; it is not quoted.
    #[error("The value of {place} {problem}. An example is {example}.")]
    Secret {
        /// Where it is.
        place: Place,
        /// What is wrong with it.
        problem: ValueError,
        /// A value that one could write.
        example: &'static str,
    },
    /// A file that a setting names cannot be read.
    #[error("{place} names the file {}, which cannot be read", path.display())]
    NamedFile {
        /// Where it is named.
        place: Place,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// `dev` was told to be reachable from elsewhere.
    #[error(
        "{place} is {address}, and `hookwright dev` listens on this machine alone, because its token is public. Use 127.0.0.1, or run `hookwright serve`."
    )]
    DevAddress {
        /// Where it is.
        place: Place,
        /// The address.
        address: std::net::SocketAddr,
    },
}

/// What is wrong with a value: the rest of a sentence that begins with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// The bytes are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// A duration without a unit.
    #[error("has no unit; units are ms, s, m, h and d")]
    NoUnit,
    /// A unit that is not known.
    #[error("has the unit {found:?}; units are {known}")]
    Unit {
        /// What stands behind the number.
        found: Box<str>,
        /// What may stand there.
        known: &'static str,
    },
    /// There is no whole number at the start.
    #[error("does not begin with a whole number")]
    Number,
    /// Beyond what makes sense.
    #[error("must be {min} to {max}")]
    Range {
        /// The least.
        min: Box<str>,
        /// The most.
        max: Box<str>,
    },
    /// None of the words that may stand there.
    #[error("must be {0}")]
    Choice(&'static str),
    /// Too many entries.
    #[error("has {found} entries, and may have {max}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// Not an address with a port.
    #[error("is not an IP address and a port")]
    Address,
    /// Not a network.
    #[error("has the entry {0:?}, which is not a network in CIDR notation")]
    Network(Box<str>),
    /// Not a URL to build others on.
    #[error("is not an http or https URL without user, query and fragment")]
    Url,
    /// Not a command.
    #[error("is not a JSON array of texts, the program first")]
    Command,
    /// Not a database.
    #[error(transparent)]
    Database(#[from] hookwright::config::DatabaseUrlError),
    /// Not keys to encrypt with.
    #[error(transparent)]
    MasterKeys(#[from] hookwright::config::MasterKeysError),
    /// A token that no HTTP header can carry.
    #[error("has a space or a character that is not ASCII, which no Authorization header can carry")]
    Token,
    /// Not a log filter.
    #[error("is not a log filter")]
    LogFilter,
    /// A certificate file without a certificate.
    #[error("names a file without a PEM certificate")]
    NoCertificate,
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!(" Did you mean {name}?"),
        None => " `hookwright config check` lists all settings.".to_owned(),
    }
}
