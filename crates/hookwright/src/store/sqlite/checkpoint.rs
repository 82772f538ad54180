//! Moves what is committed from the write-ahead log into the database file, beside the writer and not in its way.
//!
//! A checkpoint syncs the database file and takes tens of milliseconds. Made by the writer, as SQLite does by itself,
//! it would hold up every message that comes meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::sqlite::BUSY_TIMEOUT;

/// Between two checkpoints: seldom enough that pages written many times are moved once, often enough that each is short.
const EVERY: Duration = Duration::from_secs(1);

/// Between two times that the log is emptied: the writer has to wait meanwhile.
const EMPTY_EVERY: Duration = Duration::from_secs(10);

/// The thread that makes checkpoints; it ends when this is dropped.
pub(super) struct Checkpoints {
    dirty: Arc<AtomicBool>,
    /// Whether the log holds something that must not stay in it.
    tainted: Arc<AtomicBool>,
    stop: Option<mpsc::Sender<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpoints {
    /// Starts the thread, on a connection of its own. Without it the writer makes checkpoints itself.
    pub(super) fn start(connection: Connection) -> Checkpoints {
        let dirty = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = mpsc::channel();
        let tainted = Arc::new(AtomicBool::new(false));
        let (seen, to_empty) = (Arc::clone(&dirty), Arc::clone(&tainted));
        let run = move || {
            let mut emptied_at: Option<Instant> = None;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if seen.swap(false, Ordering::Relaxed) {
                    // PASSIVE moves what it can without waiting for anybody; what is left is moved next time.
                    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
                    if let Err(error) = moved {
                        tracing::warn!(%error, "a checkpoint of the database failed; the next one will be tried");
                    }
                }
                let is_soon = emptied_at.is_some_and(|at| at.elapsed() < EMPTY_EVERY);
                if !is_soon && to_empty.swap(false, Ordering::Relaxed) {
                    if is_emptied(&connection) {
                        emptied_at = Some(Instant::now());
                    } else {
                        // Somebody was reading from it. The next second may be a better one.
                        to_empty.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("hookwright-checkpoint".to_owned()).spawn(run);
        Checkpoints { dirty, tainted, stop: Some(stop), thread: Mutex::new(thread.ok()) }
    }

    /// Something was committed.
    pub(super) fn committed(&self) {
        self.dirty.store(true, Ordering::Relaxed);
    }

    /// Something was committed that removes what nobody may find any more: the log is emptied as soon as nobody reads from it.
    pub(super) fn truncate(&self) {
        self.tainted.store(true, Ordering::Relaxed);
    }
}

/// Empties the log, if that needs no waiting: whoever waited for readers would hold up the writer meanwhile.
pub(super) fn is_emptied(connection: &Connection) -> bool {
    let empty = || {
        connection.busy_timeout(Duration::ZERO)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
    };
    let is_busy = empty();
    let reset = connection.busy_timeout(BUSY_TIMEOUT);
    is_busy.is_ok_and(|busy| !busy) && reset.is_ok()
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It ends with its connection closed, so that nobody holds the file any more.
            let _ = thread.join();
        }
    }
}
