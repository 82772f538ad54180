//! What can go wrong with a database, told apart by what one does about it.

use std::path::PathBuf;

use crate::store::sealing::SealingError;

/// A database cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("cannot open the database file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database library says.
        #[source]
        source: rusqlite::Error,
    },
    /// The file cannot be opened or made, and the operating system says why.
    #[error("cannot open the database file {}: {why}", path.display())]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        why: Unopenable,
    },
    /// There is no such file, and the call makes none.
    #[error("there is no database at {}; name the one that the server uses, or make a new one with `hookwright migrate`", path.display())]
    NoDatabase {
        /// The file.
        path: PathBuf,
    },
    /// Somebody removed the file, or put another in its place, while it was in use.
    #[error("the database file {} was removed or replaced while it was in use, and nothing is written to what is left of it; put the file back, or stop hookwright and start it again", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of some other program.
    #[error("the database {} belongs to another program; give hookwright a file of its own", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process delivers from the same file.
    #[error("the database {} is in use by another hookwright process; stop that one, or give this one a database of its own", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The lock file beside the database cannot be made.
    #[error("cannot make the lock file {}", path.display())]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds a lock on the file, and did not let go in time.
    #[error("the database is locked by another process")]
    Locked,
    /// The file, or its folder, may not be written.
    #[error("the database is read-only; hookwright must be able to write the file and the folder it is in")]
    ReadOnly,
    /// The disk has no room left.
    #[error("the disk that holds the database is full")]
    Full,
    /// The file is not a database of ours, or it is damaged.
    #[error("the database file is damaged, or is not a database")]
    NotADatabase,
    /// A newer hookwright has migrated this database.
    #[error(
        "the database has schema {found}, and this hookwright knows schemas up to {known}; run the newer hookwright that migrated it"
    )]
    Newer {
        /// The schema number of the database.
        found: u32,
        /// The newest schema number this program knows.
        known: u32,
    },
    /// A migration that was applied differs from the one this program has.
    #[error(
        "migration {number} of the database differs from the one this hookwright has; the database was made by another build"
    )]
    Checksum {
        /// The migration's number.
        number: u32,
    },
    /// A row holds something this program cannot read.
    #[error("the database holds a value in {column} that this hookwright cannot read")]
    Value {
        /// Table and column.
        column: &'static str,
    },
    /// A secret cannot be encrypted or decrypted.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// Anything else the database library reports.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
}

/// Why a database file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unopenable {
    /// The path is a folder.
    #[error("it is a folder; name a file in it")]
    IsFolder,
    /// The folder it should be in is not there.
    #[error("there is no folder {}; make it first", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// This user may not read it, write it, or make files beside it.
    #[error(
        "permission denied; the user that runs hookwright must be able to write the file and the folder it is in"
    )]
    Forbidden,
    /// Anything else.
    #[error("{0}")]
    Other(std::io::Error),
}

impl StoreError {
    /// Whether it is about what was to be written or read, not about the database as a whole.
    pub(crate) fn is_of_one_item(&self) -> bool {
        matches!(self, StoreError::Value { .. } | StoreError::Sealing(_) | StoreError::Sqlite(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly,
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::NotADatabase,
            _ => StoreError::Sqlite(error),
        }
    }
}
