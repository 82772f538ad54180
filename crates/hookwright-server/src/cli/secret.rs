//! The secret that a command signs or verifies with: from a flag, a file or the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::input;

const VARIABLE: &str = "HOOKWRIGHT_WEBHOOK_SECRET";
const FILE_VARIABLE: &str = "HOOKWRIGHT_WEBHOOK_SECRET_FILE";

/// Where the secret is.
#[derive(Clone, Default, Args)]
pub(super) struct SecretArgs {
    /// The secret itself; others on this machine can see it here, so prefer a file
    #[arg(long, value_name = "WHSEC", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// File with the secret [env: HOOKWRIGHT_WEBHOOK_SECRET_FILE; or the secret in HOOKWRIGHT_WEBHOOK_SECRET]
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
}

impl std::fmt::Debug for SecretArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretArgs").field("secret_file", &self.secret_file).finish_non_exhaustive()
    }
}

impl SecretArgs {
    /// The secret's text, if it is anywhere; flags hide the environment.
    pub(super) fn text(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(secret) = &self.secret {
            return Ok(Some(Zeroizing::new(secret.trim().to_owned())));
        }
        if let Some(path) = &self.secret_file {
            return from_file(path).map(Some);
        }
        match (variable(VARIABLE), variable(FILE_VARIABLE)) {
            (Some(_), Some(_)) => Err(Failure::new(format!("{VARIABLE} and {FILE_VARIABLE} are both set."))
                .advise("Keep one of them.")),
            (Some(secret), None) => match secret.into_string() {
                Ok(secret) => Ok(Some(Zeroizing::new(secret.trim().to_owned()))),
                Err(_) => Err(Failure::new(format!("{VARIABLE} is not UTF-8, and no secret is like that."))),
            },
            (None, Some(path)) => from_file(Path::new(&path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The secret's text, which the command cannot do without.
    pub(super) fn needed(&self) -> Result<Zeroizing<String>, Failure> {
        self.text()?.ok_or_else(|| {
            Failure::new("No secret was given.").advise(&format!(
                "Name a file that holds it with --secret-file, or set {VARIABLE} to it; it begins with whsec_."
            ))
        })
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The text in a file, without white space around it: a secret, or a token.
pub(super) fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = Zeroizing::new(input::read(path)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.trim().to_owned())),
        Err(_) => Err(Failure::new(format!("The file {} holds no secret: it is not text.", path.display()))),
    }
}
