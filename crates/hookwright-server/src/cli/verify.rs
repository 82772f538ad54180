//! `hookwright verify`: whether a payload is genuine.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use hookwright_signature::{DEFAULT_TOLERANCE, Verifier, VerifyError};
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::secret::SecretArgs;
use super::{escape, input};
use crate::config::parse_duration;

/// Verify a signed payload, as a receiver does
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright verify --secret-file secret.txt --headers headers.txt payload.json
  hookwright verify --secret-file secret.txt -H 'webhook-id: msg_1' -H 'webhook-timestamp: 1700000000' \\
      -H 'webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=' --tolerance 36500d payload.json

The payload must be exactly the bytes that were sent. The exit code is 0 if it is genuine, and 1 if not.")]
pub(super) struct VerifyArgs {
    /// File with the payload; - is standard input
    #[arg(default_value = "-", value_name = "FILE")]
    payload: PathBuf,
    #[command(flatten)]
    secret: SecretArgs,
    /// A header of the request; only the three of the signature count
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// File with the headers, one a line
    #[arg(long, value_name = "FILE")]
    headers: Option<PathBuf>,
    /// How long ago it may have been signed [default: 5m]
    #[arg(long, value_name = "DURATION")]
    tolerance: Option<String>,
}

pub(super) fn run(args: &VerifyArgs, output: Output) -> Result<(), Failure> {
    let tolerance = match &args.tolerance {
        None => DEFAULT_TOLERANCE,
        Some(text) => parse_duration(text).map_err(|problem| {
            Failure::new(format!("--tolerance is {text:?}, which {problem}.")).advise("An example is 5m.")
        })?,
    };
    let verifier = Verifier::parse(&args.secret.needed()?)
        .map_err(|error| Failure::because("The secret cannot be used", &error))?
        .with_tolerance(tolerance);
    let headers = headers(args)?;
    let payload = input::read(&args.payload)?;
    match verifier.verify(|name| headers.get(name), &payload) {
        Ok(verified) if output.is_json() => {
            output.json(&json!({ "verified": true, "id": verified.id, "timestamp": verified.timestamp }))
        }
        Ok(verified) => output.line(&format!("verified {}", escape::for_terminal(&verified.id))),
        Err(error) => {
            if output.is_json() {
                output.json(&json!({ "verified": false, "problem": error.to_string() }))?;
            }
            Err(refused(&error))
        }
    }
}

fn refused(error: &VerifyError) -> Failure {
    let failure = Failure::because("The payload is not verified", error);
    match error {
        VerifyError::MissingHeader { .. } => failure.advise("Give the three headers with -H or --headers."),
        VerifyError::TimestampTooOld { .. } => {
            failure.advise("For a request that was kept, allow its age with --tolerance, such as 30d.")
        }
        _ => failure,
    }
}

fn headers(args: &VerifyArgs) -> Result<HashMap<String, String>, Failure> {
    let file = match &args.headers {
        None => String::new(),
        Some(path) => String::from_utf8(input::read(path)?).map_err(|_| {
            Failure::new(format!("The file {} holds no headers: it is not text.", path.display()))
        })?,
    };
    let lines = file.lines().filter(|line| !line.trim().is_empty());
    let mut headers = HashMap::new();
    for line in lines.chain(args.header.iter().map(String::as_str)) {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Failure::new(format!("{line:?} is no header."))
                .advise("A header is written as `webhook-id: msg_1`."));
        };
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(headers)
}
