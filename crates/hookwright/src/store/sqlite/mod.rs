//! The SQLite backend: one file, one writer connection, a few readers.

mod file; // the files on disk, and who may use them
mod checkpoint; // move what is committed into the database file
mod migrate; // bring the file to the newest schema
mod master_key; // and its secrets under the newest key
mod key_file; // which may be beside it
#[cfg(feature = "postgres")]
pub(in crate::store) mod moving; // read it to move it elsewhere
mod writer; // one batch, one transaction

mod application; // a file for each table's statements
mod application_search;
mod attempt;
mod broadcast;
mod confirmation;
mod delivery;
mod endpoint;
mod event_type;
mod erasure; // of deleted applications: what is left of them
mod expunge; // of messages and attempts: what was in them
mod health;
mod idempotency;
mod inbound;
mod message;
mod message_key;
mod recent;
mod remnant; // of rows, in unused parts of pages
mod retention; // what is too old
mod source;
mod space;
mod stats;
mod subscription;
mod task;
mod ticket;
mod token;

mod search; // lists with conditions that no index answers
mod value; // how values are kept in columns

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};
use tokio::sync::Semaphore;

use crate::config::MasterKeys;
use crate::store::Exclusivity;
use crate::store::error::StoreError;
use crate::store::sealing::Sealing;

use file::{Lock, Presence};

pub(crate) use writer::Writer;

/// Reads at the same time; more would only wait for the same disk and cores.
const READERS: usize = 4;
/// How long to wait for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// And asked again after this, where SQLite does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// Statements kept prepared on each connection: more than there are different ones on the hot path.
const STATEMENT_CACHE: usize = 96;
/// Bytes of the write-ahead log that stay for the next batches.
const LOG_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// An open SQLite file: what reads need.
pub(crate) struct Sqlite {
    place: Place,
    presence: Arc<Presence>,
    sealing: Arc<Sealing>,
    /// Connections that no read uses right now.
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

/// Where a database is.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    /// In memory, shared by all connections of this process that name the same number; gone with the last of them.
    Memory(u64),
}

/// Makes a database in memory, and brings it to the newest schema.
pub(super) fn open_in_memory(
    number: u64,
    master_keys: Option<&MasterKeys>,
) -> Result<(Sqlite, Writer), StoreError> {
    let place = Place::Memory(number);
    let connection = connect(&place, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    set_up(place, connection, None, Exclusivity::OnlyDeliverer, master_keys)
}

/// Opens the file, makes it if there is none, and brings it to the newest schema.
pub(super) fn open(
    path: &Path,
    master_keys: Option<&MasterKeys>,
    exclusivity: Exclusivity,
) -> Result<(Sqlite, Writer), StoreError> {
    let place = Place::File(path.to_owned());
    // Opened before it is locked, so that a wrong path is told as such and not as a lock file's.
    let connection = match exclusivity {
        Exclusivity::Visitor if !path.exists() => {
            return Err(StoreError::NoDatabase { path: path.to_owned() });
        }
        Exclusivity::OnlyDeliverer | Exclusivity::Maker => {
            file::make_private(path);
            connect(&place, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?
        }
        Exclusivity::Visitor => connect(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
    };
    if connection.is_readonly(MAIN_DB)? {
        return Err(StoreError::ReadOnly);
    }
    let lock = match exclusivity {
        Exclusivity::OnlyDeliverer => Some(Lock::take(path)?),
        Exclusivity::Visitor | Exclusivity::Maker => None,
    };
    migrate::refuse_foreign(&connection, path)?;
    set_up(place, connection, lock, exclusivity, master_keys)
}

/// Sets a connection that writes up, looks whether the key is the right one, migrates, encrypts what is not encrypted yet, and opens what
/// else there is to open.
fn set_up(
    place: Place,
    mut connection: Connection,
    lock: Option<Lock>,
    exclusivity: Exclusivity,
    master_keys: Option<&MasterKeys>,
) -> Result<(Sqlite, Writer), StoreError> {
    // Only a file without anything in it takes this: its pages can be given back later.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    use_log(&connection)?;
    // FULL syncs the write-ahead log at each commit: what is committed survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    // Checkpoints are made beside the writer; it makes one itself only if that one cannot keep up (64 MiB).
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    // Writing goes to few pages, at the ends of tables; and SQLite looks through all of its cache at each commit.
    connection.pragma_update(None, "cache_size", -4_000)?;
    // A log that has grown over this is cut when it begins anew.
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    // With another key it would be of no use with a newer schema either, and earlier versions could not open it any more.
    migrate::refuse_newer(&connection)?;
    master_key::check(&connection, &place, master_keys)?;
    let report = migrate::run(&mut connection)?;
    let mut sealing = master_key::establish(&mut connection, &place, master_keys)?;
    seal_all(&mut connection, &mut sealing, &place, exclusivity)?;
    let sealing = Arc::new(sealing);
    let presence = Arc::new(match &place {
        Place::File(path) => Presence::of(path),
        Place::Memory(_) => Presence::of_nothing(),
    });
    let checkpoints = checkpoint::Checkpoints::start(connect(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)?);
    let sqlite = Sqlite {
        place,
        presence: Arc::clone(&presence),
        sealing: Arc::clone(&sealing),
        idle: Arc::default(),
        permits: Arc::new(Semaphore::new(READERS)),
    };
    if exclusivity == Exclusivity::OnlyDeliverer {
        // An earlier run may have ended before it could empty the log of what must not stay in it. Nobody waits for us yet,
        // as they would later; only somebody else who reads can put it off.
        if !checkpoint::is_emptied(&connection) {
            checkpoints.truncate();
        }
    }
    Ok((sqlite, Writer::new(connection, presence, lock, report, checkpoints, sealing)?))
}

/// Has the file written through a write-ahead log.
///
/// A new file takes that from one connection alone. SQLite does not wait for it as it does for other locks, since of two that each
/// read the file already neither could go on: whoever is refused lets go of it, and asks again.
fn use_log(connection: &Connection) -> Result<(), StoreError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal").map_err(StoreError::from) {
            Err(StoreError::Locked) if begun.elapsed() < BUSY_TIMEOUT => std::thread::sleep(BUSY_PAUSE),
            result => return result,
        }
    }
}

