//! A schema of a measurement's own, beside whatever else is in the database, which goes when the measurement is over.

use std::io::Write;

use crate::config::PostgresUrl;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pool::Pool;
use crate::store::postgres::value;

/// What every such schema is called; a number follows.
const PREFIX: &str = "hookwright_bench_";

/// An empty schema of a PostgreSQL database, which is dropped with all that is in it when this is.
pub struct ScratchSchema {
    name: String,
    url: PostgresUrl,
    connection: Connection,
    /// A transaction that stands idle.
    snapshot: Option<Connection>,
    pool: Pool,
}

/// A session of ours, as its server sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSession {
    /// The process that serves it, by the number that the server's machine knows it by.
    pub process: u32,
    /// Our port, if it goes over TCP; else it goes over a socket of that machine.
    pub client_port: Option<u16>,
}

/// What a PostgreSQL server keeps and has written, at one moment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// Tables and indexes of the schema.
    pub stored: u64,
    /// The write-ahead log since the server's files were made, for whatever database.
    pub logged: u64,
}

impl ScratchSchema {
    /// Makes the schema. Blocks until it is there.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, its user may not make schemas, or a pooler ignores which one the URL names.
    pub fn make(url: &PostgresUrl) -> Result<ScratchSchema, StoreError> {
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(|_| StoreError::Randomness)?;
        let name = format!("{PREFIX}{:016x}", u64::from_be_bytes(number));
        let pool = Pool::open(url)?;
        let connection = pool.wait(async {
            let connection = pool.connect_to_migrate().await?;
            connection.batch(&format!("CREATE SCHEMA {name}")).await?;
            Ok::<_, StoreError>(connection)
        })?;
        let made = ScratchSchema { url: url.in_schema(&name), name, connection, snapshot: None, pool };
        // A pooler may ignore what the URL sets: then all would come into the schema that others use.
        let inside = Pool::open(&made.url)?;
        let leads_there = inside.wait(async {
            let connection = inside.connect_to_look().await?;
            connection.says("SELECT current_schema() = $1", &[&made.name]).await
        })?;
        if leads_there { Ok(made) } else { Err(StoreError::OptionsIgnored) }
    }

    /// The URL that leads to it.
    pub fn url(&self) -> &PostgresUrl {
        &self.url
    }

    /// The session that it is held by. Blocks until the server has answered.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub fn session(&self) -> Result<ServerSession, StoreError> {
        let row = self
            .pool
            .wait(self.connection.first("SELECT pg_backend_pid(), inet_client_port()", &[]))?
            .ok_or(StoreError::Silent)?;
        let (process, port): (i32, Option<i32>) = (value::get(&row, 0)?, value::get(&row, 1)?);
        let process = u32::try_from(process).map_err(|_| StoreError::Silent)?;
        Ok(ServerSession { process, client_port: port.and_then(|port| u16::try_from(port).ok()) })
    }

    /// What is stored in it by now, and how long the server's write-ahead log is. Blocks until the server has answered.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub fn footprint(&self) -> Result<Footprint, StoreError> {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint, (pg_current_wal_lsn() - '0/0')::bigint
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'";
        let row = self.pool.wait(self.connection.first(sql, &[&self.name]))?.ok_or(StoreError::Silent)?;
        let bytes = |column| Ok::<_, StoreError>(value::get::<i64>(&row, column)?.unsigned_abs());
        Ok(Footprint { stored: bytes(0)?, logged: bytes(1)? })
    }

    /// From now on a transaction stands idle, for which the server keeps whatever is removed or replaced. Blocks until it does.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached.
    pub fn hold_snapshot(&mut self) -> Result<(), StoreError> {
        let connection = self.pool.wait(async {
            let connection = self.pool.connect_to_migrate().await?;
            connection.batch("SET idle_in_transaction_session_timeout = 0").await?;
            connection.batch("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
            // The first statement takes the snapshot.
            connection.first("SELECT 1", &[]).await?;
            Ok::<_, StoreError>(connection)
        })?;
        self.snapshot = Some(connection);
        Ok(())
    }

    /// Lets go of it.
    pub fn release_snapshot(&mut self) {
        // Its transaction ends with its session.
        self.snapshot = None;
    }
}

impl Drop for ScratchSchema {
    fn drop(&mut self) {
        self.release_snapshot();
        // Whoever worked in it may still be about to leave, so that this may wait for them.
        let sql = format!("DROP SCHEMA {} CASCADE", self.name);
        if let Err(error) = self.pool.wait(self.connection.batch_however_long(&sql)) {
            // A measurement has no log.
            let _ = writeln!(
                std::io::stderr(),
                "The schema {} is left behind; drop it by hand: {error}",
                self.name
            );
        }
    }
}
