//! One request that a receiver got, and how it is shown.

use bytes::Bytes;
use hookwright::Clock;
use hookwright_signature::{HeaderNames, VerifyError};
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::{escape, layout};

/// A request as it is shown.
pub(super) struct Webhook {
    time: String,
    method: String,
    path: String,
    id: Option<String>,
    body: Bytes,
    pub(super) check: Check,
    status: StatusCode,
}

/// Whether a request is genuine.
pub(super) enum Check {
    /// There is no secret to check with.
    NotAsked,
    /// It is.
    Verified,
    /// It is not, or not provably.
    Refused(VerifyError),
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    method: &'a str,
    path: &'a str,
    id: Option<&'a str>,
    /// `null` if there was no secret to check with.
    verified: Option<bool>,
    problem: Option<String>,
    status: u16,
    payload: Payload,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload {
    Json(Box<RawValue>),
    Text(String),
}

impl Webhook {
    pub(super) fn new(head: &Parts, body: Bytes, check: Check, status: StatusCode) -> Webhook {
        let id = HeaderNames::ALL.iter().find_map(|names| head.headers.get(names.id()));
        let seconds = Clock::system().now().as_seconds();
        Webhook {
            time: jiff::Timestamp::from_second(seconds)
                .map_or_else(|_| String::new(), |time| time.to_string()),
            method: head.method.to_string(),
            path: head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            id: id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned()),
            body,
            check,
            status,
        }
    }

    /// Prints it in the form that was asked for.
    pub(super) fn print(&self, output: Output) -> Result<(), Failure> {
        if output.is_json() {
            return output.json(&self.line());
        }
        let Webhook { time, method, path, status, .. } = self;
        let id = self.id.as_deref().unwrap_or("(no webhook-id)");
        let head = format!("{time}  {method} {path}  {id}");
        output.line(&escape::for_terminal(&head))?;
        let verdict = match &self.check {
            Check::NotAsked => "not verified: no secret was given".to_owned(),
            Check::Verified => "verified".to_owned(),
            Check::Refused(problem) => format!("NOT VERIFIED: {problem}"),
        };
        output.line(&format!("  {}; answered {status}", escape::for_terminal(&verdict)))?;
        let shown = layout::for_people(&self.body);
        layout::lines(&shown).try_for_each(|line| output.line(&format!("  {line}")))
    }

    fn line(&self) -> Line<'_> {
        let raw = layout::on_one_line(&self.body).and_then(|line| RawValue::from_string(line).ok());
        Line {
            time: &self.time,
            method: &self.method,
            path: &self.path,
            id: self.id.as_deref(),
            verified: match self.check {
                Check::NotAsked => None,
                Check::Verified => Some(true),
                Check::Refused(_) => Some(false),
            },
            problem: match &self.check {
                Check::Refused(problem) => Some(problem.to_string()),
                _ => None,
            },
            status: self.status.as_u16(),
            payload: match raw {
                Some(json) => Payload::Json(json),
                None => Payload::Text(String::from_utf8_lossy(&self.body).into_owned()),
            },
        }
    }
}