/// Has all secrets encrypted with the first key, if they are not, unless that is for somebody else to do: a process that delivers
/// and has not got the key yet could not read them.
fn seal_all(
    connection: &mut Connection,
    sealing: &mut Sealing,
    place: &Place,
    exclusivity: Exclusivity,
) -> Result<(), StoreError> {
    if exclusivity == Exclusivity::Visitor || !master_key::is_due(connection, sealing)? {
        return Ok(());
    }
    let _lock = match (place, exclusivity) {
        (Place::File(path), Exclusivity::Maker) => match Lock::take(path) {
            Ok(lock) => Some(lock),
            Err(StoreError::InUse { .. }) => return Ok(()),
            Err(error) => return Err(error),
        },
        _ => None,
    };
    master_key::seal_all(connection, sealing)
}

impl Sqlite {
    /// Runs `read` on a connection of its own, off the runtime's threads.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Locked)?;
        let idle = Arc::clone(&self.idle);
        let place = self.place.clone();
        let work = move || {
            let _permit = permit;
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match kept {
                Some(connection) => connection,
                None => connect(&place, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            };
            let answer = read(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        };
        // Joining fails only if the runtime is going away or the read panicked; both end this read alone.
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Locked))
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.presence.check()?;
        self.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }
}

fn connect(place: &Place, flags: OpenFlags) -> Result<Connection, StoreError> {
    let no_mutex = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let (path, flags) = match place {
        Place::File(path) => (path.clone(), flags | no_mutex),
        // <https://www.sqlite.org/src/file/src/memdb.c>: a name that begins with a slash is shared.
        Place::Memory(number) => (
            PathBuf::from(format!("file:/hookwright-{number}?vfs=memdb")),
            flags | no_mutex | OpenFlags::SQLITE_OPEN_URI,
        ),
    };
    let open = || {
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        // Reads the file's head: a file that is no database is found here and not in the middle of something.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|source: rusqlite::Error| match StoreError::from(source) {
        StoreError::Sqlite(source) if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            StoreError::Unopenable { why: file::unopenable(&path), path: path.clone() }
        }
        StoreError::Sqlite(source) => StoreError::Open { path: path.clone(), source },
        told => told,
    })
}
