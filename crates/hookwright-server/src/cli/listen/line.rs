//! A request that came, and what became of it here, as a line.

use serde_json::json;
use serde_json::value::RawValue;

use super::target::Posted;
use crate::cli::client::Document;
use crate::cli::escape;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};

/// The cells of a line.
pub(super) const HEADINGS: [&str; 9] =
    ["TIME", "REQUEST", "METHOD", "VERDICT", "ANSWERED", "MESSAGE", "FORWARDED", "MS", "DETAIL"];

pub(super) fn print(request: &Document, posted: Option<&Posted>, output: Output) -> Result<(), Failure> {
    match output.form() {
        Form::Json => {
            let line = request.on_one_line();
            let raw = serde_json::from_str::<&RawValue>(&line)
                .map_err(|error| Failure::because("The server's answer is not JSON", &error))?;
            let forwarded = posted.map(|posted| match &posted.answer {
                Ok(status) => json!({ "status": status, "milliseconds": milliseconds(posted) }),
                Err(why) => json!({ "error": why, "milliseconds": milliseconds(posted) }),
            });
            output.json(&json!({ "type": "request", "request": raw, "forwarded": forwarded }))
        }
        Form::Tsv => output.row(&cells(request, posted)),
        Form::Table => output.line(&escape::for_terminal(&sentence(request, posted))),
    }
}

fn cells(request: &Document, posted: Option<&Posted>) -> Vec<String> {
    let of = |path: &str| request.member(path);
    let (status, took, why) = match posted {
        None => (String::new(), String::new(), of("error_text")),
        Some(posted) => {
            let (status, why) = match &posted.answer {
                Ok(status) => (status.to_string(), String::new()),
                Err(why) => ("failed".to_owned(), why.clone()),
            };
            (status, milliseconds(posted).to_string(), why)
        }
    };
    vec![
        of("created_at"),
        of("id"),
        of("method"),
        of("verdict"),
        of("status_code"),
        of("msg_id"),
        status,
        took,
        why,
    ]
}

fn sentence(request: &Document, posted: Option<&Posted>) -> String {
    let of = |path: &str| request.member(path);
    let mut line = format!(
        "{}  {}  {} {}, answered {}",
        of("created_at"),
        of("id"),
        of("method"),
        of("verdict"),
        of("status_code")
    );
    let why = of("error_text");
    match posted.map(|posted| (&posted.answer, milliseconds(posted))) {
        Some((Ok(status), took)) => line.push_str(&format!("; forwarded: {status}, {took} ms")),
        Some((Err(why), _)) => line.push_str(&format!("; not forwarded: {why}")),
        None if why.is_empty() => {}
        None => line.push_str(&format!(": {why}")),
    }
    line
}

fn milliseconds(posted: &Posted) -> u64 {
    u64::try_from(posted.took.as_millis()).unwrap_or(u64::MAX)
}
