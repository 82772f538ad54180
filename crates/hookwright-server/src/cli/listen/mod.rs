//! `hookwright listen`: what a server's source receives comes to a developer's own machine.

mod held; // reading order: what is not decided yet, what is shown, where it goes
mod line;
mod target;

use std::time::Duration;

use clap::Args;

use super::client::{Client, Document, Path};
use super::connection::ConnectionArgs;
use super::console::at_least_one;
use super::escape;
use super::failure::{Failure, eprint_line};
use super::growing::Growing;
use super::output::{Form, Output};
use super::rig::interrupted;
use super::secret;
use held::Held;
use line::HEADINGS;
use target::Target;

/// How long to wait between two looks: a developer who waits for a request does not notice.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to wait when the server cannot be reached; each time twice as long,
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// and at most this.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Send on to this machine what a server's source receives, until Ctrl-C
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright listen --source code --forward-to http://127.0.0.1:3000/webhooks
  hookwright listen --source code --forward-to http://127.0.0.1:3000/webhooks --secret-file secret.txt
  hookwright listen --source code --forward-to http://127.0.0.1:3000/webhooks --json | jq .request.verdict

It begins with what comes from now on, and changes nothing on the server: endpoints get what they get. Each request
that was proven is posted once, byte for byte, with its content type and its provider's headers, and one whose sender is
asked once it is confirmed; refused ones, copies and handshakes are shown. Credentials in headers and queries are not sent
on: the log has not got them. If the server goes away it is waited for, and nothing that came meanwhile is left out.")]
pub(super) struct ListenArgs {
    /// The source: its uid or id
    #[arg(long, value_name = "SOURCE")]
    source: String,
    /// Where its requests are posted to
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// File with a secret to sign with, as the server signs for an endpoint with that secret
    #[arg(long, value_name = "PATH")]
    secret_file: Option<std::path::PathBuf>,
    /// End after so many requests
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<u64>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) async fn run(args: ListenArgs, output: Output) -> Result<(), Failure> {
    let secret = args.secret_file.as_deref().map(secret::from_file).transpose()?;
    let target = Target::new(&args.forward_to, secret.as_ref().map(|secret| secret.as_str()))?;
    let client = args.connection.client()?;
    tokio::select! {
        // Looked at first, so that the handler is there before anything is printed.
        biased;
        // This is how it is meant to end.
        () = interrupted() => Ok(()),
        ended = listen(&args, &client, &target, output) => ended,
    }
}

async fn listen(args: &ListenArgs, client: &Client, target: &Target, output: Output) -> Result<(), Failure> {
    let path = Path::source(&args.source).then("log");
    let mut held = Held::none(path.clone());
    let mut log = Growing::from_now(client, path).await?;
    if output.form() == Form::Tsv {
        output.line(&HEADINGS.join("\t"))?;
    }
    // Whoever starts this and then something else wants to know when.
    eprint_line(&escape::for_terminal(&format!(
        "listening to {}, forwarding to {}",
        args.source, args.forward_to
    )));
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let mut requests = held.decided(client).await;
        requests.extend(read_on(&mut log, client).await?);
        for request in requests {
            if left == 0 {
                break;
            }
            held.note(&request);
            let forwarded = match is_forwarded(&request) {
                true => Some(target.post(&request).await),
                false => None,
            };
            line::print(&request, forwarded.as_ref(), output)?;
            left -= 1;
        }
        if left > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// What has come; waits for the server while it cannot be reached.
async fn read_on(log: &mut Growing, client: &Client) -> Result<Vec<Document>, Failure> {
    let mut wait = WAIT_FIRST;
    loop {
        match log.read(client).await {
            Ok(requests) => {
                if wait > WAIT_FIRST {
                    eprint_line("The server answers again.");
                }
                return Ok(requests);
            }
            Err(failure) if failure.may_pass() => {
                if wait == WAIT_FIRST {
                    let why = failure.text();
                    eprint_line(&escape::for_terminal(&format!("{why} Trying again until it answers.")));
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether an endpoint of the source gets it: what is shown of the others is all there is to them.
fn is_forwarded(request: &Document) -> bool {
    matches!(request.member("verdict").as_str(), "verified" | "confirmed")
}
