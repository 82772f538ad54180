//! `hookwright tail`: messages and attempts as they happen.

mod line;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::client::{Client, Document, Pages, Path};
use super::connection::ConnectionArgs;
use super::console::at_least_one;
use super::failure::Failure;
use super::growing::Growing;
use super::output::{Form, Output};
use super::rig::interrupted;
use line::{HEADINGS, Happening};

/// How long to wait between two looks: soon enough for a person, and little work for the server.
const PAUSE: Duration = Duration::from_secs(1);

/// Follow messages and attempts as they happen, until Ctrl-C
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright tail --app acme
  hookwright tail --app acme --endpoint main
  hookwright tail --app acme --messages --json | jq .message.eventType

It begins with what happens from now on. Each look is a request for the messages and one for each endpoint.")]
pub(super) struct TailArgs {
    /// The application: its uid or id
    #[arg(long, value_name = "APP")]
    app: String,
    /// Only attempts at this endpoint: its uid or id
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "messages")]
    endpoint: Option<String>,
    /// Only messages, without attempts
    #[arg(long)]
    messages: bool,
    /// End after so many
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<u64>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) async fn run(args: TailArgs, output: Output) -> Result<(), Failure> {
    let client = args.connection.client()?;
    tokio::select! {
        // Looked at first, so that the handler is there before anything is printed.
        biased;
        // This is how it is meant to end.
        () = interrupted() => Ok(()),
        ended = follow(&args, &client, output) => ended,
    }
}

async fn follow(args: &TailArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let mut tail = Tail::begin(args, client).await?;
    if output.form() == Form::Tsv {
        output.line(&HEADINGS.join("\t"))?;
    }
    // Whoever starts this and then something else wants to know when.
    super::failure::eprint_line(&format!("following {}", super::escape::for_terminal(&args.app)));
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let mut happened = tail.look().await?;
        // A message comes before its attempts, which may be in the same millisecond.
        happened.sort_by_key(Happening::time);
        for happening in happened {
            if left == 0 {
                return Ok(());
            }
            happening.print(output)?;
            left -= 1;
        }
        if left > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// What is followed.
struct Tail<'a> {
    client: &'a Client,
    app: &'a str,
    messages: Option<Growing>,
    attempts: Attempts,
}

enum Attempts {
    No,
    At(Box<Growing>),
    /// At all endpoints, by their ids.
    Everywhere(BTreeMap<String, Growing>),
}

#[derive(serde::Deserialize)]
struct EndpointId {
    id: String,
}

impl<'a> Tail<'a> {
    /// From now on.
    async fn begin(args: &'a TailArgs, client: &'a Client) -> Result<Tail<'a>, Failure> {
        let app = args.app.as_str();
        if let Some(endpoint) = &args.endpoint {
            let stream = Growing::from_now(client, attempts_at(app, endpoint)).await?;
            return Ok(Tail { client, app, messages: None, attempts: Attempts::At(Box::new(stream)) });
        }
        let messages = Path::messages(app).ask("with_content", "false");
        let messages = Some(Growing::from_now(client, messages).await?);
        let attempts = match args.messages {
            true => Attempts::No,
            false => {
                let mut streams = BTreeMap::new();
                for id in ids(client, app).await? {
                    let stream = Growing::from_now(client, attempts_at(app, &id)).await?;
                    streams.insert(id, stream);
                }
                Attempts::Everywhere(streams)
            }
        };
        Ok(Tail { client, app, messages, attempts })
    }

    /// What happened since the last look.
    async fn look(&mut self) -> Result<Vec<Happening>, Failure> {
        let mut happened = Vec::new();
        if let Some(messages) = &mut self.messages {
            let documents = messages.read(self.client).await?;
            happened.extend(documents.into_iter().map(Happening::Message));
        }
        match &mut self.attempts {
            Attempts::No => {}
            Attempts::At(stream) => happened.extend(attempts(stream, self.client).await?),
            Attempts::Everywhere(streams) => {
                let there = ids(self.client, self.app).await?;
                streams.retain(|id, _| there.contains(id));
                for id in there {
                    // An endpoint that was made meanwhile had nothing before.
                    let new = || Growing::from_the_start(attempts_at(self.app, &id));
                    let stream = streams.entry(id.clone()).or_insert_with(new);
                    match attempts(stream, self.client).await {
                        Ok(ended) => happened.extend(ended),
                        // It may have been deleted just now.
                        Err(failure) if ids(self.client, self.app).await?.contains(&id) => {
                            return Err(failure);
                        }
                        Err(_) => {}
                    }
                }
            }
        }
        Ok(happened)
    }
}

async fn attempts(stream: &mut Growing, client: &Client) -> Result<Vec<Happening>, Failure> {
    let documents: Vec<Document> = stream.read(client).await?;
    Ok(documents.into_iter().map(Happening::Attempt).collect())
}

fn attempts_at(app: &str, endpoint: &str) -> Path {
    Path::attempts_at_endpoint(app, endpoint).ask("with_content", "true").ask("with_msg", "true")
}

async fn ids(client: &Client, app: &str) -> Result<Vec<String>, Failure> {
    let endpoints = Pages::new(client, Path::endpoints(app), None).rest().await?;
    endpoints.iter().map(|endpoint| Ok(endpoint.read::<EndpointId>("an endpoint")?.id)).collect()
}
