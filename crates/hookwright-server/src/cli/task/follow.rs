//! Follows a background task until it has ended, with a bar for whoever watches.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::COLUMNS;
use crate::cli::client::{Document, Path};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::rig::interrupted;

/// The first question comes early, since most tasks are short; the later ones cost the server nothing.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How often the bar moves.
const REDRAW: Duration = Duration::from_millis(120);
/// The server does not know beforehand how many messages a task will send, so there is no end to draw.
const TEMPLATE: &str = "{spinner} {msg}  {human_pos} sent  {elapsed}";

/// A task, as far as following it needs.
#[derive(Deserialize)]
struct TaskOut {
    status: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    messages_sent: u64,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Started {
    id: String,
}

/// Begins a task by posting `body`, and follows it unless nobody wants to wait; shows it either way.
pub(in crate::cli) async fn begin(
    path: &Path,
    body: &impl Serialize,
    wait: bool,
    console: &Console,
) -> Result<(), Failure> {
    let started = console.client.post(path, body).await?;
    if wait {
        let Started { id } = started.read("a background task")?;
        return to_its_end(&id, console).await;
    }
    console.show(&started, &COLUMNS)
}

/// Follows a task to its end and shows it. A task that failed is a failure.
pub(super) async fn to_its_end(id: &str, console: &Console) -> Result<(), Failure> {
    let ended = tokio::select! {
        ended = watch(id, console) => ended?,
        () = interrupted() => {
            return Err(Failure::new(format!("Stopped watching; the background task {id} goes on."))
                .advise(&format!("`hookwright task get {id} --wait` watches it again.")));
        }
    };
    let task: TaskOut = ended.read("a background task")?;
    if task.status == "finished" {
        return console.show(&ended, &COLUMNS);
    }
    let why = task.data.error.map_or_else(String::new, |error| format!(": {}", error.trim_end_matches('.')));
    let sent = task.data.messages_sent;
    Err(Failure::new(format!("The background task {id} failed after it had sent {sent} messages{why}.")))
}

async fn watch(id: &str, console: &Console) -> Result<Document, Failure> {
    let (path, bar) = (Path::task(id), Bar::new(id));
    let mut pause = PAUSE_FIRST;
    loop {
        let document = console.client.get(&path).await?;
        let task: TaskOut = document.read("a background task")?;
        bar.0.set_position(task.data.messages_sent);
        if task.status != "running" {
            return Ok(document);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// A bar on the standard error, if that is a terminal; gone when it is dropped.
struct Bar(ProgressBar);

impl Bar {
    fn new(id: &str) -> Bar {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_message(crate::cli::escape::for_terminal(id).into_owned());
        bar.tick();
        bar.enable_steady_tick(REDRAW);
        Bar(bar)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
