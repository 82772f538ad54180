//! The domain decides and does nothing else, and only `clock.rs` reads the time.

use super::arrows::ENGINE;
use super::layers::shipped;
use crate::finding::Finding;
use crate::source::Source;
use crate::tree::{File, Tree};

/// What a pure function of values cannot name, and what to do instead.
const IMPURE: [(&[&str], &str); 11] = [
    (&["tokio"], ASYNC),
    (&["hyper"], "the network belongs in `deliver`"),
    (&["rusqlite"], "the database belongs in `store`"),
    (&["tokio_postgres"], "the database belongs in `store`"),
    (&["std", "time", "SystemTime"], TIME),
    (&["std", "time", "Instant"], TIME),
    (&["SystemTime"], TIME),
    (&["Instant"], TIME),
    (&["std", "fs"], "read the file outside and pass what it holds"),
    (&["std", "net"], "sockets belong in `deliver`; plain addresses are in `core::net`"),
    (&["async"], ASYNC),
];

const TIME: &str = "take the time as an argument";
const ASYNC: &str = "decide here, and wait where the decision is carried out";

/// Calls that read the wall clock.
const WALL_CLOCK: [&[&str]; 3] = [&["SystemTime", "now"], &["Utc", "now"], &["Zoned", "now"]];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let clock = format!("{ENGINE}clock.rs");
    let domain = format!("{ENGINE}domain/");
    let mut findings = Vec::new();
    for file in shipped(tree, ENGINE) {
        if file.path.starts_with(&domain) || file.path == format!("{ENGINE}domain.rs") {
            impure(file, &mut findings);
        }
        if file.path != clock {
            wall_clock(file, &mut findings);
        }
    }
    findings
}

fn impure(file: &File, findings: &mut Vec<Finding>) {
    for path in Source::read(file).shipped_paths() {
        let Some((named, instead)) = IMPURE.iter().find(|(parts, _)| path.begins(parts)) else { continue };
        let message = format!("`domain` is pure and may not name `{}`: {instead}", named.join("::"));
        findings.push(Finding::new(&file.path, path.line, message));
    }
}

fn wall_clock(file: &File, findings: &mut Vec<Finding>) {
    for path in Source::read(file).shipped_paths() {
        if WALL_CLOCK.iter().any(|call| path.ends(call)) {
            let message = "only `clock.rs` reads the wall clock: take a `Clock`, so that tests can set it";
            findings.push(Finding::new(&file.path, path.line, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn values_and_a_clock_of_ones_own_pass() {
        let files = [
            ("crates/hookwright/src/clock.rs", "fn now() { SystemTime::now(); }\n"),
            ("crates/hookwright/src/deliver/client.rs", "async fn f() { tokio::time::Instant::now(); }\n"),
            (
                "crates/hookwright/src/domain/retry.rs",
                "//! No `async` here.\nuse std::time::Duration;\nfn f(now: Timestamp, at: core::net::IpAddr) {}\n",
            ),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn a_domain_that_waits_reads_or_looks_at_the_clock_is_found() {
        let text =
            "use std::{fs, time::{Duration, Instant}};\nasync fn f() {}\nfn g() { tokio::spawn(f()) }\n";
        assert_eq!(
            said(check, &[("crates/hookwright/src/domain/retry.rs", text)]),
            [
                "crates/hookwright/src/domain/retry.rs:1: `domain` is pure and may not name `std::fs`: \
                 read the file outside and pass what it holds",
                "crates/hookwright/src/domain/retry.rs:1: `domain` is pure and may not name \
                 `std::time::Instant`: take the time as an argument",
                "crates/hookwright/src/domain/retry.rs:2: `domain` is pure and may not name `async`: \
                 decide here, and wait where the decision is carried out",
                "crates/hookwright/src/domain/retry.rs:3: `domain` is pure and may not name `tokio`: \
                 decide here, and wait where the decision is carried out",
            ]
        );
    }

    #[test]
    fn a_second_reader_of_the_wall_clock_is_found() {
        let text = "fn f() { std::time::SystemTime::now(); }\n";
        assert_eq!(
            said(check, &[("crates/hookwright/src/journal/append.rs", text)]),
            ["crates/hookwright/src/journal/append.rs:1: only `clock.rs` reads the wall clock: \
              take a `Clock`, so that tests can set it"]
        );
    }
}
