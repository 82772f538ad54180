//! The documents hang together: links lead somewhere, fences close, and one command runs the tests.

use crate::finding::Finding;
use crate::markdown::{links, read};
use crate::tree::{File, Tree};

const README: &str = "README.md";

/// Where the one test command is written, besides the README.
const REPEATED: [&str; 2] = ["CONTRIBUTING.md", ".ci/run"];

/// The one command that runs every test.
const TEST_COMMAND: &str = "cargo test --release --workspace";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    match tree.file(README) {
        Some(readme) => one_test_command(tree, readme, &mut findings),
        None => findings.push(Finding::new(README, 1, "is missing: it is what a newcomer reads first")),
    }
    for document in tree.with_extension("md") {
        let (prose, fences) = read(document);
        for fence in fences.iter().filter(|fence| !fence.closed) {
            findings.push(Finding::new(
                &document.path,
                fence.line,
                "this fence never closes: end it with ```",
            ));
        }
        for prose in prose {
            for target in links(prose.text).filter(|target| !leads(tree, document, target)) {
                let message = format!("the link to {target} leads nowhere: correct it");
                findings.push(Finding::new(&document.path, prose.line, message));
            }
        }
    }
    findings
}

/// The README gives the command in a block to copy, and the other places repeat it word for word.
fn one_test_command(tree: &Tree, readme: &File, findings: &mut Vec<Finding>) {
    let (_, fences) = read(readme);
    let mut commands = fences.iter().filter(|fence| fence.language == "sh").flat_map(|fence| &fence.lines);
    let is_command = |line: &&str| line.split(" #").next().is_some_and(|line| line.trim() == TEST_COMMAND);
    if !commands.any(is_command) {
        let message = format!("no sh block gives the test command: add `{TEST_COMMAND}`");
        findings.push(Finding::new(README, 1, message));
    }
    for file in REPEATED.iter().filter_map(|path| tree.file(path)) {
        if !file.text.contains(TEST_COMMAND) {
            let message = format!("does not run the tests as the README says: use `{TEST_COMMAND}`");
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
}

/// Links to other hosts and to headings are taken on trust; a path counts from the document's folder.
fn leads(tree: &Tree, document: &File, target: &str) -> bool {
    let target = target.split(['#', ' ']).next().unwrap_or_default();
    if target.is_empty() || target.contains(':') {
        return true;
    }
    let path = resolved(document, target);
    tree.file(&path).is_some() || tree.under(&format!("{path}/")).next().is_some() || is_picture(&path)
}

/// The path that a link's target names, which counts from the document's folder.
pub(super) fn resolved(document: &File, target: &str) -> String {
    let mut parts: Vec<&str> = document.path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Pictures are no texts, so the tree does not hold them.
fn is_picture(path: &str) -> bool {
    [".png", ".gif", ".webp", ".jpg"].iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn documents_that_hang_together_pass() {
        let files = [
            (
                "README.md",
                "See [how](docs/how.md#run), [us](https://example.com/) and [below](#below).\n\
                 ```sh\ncargo test --release --workspace   # all of them\n```\n",
            ),
            ("docs/how.md", "Back to [the start](../README.md) or [all](./).\n"),
            (".ci/run", "cargo test --release --workspace\n"),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn dead_links_open_fences_and_another_test_command_are_found() {
        let files = [
            ("README.md", "See [how](docs/how.md).\n```sh\ncargo test\n"),
            (".ci/run", "cargo test --workspace\n"),
        ];
        assert_eq!(
            said(check, &files),
            [
                "README.md:1: no sh block gives the test command: add `cargo test --release --workspace`",
                ".ci/run:1: does not run the tests as the README says: use `cargo test --release --workspace`",
                "README.md:2: this fence never closes: end it with ```",
                "README.md:1: the link to docs/how.md leads nowhere: correct it",
            ]
        );
    }

    #[test]
    fn a_missing_readme_is_found() {
        assert_eq!(said(check, &[]), ["README.md:1: is missing: it is what a newcomer reads first"]);
    }
}
