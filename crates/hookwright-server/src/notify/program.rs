//! Which program the notify command is, looked for before anything depends on it.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Any of the three bits that let somebody execute a file.
const EXECUTABLE: u32 = 0o111;

/// A program that is there, and what it is called with.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
}

/// The notify command cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ProgramError {
    /// No program is named.
    #[error("notify_command names no program")]
    Empty,
    /// There is no such file.
    #[error(
        "the program {0} of notify_command is not there; give its whole path, or leave notify_command out"
    )]
    Missing(String),
    /// None of the folders in `PATH` has it.
    #[error("the program {0} of notify_command is in none of the folders of PATH; give its whole path")]
    NotInPath(String),
    /// It is there, but is no file that may be executed.
    #[error("the program {0} of notify_command cannot be executed; make it executable with chmod +x")]
    NotExecutable(String),
}

impl Program {
    /// The program that the first of these words names: by its path, or else looked for in `PATH`, as a shell does.
    pub(crate) fn find(words: &[String]) -> Result<Program, ProgramError> {
        let (named, arguments) = words.split_first().ok_or(ProgramError::Empty)?;
        let path = if named.contains('/') {
            let path = PathBuf::from(named);
            if !path.is_file() {
                return Err(ProgramError::Missing(named.clone()));
            }
            if !is_executable(&path) {
                return Err(ProgramError::NotExecutable(named.clone()));
            }
            path
        } else {
            let folders = env::var_os("PATH").unwrap_or_default();
            let found =
                env::split_paths(&folders).map(|folder| folder.join(named)).find(|path| is_executable(path));
            found.ok_or_else(|| ProgramError::NotInPath(named.clone()))?
        };
        Ok(Program { path, arguments: arguments.to_vec() })
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & EXECUTABLE != 0)
}
