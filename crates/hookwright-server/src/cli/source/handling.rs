//! What is made of the requests to a source: what is answered, what they say happened, what is left out, who is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::{given, input};

/// How requests are answered, read and confirmed.
#[derive(Debug, Clone, Args)]
pub(super) struct HandlingArgs {
    /// Answer with this status, from 200 to 299; what else is not said of the answer is as usual
    #[arg(long, value_name = "STATUS")]
    answer_status: Option<u16>,
    /// Answer with this body; @ and a file reads it from there
    #[arg(long, value_name = "TEXT")]
    answer_body: Option<String>,
    /// Answer with this content type
    #[arg(long, value_name = "TYPE")]
    answer_type: Option<String>,
    /// Read what happened there: a header, such as x-event, or a place in a body of JSON, such as /data/type; an empty one means where
    /// requests of its kind have it
    #[arg(long, value_name = "HEADER|/POINTER")]
    event_type: Option<String>,
    /// Neither keep nor forward this part of bodies, such as /card/number, in the place of those that are said now; may be repeated, an
    /// empty one means none
    #[arg(long, value_name = "/POINTER")]
    redact: Vec<String>,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// Who is asked whether a request is true, all of it.
#[derive(Debug, Clone, Args)]
struct ConfirmArgs {
    /// Ask here, before a request is forwarded, whether it is true: {query:x}, {header:x} and {body:/x} stand for what it has; an empty
    /// one means that nobody is asked
    #[arg(long, value_name = "URL")]
    confirm_url: Option<String>,
    /// File with the headers of that question, one a line, such as Authorization: Bearer …
    #[arg(long, value_name = "PATH", requires = "confirm_url")]
    confirm_headers_file: Option<PathBuf>,
    /// This status confirms [default: any from 200 to 299]
    #[arg(long, value_name = "STATUS", requires = "confirm_url")]
    confirm_status: Option<u16>,
    /// What stands at this place of the answer decides, such as /paid
    #[arg(long, value_name = "/POINTER", requires = "confirm_equals")]
    confirm_pointer: Option<String>,
    /// It must be this, in JSON: true, 3, '"paid"'
    #[arg(long, value_name = "JSON", requires = "confirm_pointer")]
    confirm_equals: Option<String>,
    /// How long the answer may take, such as 5s
    #[arg(long, value_name = "DURATION", requires = "confirm_url")]
    confirm_timeout: Option<String>,
}

/// The same as the API takes it; what is null is taken away.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HandlingIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redact: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Option<ConfirmIn>>,
}

/// Its headers are secrets, so it cannot be printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfirmIn {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    expect: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
}

impl HandlingArgs {
    pub(super) fn document(self) -> Result<HandlingIn, Failure> {
        let mut answer = serde_json::Map::new();
        if let Some(status) = self.answer_status {
            answer.insert("status".to_owned(), json!(status));
        }
        if let Some(body) = self.answer_body {
            answer.insert("body".to_owned(), json!(given::text(&body)?));
        }
        if let Some(content_type) = self.answer_type {
            answer.insert("contentType".to_owned(), json!(content_type));
        }
        let event_type = self.event_type.map(|place| match place.as_str() {
            "" => Value::Null,
            pointer if pointer.starts_with('/') => json!({ "pointer": pointer }),
            header => json!({ "header": header }),
        });
        let redact = (!self.redact.is_empty())
            .then(|| self.redact.into_iter().filter(|pointer| !pointer.is_empty()).collect());
        Ok(HandlingIn {
            answer: (!answer.is_empty()).then_some(Value::Object(answer)),
            event_type,
            redact,
            confirm: self.confirm.document()?,
        })
    }
}

impl ConfirmArgs {
    fn document(self) -> Result<Option<Option<ConfirmIn>>, Failure> {
        let Some(url) = self.confirm_url else {
            if self.confirm_pointer.is_some() {
                return Err(Failure::new("--confirm-pointer and --confirm-equals need a --confirm-url.")
                    .advise("Who confirms is said as a whole."));
            }
            return Ok(None);
        };
        if url.is_empty() {
            return Ok(Some(None));
        }
        let mut expect = serde_json::Map::new();
        if let Some(status) = self.confirm_status {
            expect.insert("status".to_owned(), json!(status));
        }
        if let Some(pointer) = self.confirm_pointer {
            expect.insert("pointer".to_owned(), json!(pointer));
        }
        if let Some(text) = self.confirm_equals {
            let equals = serde_json::from_str(&text).map_err(|error| {
                Failure::because("What --confirm-equals says is not JSON", &error)
                    .advise("Examples are true, 3 and '\"paid\"'.")
            })?;
            expect.insert("equals".to_owned(), equals);
        }
        let headers = self.confirm_headers_file.as_deref().map(headers).transpose()?;
        let expect = Value::Object(expect);
        Ok(Some(Some(ConfirmIn { url, headers, expect, timeout: self.confirm_timeout })))
    }
}

impl HandlingIn {
    /// Whether it names nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.answer.is_none() && self.event_type.is_none() && self.redact.is_none() && self.confirm.is_none()
    }
}

/// The headers in a file, one a line.
fn headers(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = String::from_utf8(input::read(path)?)
        .map_err(|_| Failure::new("The file with the headers is not text: it is not UTF-8."))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let split = |line: &str| {
        // It may be a secret, so it is not repeated.
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Failure::new("A line of the file with the headers has no : in it.")
                .advise("An example of one is Authorization: Bearer s3cret.")
        })?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    lines.map(split).collect()
}
