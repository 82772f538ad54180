//! `docs/command-line.md`: each of its commands does what it says, in its order, and none that calls a server is missing.

use std::path::Path;

use hookwright_testkit::Receiver;

use super::help::commands_below;
use super::served::{Served, TOKEN};
use super::{SECRET, hookwright, succeeds, with_file};

const DOCUMENT: &str = include_str!("../../../../../docs/command-line.md");
/// What stands for the reader's own server and endpoint.
const SERVER: &str = "https://hooks.example.com";
const TARGET: &str = "https://acme.example.com/hooks";
/// Commands that do not end by themselves are told to, and what they say when they have begun.
const ENDLESS: [(&str, &str); 2] =
    [("hookwright tail ", "following acme"), ("hookwright listen ", "listening to code, ")];

/// The commands of the document, in its order.
fn scripts() -> Vec<&'static str> {
    let blocks = DOCUMENT.split("```sh\n").skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0).collect()
}

#[tokio::test]
async fn every_example_runs() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let binary = Path::new(env!("CARGO_BIN_EXE_hookwright"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    // What a shell is told to remember in one block is needed in the next.
    let mut script = String::from("set -eu\n");
    let mut endless = Vec::new();
    let scripts = scripts().concat();
    for line in scripts.lines() {
        if let Some((_, beginning)) = ENDLESS.iter().find(|(command, _)| line.starts_with(command)) {
            endless.push((line.split(" | ").next().unwrap_or_default(), beginning));
            continue;
        }
        script.push_str(&line.replace(SERVER, &server.url).replace(TARGET, &receiver.url("/")));
        script.push('\n');
    }
    let shell = server.command("").instead("sh").args(["-c", &script]).env("PATH", path);
    std::fs::write(shell.directory().join("token.txt"), TOKEN).unwrap();
    std::fs::write(shell.directory().join("secret.txt"), "s3cret").unwrap();
    let webhooks = "webhooks: {book.lent: {post: {summary: A book was lent}}}";
    std::fs::write(shell.directory().join("openapi.yaml"), webhooks).unwrap();
    let printed = succeeds(&shell).await;
    assert!(printed.contains("book.added"), "{printed}");

    assert!(!endless.is_empty());
    server.text("application create acme --if-missing").await;
    server.text(&format!("endpoint upsert --app acme main {}", receiver.url("/"))).await;
    for (line, beginning) in endless {
        let launch = server.command(line.trim_start_matches("hookwright "));
        let mut process = with_file(launch, "secret.txt", SECRET).start();
        process.wait_for_line(|line| line.starts_with(beginning), "the beginning").await;
        process.interrupt();
        assert_eq!(process.wait_exit().await.code(), Some(0), "{line}");
    }
}

#[tokio::test]
async fn every_command_that_calls_a_server_has_an_example() {
    let top = succeeds(&hookwright("--help")).await;
    let mut checked = 0;
    for command in commands_below(&top) {
        let help = succeeds(&hookwright(&format!("{command} --help"))).await;
        if !help.contains("\nServer:\n") && command != "profile" && command != "completion" {
            continue;
        }
        let below = commands_below(&help);
        let names = match below.is_empty() {
            true => vec![command.to_owned()],
            false => below.iter().map(|name| format!("{command} {name}")).collect(),
        };
        for name in names {
            let there = scripts().iter().any(|script| script.contains(&format!("hookwright {name} ")))
                || scripts().iter().any(|script| script.contains(&format!("hookwright {name}\n")));
            assert!(there, "docs/command-line.md has no example of `hookwright {name}`");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}
