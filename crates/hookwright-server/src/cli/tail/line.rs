//! What happened, as a line.

use serde_json::json;
use serde_json::value::RawValue;

use crate::cli::client::Document;
use crate::cli::escape;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};

/// The cells of a line.
pub(super) const HEADINGS: [&str; 9] =
    ["TIME", "WHAT", "MESSAGE", "EVENT TYPE", "ENDPOINT", "STATUS", "CODE", "MS", "DETAIL"];

/// So many characters of what was answered are shown at a terminal.
const DETAIL_CHARS: usize = 60;

/// A message was accepted, or an attempt has ended.
pub(super) enum Happening {
    Message(Document),
    Attempt(Document),
}

impl Happening {
    /// RFC 3339 in UTC, so that it sorts as time does.
    pub(super) fn time(&self) -> String {
        self.document().member("timestamp")
    }

    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        match output.form() {
            Form::Json => {
                let (what, document) = match self {
                    Happening::Message(document) => ("message", document),
                    Happening::Attempt(document) => ("attempt", document),
                };
                let line = document.on_one_line();
                let raw = serde_json::from_str::<&RawValue>(&line)
                    .map_err(|error| Failure::because("The server's answer is not JSON", &error))?;
                output.json(&json!({ "type": what, what: raw }))
            }
            Form::Tsv => output.row(&self.cells()),
            Form::Table => output.line(&escape::for_terminal(&self.sentence())),
        }
    }

    fn document(&self) -> &Document {
        match self {
            Happening::Message(document) | Happening::Attempt(document) => document,
        }
    }

    fn cells(&self) -> Vec<String> {
        let of = |path: &str| self.document().member(path);
        match self {
            Happening::Message(_) => {
                let mut cells = vec![self.time(), "message".to_owned(), of("id"), of("eventType")];
                cells.resize(HEADINGS.len(), String::new());
                cells
            }
            Happening::Attempt(_) => vec![
                self.time(),
                "attempt".to_owned(),
                of("msgId"),
                of("msg.eventType"),
                of("endpointId"),
                of("statusText"),
                of("responseStatusCode"),
                of("responseDurationMs"),
                of("response"),
            ],
        }
    }

    fn sentence(&self) -> String {
        let of = |path: &str| self.document().member(path);
        match self {
            Happening::Message(_) => format!("{}  {}  {}", self.time(), of("id"), of("eventType")),
            Happening::Attempt(_) => {
                let (status, code, detail) = (of("statusText"), of("responseStatusCode"), of("response"));
                let answer = match code.as_str() {
                    "0" => String::new(),
                    code => format!(" {code}"),
                };
                let mut line = format!(
                    "{}  {}  {status}{answer}, {} ms, {}",
                    self.time(),
                    of("msgId"),
                    of("responseDurationMs"),
                    of("url")
                );
                if status != "success" && !detail.is_empty() {
                    let shown: String = detail.chars().take(DETAIL_CHARS).collect();
                    line.push_str(&format!(": {shown}"));
                }
                line
            }
        }
    }
}
