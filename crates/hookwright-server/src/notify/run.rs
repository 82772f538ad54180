//! One run of the notify command: no shell, few variables, the event on its standard input, and not for long.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use super::{Notice, Program};

/// How long a run may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long what it wrote last is waited for, after its end: a child of its own may hold the pipe open.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(100);
/// So much of what it writes to its standard error is told when it fails, in bytes.
const LAST_WORDS_MAX: u64 = 1_024;
/// What it is told of our environment. Everything else stays here: there are secrets among it.
const VARIABLES: [&str; 5] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ"];
/// Tells it the event type, so that it can decide without reading JSON.
const EVENT_TYPE_VARIABLE: &str = "HOOKWRIGHT_EVENT_TYPE";

/// A run failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("it cannot be started: {0}")]
    Start(#[source] io::Error),
    #[error("it cannot be waited for: {0}")]
    Wait(#[source] io::Error),
    #[error("it took longer than {} seconds and was killed", TIMEOUT.as_secs())]
    TimedOut,
    #[error("{status}{said}")]
    Failed { status: ExitStatus, said: String },
}

/// The process group of a run under way, which is killed if the run is not seen to its end.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

pub(super) async fn run(program: &Program, notice: &Notice) -> Result<(), RunError> {
    let mut child = start(program, notice).map_err(RunError::Start)?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group(id);
    let said = child.stderr.take().map(|stderr| tokio::spawn(last_words(stderr)));
    let ended = tokio::time::timeout(TIMEOUT, give_and_wait(&mut child, &notice.json)).await;
    let Ok(status) = ended else {
        drop(group);
        // Reaped: it leaves no zombie.
        child.wait().await.map_err(RunError::Wait)?;
        return Err(RunError::TimedOut);
    };
    // What it left running on purpose goes on.
    group.0 = None;
    let status = status.map_err(RunError::Wait)?;
    if status.success() {
        return Ok(());
    }
    let said = match said {
        Some(said) => tokio::time::timeout(LAST_WORDS_WITHIN, said).await,
        None => Ok(Ok(String::new())),
    };
    let said = said.ok().and_then(Result::ok).filter(|said| !said.is_empty());
    let said = said.map(|said| format!(", after it wrote: {said}")).unwrap_or_default();
    Err(RunError::Failed { status, said })
}

fn start(program: &Program, notice: &Notice) -> io::Result<Child> {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).env_clear();
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env(EVENT_TYPE_VARIABLE, notice.event_type);
    // A group of its own, so that what it started is killed with it, and that Ctrl-C on the server does not reach it.
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    command.kill_on_drop(true).spawn()
}

async fn give_and_wait(child: &mut Child, json: &str) -> io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it is as good as any other.
        let _ = stdin.write_all(json.as_bytes()).await;
    }
    child.wait().await
}

/// The first of what it writes to its standard error. The rest is read too: a full pipe would stop it.
async fn last_words(mut stderr: ChildStderr) -> String {
    let mut said = Vec::new();
    let _ = (&mut stderr).take(LAST_WORDS_MAX).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).trim().to_owned()
}
