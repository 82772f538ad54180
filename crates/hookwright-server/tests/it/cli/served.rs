//! A server of a test, and commands that call it.

use hookwright_testkit::{Launch, Process, Receiver, eventually};
use serde_json::Value;

use super::{hookwright, succeeds};

pub(super) const TOKEN: &str = "dev_token_not_for_production";

/// A server with loopback targets, for as long as this lives.
pub(super) struct Served {
    _process: Process,
    pub(super) url: String,
}

/// What was printed with tabs: names above, and cells below them.
#[derive(Debug)]
pub(super) struct Lines {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Served {
    pub(super) async fn start() -> Served {
        let process = hookwright("dev --listen 127.0.0.1:0").start();
        let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
        Served { _process: process, url: line.trim_start_matches("listening: ").to_owned() }
    }

    /// A command that finds the server in its environment.
    pub(super) fn command(&self, arguments: &str) -> Launch {
        hookwright(arguments).env("HOOKWRIGHT_URL", &self.url).env("HOOKWRIGHT_API_TOKEN", TOKEN)
    }

    /// What it prints behind a pipe.
    pub(super) async fn text(&self, arguments: &str) -> String {
        succeeds(&self.command(arguments)).await
    }

    /// The same, taken apart.
    pub(super) async fn lines(&self, arguments: &str) -> Lines {
        Lines::of(&self.text(arguments).await)
    }

    /// What it prints with `--json`.
    pub(super) async fn json(&self, arguments: &str) -> Value {
        let printed = self.text(&format!("{arguments} --json")).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Why it fails.
    pub(super) async fn fails(&self, arguments: &str) -> String {
        super::fails(&self.command(arguments)).await
    }

    /// The application `acme` with an endpoint `main` at a receiver.
    pub(super) async fn acme(&self, receiver: &Receiver) {
        self.text("application create acme").await;
        self.text(&format!("endpoint create --app acme --uid main {}", receiver.url("/"))).await;
    }

    /// Sends a message of a type to `acme`, and gives its id.
    pub(super) async fn send(&self, event_type: &str) -> String {
        let sent =
            self.text(&format!("send --app acme --event-type {event_type} --payload {{\"n\":1}}")).await;
        sent.trim_end().to_owned()
    }

    /// Waits until a message has so many attempts, and gives their ids, the newest first.
    pub(super) async fn attempts(&self, message: &str, count: usize) -> Vec<String> {
        eventually(&format!("{count} attempts"), async || {
            let lines = self.lines(&format!("message attempts --app acme {message}")).await;
            let ids = lines.column("ID");
            if ids.len() == count { Ok(ids) } else { Err(lines) }
        })
        .await
    }
}

impl Lines {
    pub(super) fn of(printed: &str) -> Lines {
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<String>>();
        let mut lines = printed.lines().map(cells);
        let headings = lines.next().unwrap_or_default();
        let rows: Vec<Vec<String>> = lines.collect();
        assert!(rows.iter().all(|row| row.len() == headings.len()), "{printed}");
        Lines { headings, rows }
    }

    /// The cells below a name, from above.
    pub(super) fn column(&self, heading: &str) -> Vec<String> {
        let at = self.headings.iter().position(|there| there == heading);
        let at = at.unwrap_or_else(|| panic!("{heading} is not among {:?}", self.headings));
        self.rows.iter().map(|row| row[at].clone()).collect()
    }

    /// The one cell below a name.
    pub(super) fn cell(&self, heading: &str) -> String {
        assert_eq!(self.rows.len(), 1, "{self:?}");
        self.column(heading).remove(0)
    }
}
