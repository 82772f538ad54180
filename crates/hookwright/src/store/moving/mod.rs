//! Moves an installation from a SQLite file into a PostgreSQL database, and compares both.
//!
//! Rows are read from one state of the source, which nothing is written to, and go into the target table by table. Then
//! every row of the target is read back: what both sides mean must sum up to the same. Until it does, the target is marked, and
//! nothing else opens it; whoever begins again clears what is there first.

mod error; // why not
mod row; // what is in a row, and what rows sum up to
mod tables; // what is moved

use std::path::Path;

use crate::config::{DatabaseUrl, MasterKeys, PostgresUrl};
use crate::store::error::StoreError;
use crate::store::postgres::moving::Target;
use crate::store::sqlite::moving::Source;

pub use error::MoveError;
pub(in crate::store) use row::{Cell, Checksum, open_secrets, secrets_are_for};
pub(in crate::store) use tables::{Column, Kind, TABLES, Table};

/// So many rows pass between two looks at how far it is.
const ROWS_BETWEEN: u64 = 1_000;

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveProgress {
    /// What is being done.
    pub step: MoveStep,
    /// To which table.
    pub table: &'static str,
    /// Rows that this was done to, in all tables.
    pub done: u64,
    /// Rows that it will be done to, in all tables.
    pub total: u64,
}

/// What a move does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveStep {
    /// Rows are read from the source and written to the target.
    Copying,
    /// They are read back.
    Comparing,
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MoveReport {
    /// Every table, in the order they were moved in.
    pub tables: Vec<MovedTable>,
}

/// A table on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: &'static str,
    /// What was read from the source.
    pub source: TableSum,
    /// What was read back from the target.
    pub target: TableSum,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSum {
    /// How many.
    pub rows: u64,
    /// What they mean, decrypted, whatever their order: two tables of the same move have the same one only if all values are
    /// the same. Those of another move are others.
    pub checksum: [u64; 4],
}

impl MoveReport {
    /// Whether both sides are the same. If not, nothing opens the target but another move.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(MovedTable::is_equal)
    }

    /// Rows that were moved.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.source.rows).sum()
    }
}

impl MovedTable {
    /// Whether it is the same on both sides.
    pub fn is_equal(&self) -> bool {
        self.source == self.target
    }
}

/// Moves the installation in the SQLite file `from` to the PostgreSQL database `to`, and compares both; says with `watch` how
/// far it is.
///
/// No engine may run on either. `from` stays as it is; `to` must have no rows, or those of a move that did not come to its
/// end. Secrets are decrypted with `master_keys` or those in the file beside `from`, and encrypted with the first of
/// `master_keys`, without which nothing is moved.
///
/// Fails if anything is in the way. That both sides differ is no error: see [`MoveReport::is_equal`].
pub async fn move_database(
    from: &DatabaseUrl,
    to: &DatabaseUrl,
    master_keys: Option<&MasterKeys>,
    mut watch: impl FnMut(MoveProgress) + Send + 'static,
) -> Result<MoveReport, MoveError> {
    let (from, to) = match (from, to) {
        (DatabaseUrl::Sqlite(from), DatabaseUrl::Postgres(to)) => (from.clone(), to.clone()),
        (_, DatabaseUrl::Sqlite(_) | DatabaseUrl::Memory(_)) if from.file().is_some() => {
            return Err(MoveError::Unsupported {
                instead: "another SQLite file is a copy of the first and of the files beside it, made while no server runs",
            });
        }
        (DatabaseUrl::Postgres(_), DatabaseUrl::Postgres(_)) => {
            return Err(MoveError::Unsupported {
                instead: "between PostgreSQL databases use pg_dump and pg_restore, with the same master key after it",
            });
        }
        _ => {
            return Err(MoveError::Unsupported { instead: "there is no way back from PostgreSQL to SQLite" });
        }
    };
    let keys = master_keys.cloned().ok_or(MoveError::Target(StoreError::NoMasterKey))?;
    let work = move || run(&from, &to, &keys, &mut watch);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(MoveError::Interrupted))
}

fn run(
    from: &Path,
    to: &PostgresUrl,
    keys: &MasterKeys,
    watch: &mut dyn FnMut(MoveProgress),
) -> Result<MoveReport, MoveError> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|_| MoveError::Randomness)?;
    let source = Source::open(from, keys)?;
    let total = TABLES.iter().map(|table| source.count(table)).sum::<Result<u64, _>>()?;
    let target = Target::open(to, keys, from)?;

    let mut passed = Passed { step: MoveStep::Copying, done: 0, total, watch };
    let mut read = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let mut checksum = Checksum::new(&salt);
        let mut copy = target.copy(table)?;
        passed.begin(table);
        source.rows(table, &mut |cells| {
            checksum.add(cells);
            copy.row(cells)?;
            passed.row(table);
            Ok(())
        })?;
        copy.finish()?;
        read.push(checksum);
    }
    source.is_unchanged()?;

    let mut passed = Passed { step: MoveStep::Comparing, done: 0, total, watch: passed.watch };
    let mut tables = Vec::with_capacity(TABLES.len());
    for (table, read) in TABLES.iter().zip(read) {
        let mut checksum = Checksum::new(&salt);
        passed.begin(table);
        target.rows(table, &mut |cells| {
            checksum.add(cells);
            passed.row(table);
        })?;
        tables.push(MovedTable {
            name: table.name,
            source: TableSum::of(&read),
            target: TableSum::of(&checksum),
        });
    }
    let report = MoveReport { tables };
    if report.is_equal() {
        target.finish()?;
    }
    Ok(report)
}

impl TableSum {
    fn of(checksum: &Checksum) -> TableSum {
        TableSum { rows: checksum.rows(), checksum: checksum.sum() }
    }
}

/// Rows that have passed, and who watches.
struct Passed<'w> {
    step: MoveStep,
    done: u64,
    total: u64,
    watch: &'w mut dyn FnMut(MoveProgress),
}

impl Passed<'_> {
    fn begin(&mut self, table: &Table) {
        let Passed { step, done, total, .. } = *self;
        (self.watch)(MoveProgress { step, table: table.name, done, total });
    }

    fn row(&mut self, table: &Table) {
        self.done += 1;
        if self.done.is_multiple_of(ROWS_BETWEEN) {
            self.begin(table);
        }
    }
}
