//! Tests of the command line: the real program, in a directory of its own.

mod again;
mod applications;
mod bench;
mod configuration;
mod connecting;
mod demo;
mod documentation;
mod endpoints;
mod examples;
mod forwarding;
mod help;
mod importing;
mod listening;
mod master_key;
mod messages;
mod permissions;
mod readme;
mod receiving;
mod sending;
mod serving;
mod signing;
mod sources;
mod tailing;
pub(crate) mod terminal;
mod tokens;

mod served; // what they share

use hookwright_testkit::{Launch, Output};

/// The secret of the published example of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The program with these arguments, separated by spaces.
pub(crate) fn hookwright(arguments: &str) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_hookwright")).args(arguments.split_whitespace())
}

/// A file in the directory that the program starts in.
fn with_file(launch: Launch, name: &str, content: &str) -> Launch {
    std::fs::write(launch.directory().join(name), content).unwrap();
    launch
}

/// Runs it, and expects that it succeeds.
async fn succeeds(launch: &Launch) -> String {
    let output = launch.run().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    output.stdout
}

/// Runs it, and expects one sentence of failure and nothing else.
async fn fails(launch: &Launch) -> String {
    let output: Output = launch.run().await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, "", "{output:?}");
    let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{output:?}");
    assert!(lines[0].ends_with(['.', '?']), "{output:?}");
    lines[0].trim_start_matches("error: ").to_owned()
}
