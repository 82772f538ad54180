//! The file beside the database that has its master key, where nobody gave another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::MasterKeys;
use crate::store::sealing::SealingError;
use crate::store::sqlite::file::beside;

/// The keys in the file beside this database; `None` if there is no such file.
pub(super) fn read(database: &Path) -> Result<Option<MasterKeys>, SealingError> {
    let path = beside(database, ".key");
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SealingError::KeyFile { path, source }),
    };
    text.parse().map(Some).map_err(|source| SealingError::NoKeyInFile { path, source })
}

/// Makes the file, with a random key; it is whole and on disk when this returns. One caller at a time.
pub(super) fn make(database: &Path) -> Result<MasterKeys, SealingError> {
    let keys = MasterKeys::random().ok_or(SealingError::Randomness)?;
    let path = beside(database, ".key");
    match write(database, &path, &keys) {
        Ok(()) => Ok(keys),
        Err(source) => Err(SealingError::KeyFile { path, source }),
    }
}

fn write(database: &Path, path: &Path, keys: &MasterKeys) -> io::Result<()> {
    // Under its name it is never there in part.
    let partial: PathBuf = beside(database, ".key.new");
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    file.write_all(keys.to_text().as_bytes())?;
    file.sync_all()?;
    follow_owner(database, &file);
    fs::rename(&partial, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Gives the file to the owner of the database, as SQLite does with its own: root may be the first to open it.
fn follow_owner(database: &Path, file: &File) {
    #[cfg(unix)]
    if let (Ok(theirs), Ok(ours)) = (fs::metadata(database), file.metadata()) {
        use std::os::unix::fs::MetadataExt;
        if theirs.uid() != ours.uid() {
            // Only root can; for others the file is then theirs, and they are told when it cannot be read.
            let _ = std::os::unix::fs::fchown(file, Some(theirs.uid()), Some(theirs.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (database, file);
}
