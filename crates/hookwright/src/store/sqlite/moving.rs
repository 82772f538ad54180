//! The source of a move to another back end: read in one state, and not written to.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::config::MasterKeys;
use crate::store::error::StoreError;
use crate::store::moving::{Cell, MoveError, Table, open_secrets};
use crate::store::sealing::Sealing;
use crate::store::sqlite::file::Lock;
use crate::store::sqlite::{Place, connect, master_key, migrate};

/// A file that is only read, and that no server opens meanwhile.
pub(in crate::store) struct Source {
    path: PathBuf,
    connection: Connection,
    sealing: Sealing,
    /// Which of its states is read.
    version: i64,
    _lock: Lock,
}

impl Source {
    /// Opens the file at `path`; secrets in it are decrypted with these keys, or those beside it.
    pub(in crate::store) fn open(path: &Path, keys: &MasterKeys) -> Result<Source, MoveError> {
        if !path.exists() {
            return Err(MoveError::Source(StoreError::NoDatabase { path: path.to_owned() }));
        }
        let place = Place::File(path.to_owned());
        let connection = connect(&place, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(MoveError::Source)?;
        let lock = Lock::take(path).map_err(|error| match error {
            StoreError::InUse { path } => MoveError::SourceInUse { path },
            other => MoveError::Source(other),
        })?;
        migrate::refuse_foreign(&connection, path).map_err(MoveError::Source)?;
        let (found, known) = migrate::versions(&connection).map_err(MoveError::Source)?;
        if found < known {
            return Err(MoveError::SourceOlder { path: path.to_owned(), found, known });
        }
        let prepared = || {
            let sealing = master_key::known_to(&connection, path, keys)?;
            // What is in the write-ahead log stays there.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            let version = version(&connection)?;
            connection.execute_batch("BEGIN")?;
            Ok((sealing, version))
        };
        let (sealing, version) = prepared().map_err(MoveError::Source)?;
        Ok(Source { path: path.to_owned(), connection, sealing, version, _lock: lock })
    }

    /// How many rows a table has.
    pub(in crate::store) fn count(&self, table: &Table) -> Result<u64, MoveError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| MoveError::Source(error.into()))
    }

    /// Reads every row of a table.
    pub(in crate::store) fn rows(
        &self,
        table: &Table,
        each: &mut dyn FnMut(&[Cell<'_>]) -> Result<(), MoveError>,
    ) -> Result<(), MoveError> {
        let read = |error: rusqlite::Error| MoveError::Source(error.into());
        let columns = table.columns.iter().map(|column| match column.instead {
            Some(instead) => instead.to_owned(),
            None => format!("\"{}\"", column.name),
        });
        let sql = format!("SELECT {} FROM {}", columns.collect::<Vec<_>>().join(", "), table.name);
        let key = table.secrets_are_for();
        let mut statement = self.connection.prepare(&sql).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let mut cells = Vec::with_capacity(table.columns.len());
            for (at, column) in table.columns.iter().enumerate() {
                let unreadable = || MoveError::Source(StoreError::Value { column: column.place });
                cells.push(match row.get_ref(at).map_err(read)? {
                    ValueRef::Null => Cell::Null,
                    ValueRef::Integer(number) => Cell::Number(number),
                    ValueRef::Text(text) => {
                        Cell::Text(Cow::Borrowed(std::str::from_utf8(text).map_err(|_| unreadable())?))
                    }
                    ValueRef::Blob(bytes) => Cell::Bytes(bytes),
                    // There is no such column.
                    ValueRef::Real(_) => return Err(unreadable()),
                });
            }
            open_secrets(table, &key, &mut cells, &self.sealing).map_err(MoveError::Source)?;
            each(&cells)?;
        }
        Ok(())
    }

    /// Fails if somebody changed the file since it was opened.
    pub(in crate::store) fn is_unchanged(&self) -> Result<(), MoveError> {
        let read = |error: rusqlite::Error| MoveError::Source(error.into());
        // Within the state that was read there are no others.
        self.connection.execute_batch("ROLLBACK").map_err(read)?;
        match version(&self.connection).map_err(read)? == self.version {
            true => Ok(()),
            false => Err(MoveError::SourceChanged { path: self.path.clone() }),
        }
    }
}

/// A number that changes with each change that another connection makes.
fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
}
