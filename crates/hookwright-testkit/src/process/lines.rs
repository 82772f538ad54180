//! The lines that a child process printed, and the wait for one of them.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::watch,
};

use crate::DEADLINE;

/// How many of the last lines the message of a failed wait shows.
const SHOWN_MAX: usize = 50;

/// How long a process that ended may leave an output open, as it does when a child of its own has it too.
const CLOSE_BOUND: Duration = Duration::from_secs(5);

/// Which output a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line that a process printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was printed.
    pub source: Source,
    /// The line without its end; what is not UTF-8 has replacement characters.
    pub text: String,
}

/// Clones share the lines.
#[derive(Clone, Default)]
pub(super) struct Lines {
    printed: Arc<Mutex<Vec<Line>>>,
    /// How many outputs are still open.
    open: Arc<watch::Sender<usize>>,
}

impl Lines {
    /// Reads an output to its end in the background.
    pub(super) fn read(&self, source: Source, output: impl AsyncRead + Send + Unpin + 'static) {
        self.open.send_modify(|open| *open += 1);
        let lines = self.clone();
        tokio::spawn(async move {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while matches!(output.read_until(b'\n', &mut bytes).await, Ok(1..)) {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
                lines.printed().push(Line { source, text });
                lines.open.send_modify(|_| {});
                bytes.clear();
            }
            lines.open.send_modify(|open| *open -= 1);
        });
    }

    pub(super) fn all(&self) -> Vec<Line> {
        self.printed().clone()
    }

    pub(super) async fn wait_for(&self, wanted: impl Fn(&str) -> bool, what: &str) -> String {
        let mut changed = self.open.subscribe();
        let mut checked = 0;
        let found = async {
            loop {
                // Seen before the check, so that a line printed during it is not missed.
                let open = *changed.borrow_and_update();
                {
                    let printed = self.printed();
                    if let Some(line) = printed[checked..].iter().find(|line| wanted(&line.text)) {
                        return Some(line.text.clone());
                    }
                    checked = printed.len();
                }
                if open == 0 || changed.changed().await.is_err() {
                    return None;
                }
            }
        };
        match tokio::time::timeout(DEADLINE, found).await {
            Ok(Some(line)) => line,
            Ok(None) => panic!("the process ended without {what}; {}", self.summary()),
            Err(_) => panic!("waited {DEADLINE:?} for {what}; {}", self.summary()),
        }
    }

    /// Waits until both outputs are closed, so that no line of a process that ended is missing.
    pub(super) async fn wait_closed(&self) {
        let mut open = self.open.subscribe();
        // Who holds an output open after the bound is some child of the process, and not our concern.
        let _ = tokio::time::timeout(CLOSE_BOUND, open.wait_for(|open| *open == 0)).await;
    }

    /// The last lines, for the message of a failed wait.
    pub(super) fn summary(&self) -> String {
        let printed = self.printed();
        let skipped = printed.len().saturating_sub(SHOWN_MAX);
        let mut summary = format!("it printed {} lines", printed.len());
        for line in &printed[skipped..] {
            let _ = write!(summary, "\n  {:?}: {}", line.source, line.text);
        }
        summary
    }

    fn printed(&self) -> MutexGuard<'_, Vec<Line>> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
