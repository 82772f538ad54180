//! The database's files: opened by us alone, told why if they cannot be, and still there as long as they are used.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::error::{StoreError, Unopenable};

/// Makes the file readable by its owner alone, if it is not there: it holds secrets. SQLite's further files follow its mode.
pub(super) fn make_private(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Whatever keeps it from being made is told by SQLite, which tries next.
    let _ = options.open(path);
}

/// Why SQLite could not open the file: it says only that it could not.
pub(super) fn unopenable(path: &Path) -> Unopenable {
    if path.is_dir() {
        return Unopenable::IsFolder;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => return Unopenable::NoFolder { folder: folder.to_owned() },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Unopenable::NoFolder { folder: folder.to_owned() };
        }
        _ => {}
    }
    match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Unopenable::Forbidden,
        // The file is not there, and was not made: then that is what is not allowed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Unopenable::Forbidden,
        Err(error) => Unopenable::Other(error),
        // The file can be opened; what cannot are the files that SQLite makes beside it.
        Ok(_) => Unopenable::Forbidden,
    }
}

/// The database files as they were opened, to notice when somebody removes or replaces them.
///
/// An open file that was removed takes writes as before, and all of them are lost when it is closed.
#[derive(Debug)]
pub(super) struct Presence {
    database: PathBuf,
    files: Vec<(PathBuf, Identity)>,
}

impl Presence {
    /// The database and its write-ahead log as they are now.
    pub(super) fn of(database: &Path) -> Presence {
        let log = beside(database, "-wal");
        let known = |path: PathBuf| Identity::of(&path).map(|identity| (path, identity));
        let files = [database.to_owned(), log].into_iter().filter_map(known).collect();
        Presence { database: database.to_owned(), files }
    }

    /// No files at all, as of a database in memory.
    pub(super) fn of_nothing() -> Presence {
        Presence { database: PathBuf::new(), files: Vec::new() }
    }

    /// Fails if one of them is not where it was.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.files.iter().all(|(path, identity)| Identity::of(path).as_ref() == Some(identity)) {
            true => Ok(()),
            false => Err(StoreError::Replaced { path: self.database.clone() }),
        }
    }
}

/// Which file it is, whatever its name.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl Identity {
    fn of(path: &Path) -> Option<Identity> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            Identity { device_and_inode: (metadata.dev(), metadata.ino()) }
        };
        #[cfg(not(unix))]
        let identity = {
            let _ = metadata;
            Identity {}
        };
        Some(identity)
    }
}

/// The lock that makes a process the only one to deliver from a database; the operating system lets go when it ends.
#[derive(Debug)]
pub(super) struct Lock {
    database: PathBuf,
    path: PathBuf,
    /// The locked file, and which one it is.
    held: (File, Option<Identity>),
}

impl Lock {
    /// Locks a file beside the database for as long as the answer lives.
    pub(super) fn take(database: &Path) -> Result<Lock, StoreError> {
        let path = beside(database, ".lock");
        let held = lock(database, &path)?;
        Ok(Lock { database: database.to_owned(), path, held })
    }

    /// Locks it again if somebody removed it; fails if another process was quicker.
    pub(super) fn keep(&mut self) -> Result<(), StoreError> {
        if Identity::of(&self.path) != self.held.1 {
            self.held = lock(&self.database, &self.path)?;
        }
        Ok(())
    }
}

fn lock(database: &Path, path: &Path) -> Result<(File, Option<Identity>), StoreError> {
    let cannot = |source| StoreError::LockFile { path: path.to_owned(), source };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(
            |source| match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
                _ => cannot(source),
            },
        )?;
    match file.try_lock() {
        Ok(()) => Ok((file, Identity::of(path))),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(cannot(source)),
    }
}

/// The path of a file that stands beside the database.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}
