//! `hookwright send`: a message through a server, from a shell.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::{dev, escape, input};

/// Where `dev` and `serve` listen when nobody says otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:8071";

/// Send a message through a server
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright send --app acme --create-app --event-type book.added --payload '{\"title\": \"Momo\"}'
  hookwright send --app acme --event-type book.added --payload @payload.json
  hookwright send --app acme --event-type book.added --payload '{}' --url https://hooks.example.com
  produce | hookwright send --app acme --event-type book.added --payload -")]
pub(super) struct SendArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// Make the application if it is not there; --app is its uid then
    #[arg(long)]
    create_app: bool,
    /// What happened, such as book.added
    #[arg(long, value_name = "NAME")]
    event_type: String,
    /// The payload: JSON, @ and a file, or - for standard input
    #[arg(long, value_name = "JSON")]
    payload: String,
    /// Only for endpoints of this channel; may be repeated
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Your own id of the message, so that it cannot be sent twice
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// The server
    #[arg(long, env = "HOOKWRIGHT_URL", hide_env_values = true, default_value = URL_DEFAULT)]
    url: String,
    /// The access token; others on this machine can see it here, so prefer the variable [env: HOOKWRIGHT_API_TOKEN]
    /// [default: that of `hookwright dev`]
    #[arg(long)]
    token: Option<String>,
    /// File with the access token
    #[arg(long, value_name = "PATH", conflicts_with = "token")]
    token_file: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageIn<'a> {
    event_type: &'a str,
    payload: &'a RawValue,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    channels: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
}

#[derive(serde::Deserialize)]
struct MessageOut {
    id: String,
}

pub(super) async fn run(args: SendArgs, output: Output) -> Result<(), Failure> {
    let payload = payload(&args.payload)?;
    let message = MessageIn {
        event_type: &args.event_type,
        payload: &payload,
        channels: &args.channel,
        event_id: args.event_id.as_deref(),
    };
    let message = serde_json::to_string(&message)
        .map_err(|error| Failure::because("The message cannot be written as JSON", &error))?;
    let client = Client::new(&args.url, token(&args)?)?;
    if args.create_app {
        let application = json!({ "name": args.app, "uid": args.app });
        client.post("/api/v1/app/?get_if_exists=true", application.to_string()).await?;
    }
    let answer = client.post(&format!("/api/v1/app/{}/msg/", segment(&args.app)), message).await?;
    let sent: MessageOut = serde_json::from_slice(&answer)
        .map_err(|error| Failure::because("The server's answer is not a message", &error))?;
    if output.is_json() {
        return output.json(&json!({ "id": sent.id }));
    }
    output.line(&escape::for_terminal(&sent.id))
}

/// The payload's text, which is sent as it is.
fn payload(given: &str) -> Result<Box<RawValue>, Failure> {
    let text = match given.strip_prefix('@') {
        Some(path) => text(input::read(Path::new(path))?)?,
        None if given == "-" => text(input::read(Path::new("-"))?)?,
        None => given.to_owned(),
    };
    RawValue::from_string(text).map_err(|error| {
        Failure::because("The payload is not JSON", &error)
            .advise("An example is --payload '{\"title\": \"Momo\"}'.")
    })
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::new("The payload is not JSON: it is not UTF-8."))
}

fn token(args: &SendArgs) -> Result<Zeroizing<String>, Failure> {
    let given = match (&args.token, &args.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(path)) => Some(text(input::read(path)?)?),
        (None, None) => std::env::var("HOOKWRIGHT_API_TOKEN").ok().filter(|token| !token.is_empty()),
    };
    match given {
        Some(token) => Ok(Zeroizing::new(token.trim().to_owned())),
        // Known to everybody, and so only for where it was made for.
        None if args.url == URL_DEFAULT => Ok(Zeroizing::new(dev::DEV_TOKEN.to_owned())),
        None => Err(Failure::new(format!("No access token was given for the server at {}.", args.url))
            .advise("Set HOOKWRIGHT_API_TOKEN; `hookwright token create --name shell` makes one.")),
    }
}

/// A part of a path; what an application cannot be called is escaped, and refused by the server.
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') => {
                escaped.push(char::from(byte))
            }
            b'.' if text.contains(|character| character != '.') => escaped.push('.'),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        assert_eq!(segment("acme-1.2_3"), "acme-1.2_3");
        assert_eq!(segment("../x?y"), "..%2Fx%3Fy");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
