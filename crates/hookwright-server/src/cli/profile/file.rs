//! The file of profiles: servers and their tokens by name, readable by its owner alone.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cli::escape;
use crate::cli::failure::{Failure, eprint_line};

/// The profile that is used when nothing says which server.
pub(in crate::cli) const DEFAULT: &str = "default";

/// A server and its token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Profile {
    pub(in crate::cli) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) token: Option<String>,
}

/// All profiles, and where they are kept.
pub(in crate::cli) struct Profiles {
    path: PathBuf,
    by_name: BTreeMap<String, Profile>,
}

impl Profiles {
    /// The profiles in the file; none if there is no file.
    pub(in crate::cli) fn read() -> Result<Profiles, Failure> {
        let Some(path) = path() else {
            return Err(Failure::new(
                "There is no place for profiles: neither XDG_CONFIG_HOME nor HOME is set.",
            )
            .advise("Set one of them."));
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Profiles { path, by_name: BTreeMap::new() });
            }
            Err(error) => return Err(unreadable(&path, &error)),
        };
        warn_if_open(&path)?;
        let by_name = toml::from_str(&text).map_err(|error: toml::de::Error| {
            // What the error quotes may be a token.
            let line =
                error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count());
            let place = line.map_or_else(String::new, |line| format!(", near line {}", line.max(1)));
            Failure::new(format!("The file {} cannot be understood{place}.", path.display()))
                .advise("For each profile it holds a table [name] with a url and perhaps a token, in TOML.")
        })?;
        Ok(Profiles { path, by_name })
    }

    /// The same, or nothing where no file can be.
    pub(in crate::cli) fn read_if_there() -> Result<Option<Profiles>, Failure> {
        path().map(|_| Profiles::read()).transpose()
    }

    /// The profile of this name.
    pub(in crate::cli) fn take(mut self, name: &str) -> Result<Profile, Failure> {
        self.by_name.remove(name).ok_or_else(|| self.unknown(name))
    }

    pub(super) fn all(&self) -> &BTreeMap<String, Profile> {
        &self.by_name
    }

    pub(super) fn set(&mut self, name: &str, profile: Profile) {
        self.by_name.insert(name.to_owned(), profile);
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.by_name.remove(name).map(drop).ok_or_else(|| self.unknown(name))
    }

    /// Writes the file anew, whole or not at all.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let text = toml::to_string(&self.by_name).map(Zeroizing::new);
        let text =
            text.map_err(|error| Failure::because("The profiles cannot be written as TOML", &error))?;
        let failed = |error: &std::io::Error| {
            Failure::because(&format!("The file {} cannot be written", self.path.display()), error)
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| failed(&error))?;
        // Temporary files are readable by their owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist(&self.path).map_err(|error| failed(&error.error)).map(drop)
    }

    fn unknown(&self, name: &str) -> Failure {
        let failure = Failure::new(format!("There is no profile {name} in {}.", self.path.display()));
        let known: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        match known.is_empty() {
            true => failure.advise(&format!("`hookwright profile set {name} --url …` makes it.")),
            false => failure.advise(&format!("There are: {}.", known.join(", "))),
        }
    }
}

/// `hookwright/profiles.toml` in the user's configuration folder, as the XDG Base Directory specification has it.
fn path() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))?;
    Some(config.join("hookwright").join("profiles.toml"))
}

fn warn_if_open(path: &Path) -> Result<(), Failure> {
    let mode = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display().to_string();
        let path = escape::for_terminal(&path);
        eprint_line(&format!(
            "warning: Others on this machine can read the tokens in {path}. Run `chmod 600 {path}`."
        ));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::because(&format!("The file {} cannot be read", path.display()), error)
}
