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
    /// The URL of a PostgreSQL database cannot be understood.
    #[cfg(feature = "postgres")]
    #[error(
        "the URL of the PostgreSQL database cannot be understood; an example is postgres://user:password@host:5432/database"
    )]
    Address(#[source] tokio_postgres::Error),
    /// Its `sslmode` is none that there is.
    #[cfg(feature = "postgres")]
    #[error(
        "sslmode of the PostgreSQL database's URL is none of disable, prefer, require, verify-ca and verify-full"
    )]
    SslMode,
    /// The file with the authorities to trust cannot be used.
    #[cfg(feature = "postgres")]
    #[error("sslrootcert {} cannot be read, or holds no certificates in PEM form", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[cfg(feature = "postgres")]
    #[error("TLS to the PostgreSQL server cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The thread for connections cannot be started.
    #[cfg(feature = "postgres")]
    #[error("the thread that drives the connections to PostgreSQL cannot be started")]
    Thread(#[source] std::io::Error),
    /// The operating system gives no randomness.
    #[cfg(feature = "postgres")]
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The server cannot be reached, or it cut the connection.
    #[cfg(feature = "postgres")]
    #[error("the PostgreSQL server cannot be reached, or has ended the connection")]
    Unreachable(#[source] tokio_postgres::Error),
    /// The server shows a certificate that is not to be trusted.
    #[cfg(feature = "postgres")]
    #[error("the certificate of the PostgreSQL server is refused: {why}")]
    Certificate {
        /// What is wrong with it.
        why: &'static str,
        /// What TLS says.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A pooler between gives sessions the connections of others.
    #[cfg(feature = "postgres")]
    #[error(
        "a pooler between hookwright and PostgreSQL gives a session another connection for each transaction, and hookwright's sessions must stay whole; set pool_mode = session in PgBouncer, or name the PostgreSQL server itself"
    )]
    SharedSessions,
    /// The server did not answer in time.
    #[cfg(feature = "postgres")]
    #[error("the PostgreSQL server does not answer in time")]
    Silent,
    /// Others have taken over what this node held: it was not heard of for too long.
    #[cfg(feature = "postgres")]
    #[error(
        "this node was taken for dead, and others have taken over what it held; it goes on with what comes now"
    )]
    LeaseLost,
    /// Other transactions were faster, several times in a row.
    #[cfg(feature = "postgres")]
    #[error("other transactions of the PostgreSQL database were in the way, several times in a row")]
    Raced,
    /// A migration could not have its tables.
    #[cfg(feature = "postgres")]
    #[error(
        "the schema could not be migrated, since transactions hold its tables; end those that are open for long, such as a report or a dump, and start again"
    )]
    TablesInUse,
    /// Another node has changed an application since its messages were routed.
    #[cfg(feature = "postgres")]
    #[error("what is configured was changed by another node, several times in a row")]
    CatalogMoved,
    /// The server only copies another.
    #[cfg(feature = "postgres")]
    #[error("the PostgreSQL server is a read-only replica; name the primary server")]
    Replica,
    /// The server is too old.
    #[cfg(feature = "postgres")]
    #[error("the server is PostgreSQL {found}, and hookwright needs version 15 or later")]
    OldServer {
        /// Its major version.
        found: i32,
    },
    /// The database cannot hold every text.
    #[cfg(feature = "postgres")]
    #[error("the PostgreSQL database has the encoding {found}; make one with ENCODING 'UTF8'")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// The connection has no schema to make tables in.
    #[cfg(feature = "postgres")]
    #[error(
        "the user of the PostgreSQL database's URL has no schema to make tables in; give it one, or name one with options=-csearch_path%3Dname"
    )]
    NoSchema,
    /// What the URL sets for its sessions is not set.
    #[cfg(feature = "postgres")]
    #[error(
        "a pooler in front of the PostgreSQL server ignores the schema that the URL names (options=); name the server itself"
    )]
    OptionsIgnored,
    /// The schema has tables of some other program.
    #[cfg(feature = "postgres")]
    #[error(
        "the schema of the PostgreSQL database has tables of another program; give hookwright a database of its own, or a schema with options=-csearch_path%3Dname in the URL"
    )]
    ForeignSchema,
    /// There is nothing in the database, and the call makes nothing.
    #[cfg(feature = "postgres")]
    #[error(
        "the PostgreSQL database is empty; name the one that the server uses, or make its tables with `hookwright migrate`"
    )]
    EmptyDatabase,
    /// What is in it was not moved there to its end.
    #[cfg(feature = "postgres")]
    #[error(
        "an installation is being moved into the PostgreSQL database from {source_file}, or that was broken off; run `hookwright migrate --from sqlite://{source_file} --to postgres://…` again, which begins anew, or name another database"
    )]
    UnfinishedMove {
        /// The SQLite file.
        source_file: String,
    },
    /// No master key was given.
    #[cfg(feature = "postgres")]
    #[error(
        "a PostgreSQL database needs a master key that secrets in it are encrypted with; set HOOKWRIGHT_MASTER_KEY to id:key, the same for all that use the database, where the key is what `openssl rand -hex 32` prints"
    )]
    NoMasterKey,
    /// Anything else the server reports.
    #[cfg(feature = "postgres")]
    #[error("the PostgreSQL database failed")]
    Postgres(#[source] tokio_postgres::Error),
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

/// What `catalog_guard` raises.
#[cfg(feature = "postgres")]
const CATALOG_MOVED: &str = "HW002";

impl StoreError {
    /// Whether it is about what was to be written or read, not about the database as a whole.
    pub(crate) fn is_of_one_item(&self) -> bool {
        match self {
            StoreError::Value { .. } | StoreError::Sealing(_) | StoreError::Sqlite(_) => true,
            #[cfg(feature = "postgres")]
            StoreError::Postgres(_) => true,
            _ => false,
        }
    }
}

/// What `lease_guard` raises, which is a function of ours.
#[cfg(feature = "postgres")]
const LEASE_LOST: &str = "HW001";

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

#[cfg(feature = "postgres")]
impl StoreError {
    /// Whether a row is there already that there may be once: by a unique index whose name begins so.
    pub(in crate::store) fn is_taken_in(&self, index: &str) -> bool {
        let StoreError::Postgres(error) = self else { return false };
        error.as_db_error().is_some_and(|error| {
            *error.code() == tokio_postgres::error::SqlState::UNIQUE_VIOLATION
                && error.constraint().is_some_and(|name| name.starts_with(index))
        })
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> StoreError {
        use tokio_postgres::error::SqlState;
        // What does not come from the server comes from the way to it, or is a value of another kind than was asked for, which
        // no test has left.
        let Some(code) = error.code() else {
            return match crate::store::postgres::refusal(&error) {
                Some(why) => StoreError::Certificate { why, source: error },
                None => StoreError::Unreachable(error),
            };
        };
        if code.code() == LEASE_LOST {
            return StoreError::LeaseLost;
        }
        match *code {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => StoreError::Raced,
            SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => StoreError::Silent,
            // A row that was on its way to a partition when its day got one of its own: a constraint of ours has a name.
            SqlState::CHECK_VIOLATION if error.as_db_error().is_none_or(|it| it.constraint().is_none()) => {
                StoreError::Raced
            }
            SqlState::DISK_FULL => StoreError::Full,
            SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Replica,
            _ if code.code() == CATALOG_MOVED => StoreError::CatalogMoved,
            _ => match code.code().get(..2) {
                // Connections, authorisation, no database, resources, the operator, the system, faults of the server.
                Some("08" | "28" | "3D" | "53" | "57" | "58" | "XX") => StoreError::Unreachable(error),
                _ => StoreError::Postgres(error),
            },
        }
    }
}
