//! The target of a move from another back end: marked until all is there, filled with COPY, and read back.
//!
//! The mark is a table. While it is there nothing else opens the database, so that whatever is in it was written by a move, and
//! the next one clears it.

use std::borrow::Cow;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::types::ToSql;
use tokio_postgres::{CopyInSink, Row};

use crate::config::{MasterKeys, PostgresUrl};
use crate::store::error::StoreError;
use crate::store::moving::{Cell, Column, Kind, MoveError, TABLES, Table, open_secrets, secrets_are_for};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::{lease, master_key, migrate, value};
use crate::store::sealing::Sealing;
use crate::store::{DEFAULT_ORGANISATION, Exclusivity};

/// The mark, with what is moved here.
const MARK: &str = "unfinished_move";
/// The number of the lock that whoever moves holds: "move" in ASCII.
const MOVER: i32 = 0x6d6f_7665;
/// So long the locks are waited for of a process that was just killed.
const TAKEN_WITHIN: Duration = Duration::from_secs(12);
const ASK_EVERY: Duration = Duration::from_millis(200);
/// Rows are sent in parts of this size.
const PART_BYTES: usize = 256 * 1024;

/// The head of COPY's binary format, without flags or extensions, and its end
/// (<https://www.postgresql.org/docs/15/sql-copy.html>).
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: i16 = -1;

/// A database that nobody else uses.
pub(in crate::store) struct Target {
    pool: Arc<Pool>,
    /// Its session holds the locks.
    connection: Connection,
    sealing: Sealing,
}

/// Rows on their way into a table.
pub(in crate::store) struct Copying<'t> {
    target: &'t Target,
    table: &'static Table,
    /// Where the columns are that secrets are encrypted for.
    key: Vec<usize>,
    part: BytesMut,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

/// Fails if what is in the database was not moved there to its end.
pub(super) async fn refuse_unfinished(connection: &Connection) -> Result<(), StoreError> {
    if !is_marked(connection).await? {
        return Ok(());
    }
    let row = connection.first(&format!("SELECT source FROM {MARK}"), &[]).await?;
    let source = row.map(|row| value::text(&row, 0)).transpose()?.unwrap_or_default();
    Err(StoreError::UnfinishedMove { source_file: source })
}

async fn is_marked(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1)";
    connection.says(sql, &[&MARK]).await
}

impl Target {
    /// Opens the database at `url`, brings it to the newest schema, marks it as one that is being moved to from `source`, and
    /// clears what another move has left. Fails if it has rows of anything else, or is used.
    pub(in crate::store) fn open(
        url: &PostgresUrl,
        keys: &MasterKeys,
        source: &Path,
    ) -> Result<Target, MoveError> {
        let pool = Arc::new(Pool::open(url).map_err(MoveError::Target)?);
        let mut sealing = Sealing::new(keys);
        // All that comes is encrypted on its way.
        sealing.refuse_clear();
        let connection = pool.wait(async {
            let connection = pool.connect_to_migrate().await.map_err(MoveError::Target)?;
            migrate::look_around(&connection).await.map_err(MoveError::Target)?;
            let is_ours = taken(async || take(&connection).await).await.map_err(MoveError::Target)?;
            if !is_ours {
                return Err(MoveError::TargetBeingMoved);
            }
            migrate::run(&connection, Exclusivity::Maker).await.map_err(MoveError::Target)?;
            if is_served(&connection).await.map_err(MoveError::Target)? {
                return Err(MoveError::TargetInUse);
            }
            mark(&connection, source).await?;
            // One may have begun to before it could see the mark; it goes on, and nothing was changed.
            if is_served(&connection).await.map_err(MoveError::Target)? {
                let sql = format!("DROP TABLE {MARK}");
                connection.batch(&sql).await.map_err(MoveError::Target)?;
                return Err(MoveError::TargetInUse);
            }
            clear(&connection, &sealing).await.map_err(MoveError::Target)?;
            Ok(connection)
        })?;
        Ok(Target { pool, connection, sealing })
    }

