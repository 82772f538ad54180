//! The README: its first block is a command, its second that command's real output, and every command it names is there.

use std::fs;

use hookwright_testkit::Launch;

use super::{hookwright, succeeds};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

#[tokio::test]
async fn the_second_block_is_what_the_first_one_prints() {
    let readme = fs::read_to_string(README).unwrap();
    let [first, second, ..] = &blocks(&readme)[..] else { panic!("README.md has fewer than two blocks") };
    assert_eq!((first.language, first.text), ("sh", "cargo run --release -- demo\n"));
    assert_eq!(second.language, "text");

    let launch = Launch::new(env!("CARGO_BIN_EXE_hookwright")).args(["demo", "--once"]);
    let directory = launch.directory().to_owned();
    let printed = succeeds(&launch.env("TMPDIR", directory)).await;
    assert_eq!(without_what_varies(second.text), without_what_varies(&printed));
}

#[tokio::test]
async fn every_command_that_is_named_is_there() {
    let readme = fs::read_to_string(README).unwrap();
    let mut named: Vec<&str> = Vec::new();
    for block in blocks(&readme).into_iter().filter(|block| block.language == "sh") {
        let lines = block.text.lines();
        named.extend(lines.filter_map(|line| {
            let (_, command) =
                line.split_once("cargo run --release -- ").or(line.split_once("hookwright "))?;
            command.split(' ').next()
        }));
    }
    // The rows of the table of commands: | `serve`, `dev` | what they do |
    for row in readme.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cell = row.split(" |").next().unwrap_or_default();
        named.extend(cell.split("`, `").map(|name| name.trim_end_matches('`')));
    }
    for expected in ["demo", "dev", "receiver", "serve", "config check", "bench"] {
        assert!(named.contains(&expected), "{expected} is not among {named:?}");
    }
    for command in named {
        succeeds(&hookwright(&format!("{command} --help"))).await;
    }
}

struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

/// The fenced blocks of a Markdown text.
fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let inside = markdown.split("```").skip(1).step_by(2);
    inside
        .filter_map(|block| block.split_once('\n'))
        .map(|(language, text)| Block { language, text })
        .collect()
}

/// The lines with ids, signatures and numbers, which are others each time, replaced.
fn without_what_varies(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split(' ').map(steady).collect::<Vec<_>>().join(" ")).collect()
}

fn steady(word: &str) -> String {
    if word.starts_with("msg_") {
        return "an id".to_owned();
    }
    if word.starts_with("v1,") {
        return "a signature".to_owned();
    }
    let is_number = |word: &str| word.bytes().any(|b| b.is_ascii_digit()) && !word.contains('{');
    let rest = word.trim_matches(|c: char| c.is_ascii_digit() || ".,".contains(c));
    if is_number(word) && rest.is_empty() { "a number".to_owned() } else { word.to_owned() }
}
