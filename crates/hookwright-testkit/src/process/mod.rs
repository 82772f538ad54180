//! A child process of a test: what it prints, how it is ended.

mod launch;
mod lines;

use std::{
    collections::HashSet,
    net::TcpListener,
    path::Path,
    process::ExitStatus,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::Child;

pub use launch::{Launch, Output};
use lines::Lines;
pub use lines::{Line, Source};

use crate::DEADLINE;

/// A running or ended child; dropping it kills it.
///
/// Signals go only to the child that was started, and only while it was not waited for, so that they can never
/// reach another process which got its id.
pub struct Process {
    child: Child,
    lines: Lines,
    /// Shared with the launch, so that it lives while the process runs.
    directory: Arc<TempDir>,
}

impl Process {
    /// The process id, or `None` once it ended and was waited for.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The directory it runs in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it printed so far, line by line, on both outputs.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.all()
    }

    /// Waits for a line that `wanted` accepts, on either output, and returns the first such line ever printed.
    ///
    /// # Panics
    ///
    /// After [`DEADLINE`], or once the process closed its outputs without such a line; with what it printed.
    pub async fn wait_for_line(&self, wanted: impl Fn(&str) -> bool, what: &str) -> String {
        self.lines.wait_for(wanted, what).await
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Interrupts it as Ctrl-C does (SIGINT).
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Freezes it (SIGSTOP), as a long pause of its host does; see [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a frozen process run on (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it without warning (SIGKILL), and returns once it is gone.
    pub async fn kill9(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.wait_exit().await
    }

    /// Waits until it ended and all that it printed was read.
    ///
    /// # Panics
    ///
    /// If it still runs after [`DEADLINE`], with what it printed.
    pub async fn wait_exit(&mut self) -> ExitStatus {
        let Ok(status) = tokio::time::timeout(DEADLINE, self.child.wait()).await else {
            panic!("waited {DEADLINE:?} for the process to end; {}", self.lines.summary());
        };
        let status = status.expect("a child that we started can be waited for");
        self.lines.wait_closed().await;
        status
    }

    /// Nothing happens to a process that ended; that it did is for the test to find out by its exit status.
    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            kill_process(pid, signal).unwrap_or_else(|error| panic!("cannot send {signal:?}: {error}"));
        }
    }
}

/// A loopback port that was free a moment ago, and that this process gives out only once.
///
/// Another process can still take it first. A server that listens on port 0 and prints the port has no such
/// window, so use this only where the port must be known before the start.
#[must_use]
pub fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port can be had");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port) {
            return port;
        }
    }
}
