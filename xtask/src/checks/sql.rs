//! Only `store/` holds SQL or knows a database driver.

use super::arrows::{ENGINE, SERVER};
use super::layers::shipped;
use crate::finding::Finding;
use crate::source::Source;
use crate::tree::{File, Tree};

const DRIVERS: [&str; 3] = ["rusqlite", "tokio_postgres", "sqlx"];

/// How a statement begins: its first word, and what may come second where the first alone is plain English
/// or an HTTP method. An empty second list takes any.
const STATEMENTS: [(&str, &[&str]); 8] = [
    ("SELECT", &[]),
    ("INSERT", &["INTO", "OR"]),
    ("UPDATE", &[]),
    ("DELETE", &["FROM"]),
    ("CREATE", &["TABLE", "INDEX", "UNIQUE", "TRIGGER", "VIEW", "TEMP", "SCHEMA"]),
    ("ALTER", &["TABLE"]),
    ("DROP", &["TABLE", "INDEX", "TRIGGER", "VIEW"]),
    ("PRAGMA", &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let store = format!("{ENGINE}store/");
    let mut findings = Vec::new();
    for file in [ENGINE, SERVER].into_iter().flat_map(|root| shipped(tree, root)) {
        if !file.path.starts_with(&store) {
            outside_store(file, &mut findings);
        }
    }
    findings
}

fn outside_store(file: &File, findings: &mut Vec<Finding>) {
    let source = Source::read(file);
    for path in source.shipped_paths() {
        if let Some(driver) = DRIVERS.iter().find(|driver| path.begins(&[driver])) {
            let message =
                format!("only the engine's `store/` names `{driver}`: call a function of the store");
            findings.push(Finding::new(&file.path, path.line, message));
        }
    }
    for (line, text) in source.layers.strings.iter().filter(|(line, _)| !source.is_test(*line)) {
        if is_statement(text) {
            let message = "only the engine's `store/` holds SQL: move the statement there, for each dialect";
            findings.push(Finding::new(&file.path, *line, message));
        }
    }
}

fn is_statement(text: &str) -> bool {
    let text = text.replace("\\n", " ").replace('\\', " ");
    let mut words = text.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    STATEMENTS.iter().any(|(word, seconds)| {
        *word == first
            && (seconds.is_empty() || seconds.contains(&second.split('(').next().unwrap_or(second)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn sql_in_the_store_and_words_that_only_look_like_it_pass() {
        let files = [
            (
                "crates/hookwright/src/store/sqlite/attempt.rs",
                "const A: &str = \"SELECT 1\"; use rusqlite::Row;\n",
            ),
            (
                "crates/hookwright-server/src/api/router.rs",
                "// SELECT 1\nconst A: [&str; 3] = [\"DELETE\", \"DELETE /api/v1/app\", \"Update it\"];\n\
                 #[cfg(test)]\nmod tests { const B: &str = \"SELECT 1\"; }\n",
            ),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn sql_and_drivers_outside_the_store_are_found() {
        let files = [
            (
                "crates/hookwright/src/journal/append.rs",
                "use rusqlite::Row;\nconst A: &str = \"\\\n  INSERT INTO a\";\n",
            ),
            ("crates/hookwright-server/src/pages/home.rs", "const A: &str = r#\"SELECT 1\"#;\n"),
        ];
        assert_eq!(
            said(check, &files),
            [
                "crates/hookwright/src/journal/append.rs:1: only the engine's `store/` names `rusqlite`: \
                 call a function of the store",
                "crates/hookwright/src/journal/append.rs:2: only the engine's `store/` holds SQL: \
                 move the statement there, for each dialect",
                "crates/hookwright-server/src/pages/home.rs:1: only the engine's `store/` holds SQL: \
                 move the statement there, for each dialect",
            ]
        );
    }
}