    /// Begins to copy rows into a table.
    pub(in crate::store) fn copy(&self, table: &'static Table) -> Result<Copying<'_>, MoveError> {
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, names(table));
        let sink = self.pool.wait(async { self.connection.client.copy_in(&sql).await });
        let sink = Box::pin(sink.map_err(|error| MoveError::Target(error.into()))?);
        let mut part = BytesMut::with_capacity(2 * PART_BYTES);
        part.put_slice(HEAD);
        Ok(Copying { target: self, table, key: table.secrets_are_for(), part, sink })
    }

    /// Reads every row of a table.
    pub(in crate::store) fn rows(
        &self,
        table: &Table,
        each: &mut dyn FnMut(&[Cell<'_>]),
    ) -> Result<(), MoveError> {
        self.pool.wait(self.read(table, each)).map_err(MoveError::Target)
    }

    async fn read(&self, table: &Table, each: &mut dyn FnMut(&[Cell<'_>])) -> Result<(), StoreError> {
        let sql = format!("SELECT {} FROM {}", names(table), table.name);
        let key = table.secrets_are_for();
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = pin!(self.connection.client.query_raw(&sql, none).await?);
        while let Some(row) = rows.try_next().await? {
            let cells = table.columns.iter().enumerate().map(|(at, column)| cell(&row, at, column));
            let mut cells = cells.collect::<Result<Vec<_>, _>>()?;
            open_secrets(table, &key, &mut cells, &self.sealing)?;
            each(&cells);
        }
        Ok(())
    }

    /// All is there: lets others open the database.
    pub(in crate::store) fn finish(self) -> Result<(), MoveError> {
        let tables = TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        // Until their contents are counted, plans are made as if tables were empty.
        let sql = format!(
            "ANALYZE {tables}; BEGIN; UPDATE catalog_sequence SET value = value + 1; DROP TABLE {MARK}; COMMIT"
        );
        let finished = self.pool.wait(self.connection.batch_however_long(&sql));
        finished.map_err(MoveError::Target)
    }
}

/// Takes the lock of whoever moves, if nobody has it.
async fn take(connection: &Connection) -> Result<bool, StoreError> {
    let sql = format!("SELECT pg_try_advisory_lock({MOVER}, hashtext(current_schema()))");
    connection.says(&sql, &[]).await
}

/// Whether a node serves from the database: one that was killed seems to until its lease is over. None begins to once the database is
/// marked, since each looks for the mark when it has its lease.
async fn is_served(connection: &Connection) -> Result<bool, StoreError> {
    Ok(!taken(async || Ok(!lease::is_any_live(connection).await?)).await?)
}

/// Whether a lock could be taken, also from a process that was just killed: the server needs a moment to notice.
async fn taken(take: impl AsyncFn() -> Result<bool, StoreError>) -> Result<bool, StoreError> {
    let asked_since = Instant::now();
    while !take().await? {
        if asked_since.elapsed() >= TAKEN_WITHIN {
            return Ok(false);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(true)
}

/// Marks the database, unless it is, if nothing is in it.
async fn mark(connection: &Connection, source: &Path) -> Result<(), MoveError> {
    if is_marked(connection).await.map_err(MoveError::Target)? {
        return Ok(());
    }
    for table in TABLES {
        // That one is made with the schema.
        let made = DEFAULT_ORGANISATION.as_bytes().as_slice();
        let has_any = match table.name {
            "organisation" => {
                let sql = "SELECT EXISTS (SELECT FROM organisation WHERE id <> $1)";
                connection.says(sql, &[&made]).await
            }
            name => connection.says(&format!("SELECT EXISTS (SELECT FROM {name})"), &[]).await,
        };
        if has_any.map_err(MoveError::Target)? {
            return Err(MoveError::TargetNotEmpty { table: table.name });
        }
    }
    let marked = async {
        connection.batch("BEGIN").await?;
        connection.batch(&format!("CREATE TABLE {MARK} (source TEXT NOT NULL)")).await?;
        let source = source.display().to_string();
        let sql = format!("INSERT INTO {MARK} (source) VALUES ($1)");
        connection.execute(&sql, &[&value::escaped(&source)]).await?;
        connection.batch("COMMIT").await
    };
    marked.await.map_err(MoveError::Target)
}

/// Removes all rows that are moved, and whatever was encrypted with goes with them.
async fn clear(connection: &Connection, sealing: &Sealing) -> Result<(), StoreError> {
    let tables = TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
    let sql = format!("BEGIN; SET LOCAL lock_timeout = '10s'; TRUNCATE {tables}, master_key");
    connection.batch_however_long(&sql).await?;
    master_key::begin_with(connection, sealing).await?;
    connection.batch_however_long("COMMIT").await
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

impl Copying<'_> {
    /// Adds a row; it is sent together with others.
    pub(in crate::store) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), MoveError> {
        self.put(cells).map_err(MoveError::Target)?;
        if self.part.len() < PART_BYTES {
            return Ok(());
        }
        let part = self.part.split().freeze();
        let sent = self.target.pool.wait(self.sink.as_mut().send(part));
        sent.map_err(|error| MoveError::Target(error.into()))
    }

    /// Sends what is left; all rows are there when this returns.
    pub(in crate::store) fn finish(mut self) -> Result<(), MoveError> {
        self.part.put_i16(END);
        let part = self.part.split().freeze();
        let finished = self.target.pool.wait(async {
            self.sink.as_mut().send(part).await?;
            self.sink.as_mut().finish().await
        });
        finished.map(drop).map_err(|error| MoveError::Target(error.into()))
    }

    fn put(&mut self, cells: &[Cell<'_>]) -> Result<(), StoreError> {
        let Copying { target, table, key, part, .. } = self;
        part.put_i16(i16::try_from(cells.len()).unwrap_or(i16::MAX));
        for (cell, column) in cells.iter().zip(table.columns) {
            let wrong = || StoreError::Value { column: column.place };
            match (cell, column.kind) {
                (Cell::Null, _) => part.put_i32(-1),
                (Cell::Number(number), Kind::Long) => field(part, &number.to_be_bytes()),
                (Cell::Number(number), Kind::Int) => {
                    field(part, &i32::try_from(*number).map_err(|_| wrong())?.to_be_bytes());
                }
                (Cell::Number(number), Kind::Short) => {
                    field(part, &i16::try_from(*number).map_err(|_| wrong())?.to_be_bytes());
                }
                (Cell::Number(flag @ (0 | 1)), Kind::Flag) => field(part, &[u8::from(*flag == 1)]),
                (Cell::Text(text), Kind::Free) => field(part, value::escaped(text).as_bytes()),
                (Cell::Text(text), Kind::Text) if !text.contains('\0') => field(part, text.as_bytes()),
                (Cell::Secret(clear), Kind::Text) => {
                    let sealed = target.sealing.seal(column.place, &secrets_are_for(key, cells), clear)?;
                    field(part, sealed.as_bytes());
                }
                (Cell::Bytes(bytes), Kind::Bytes) => field(part, bytes),
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }
}

/// A value with its length before it. What is longer than any value may be is refused by the server.
fn field(part: &mut BytesMut, bytes: &[u8]) {
    part.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    part.put_slice(bytes);
}

fn cell<'r>(row: &'r Row, at: usize, column: &Column) -> Result<Cell<'r>, StoreError> {
    let cell = match column.kind {
        Kind::Bytes => value::get::<Option<&[u8]>>(row, at)?.map(Cell::Bytes),
        Kind::Long => value::get::<Option<i64>>(row, at)?.map(Cell::Number),
        Kind::Int => value::get::<Option<i32>>(row, at)?.map(|number| Cell::Number(number.into())),
        Kind::Short => value::get::<Option<i16>>(row, at)?.map(|number| Cell::Number(number.into())),
        Kind::Flag => value::get::<Option<bool>>(row, at)?.map(|flag| Cell::Number(flag.into())),
        Kind::Text => value::get::<Option<&str>>(row, at)?.map(|text| Cell::Text(Cow::Borrowed(text))),
        Kind::Free => value::text_opt(row, at)?.map(|text| Cell::Text(Cow::Owned(text))),
    };
    Ok(cell.unwrap_or(Cell::Null))
}
