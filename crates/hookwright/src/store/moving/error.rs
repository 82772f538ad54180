//! Why an installation cannot be moved, and what to do about it.

use std::path::PathBuf;

use crate::store::error::StoreError;

/// An installation was not moved, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// Only SQLite is moved to PostgreSQL.
    #[error("only a SQLite database can be moved, and only to PostgreSQL; {instead}")]
    Unsupported {
        /// What does the same for what was asked for.
        instead: &'static str,
    },
    /// The source cannot be opened or read.
    #[error("the database to move from cannot be read")]
    Source(#[source] StoreError),
    /// The target cannot be opened or written.
    #[error("the database to move to cannot be written")]
    Target(#[source] StoreError),
    /// A server runs on the source.
    #[error(
        "a hookwright server, or another move, uses {}; let it end first, since what it accepts from now on would not be moved",
        path.display()
    )]
    SourceInUse {
        /// The file.
        path: PathBuf,
    },
    /// The source has an older schema than is moved.
    #[error(
        "the database {} has schema {found}, and {known} is moved; bring it there first, with `hookwright migrate --database-url sqlite://{}`",
        path.display(), path.display()
    )]
    SourceOlder {
        /// The file.
        path: PathBuf,
        /// The schema number of the database.
        found: u32,
        /// The schema number that is moved.
        known: u32,
    },
    /// Somebody changed the source meanwhile.
    #[error(
        "the database {} was changed by another process while it was moved; let nobody else use it, and begin again with the same command",
        path.display()
    )]
    SourceChanged {
        /// The file.
        path: PathBuf,
    },
    /// A server runs on the target.
    #[error(
        "a hookwright node runs on the database to move to; stop it first, and start it when all is moved"
    )]
    TargetInUse,
    /// Another process moves something to the same target.
    #[error(
        "another `hookwright migrate --from` is writing to the same database; let it come to its end, or stop it and begin again"
    )]
    TargetBeingMoved,
    /// The target has rows.
    #[error(
        "the database to move to is not empty, there are rows in {table}; name one that is new, or that has nothing but the tables that `hookwright migrate` makes"
    )]
    TargetNotEmpty {
        /// A table that has any.
        table: &'static str,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The thread that moves ended without an answer.
    #[error("moving ended without an answer")]
    Interrupted,
}
