//! `docs/errors.md` has every code and type that the sources can answer with, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = include_str!("../../../../../docs/errors.md");
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[test]
fn every_error_is_in_the_document_and_no_other() {
    let mut sources = String::new();
    read(Path::new(SOURCES), &mut sources);
    let documented: BTreeSet<&str> = cells(DOCUMENT).collect();
    for code in &documented {
        assert!(
            sources.contains(&format!("\"{code}\"")),
            "{code} is documented, and nothing answers with it"
        );
    }
    let mut found = 0;
    // The word that follows the status is the code.
    for made in sources.split("StatusCode::").skip(1) {
        let Some((status, rest)) = made.split_once(',') else { continue };
        let word = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
        if let Some((code, _)) = word
            && status.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
            && code.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        {
            assert!(documented.contains(code), "{code} is not documented");
            found += 1;
        }
    }
    assert!(found > 10, "only {found} codes were found");
}

/// What stands between backticks in the first or second cell of a row.
fn cells(document: &str) -> impl Iterator<Item = &str> {
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("`code`") && !line.contains("`type`"));
    rows.filter_map(|row| {
        row.split('|').skip(1).take(2).find_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'))
    })
}

fn read(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, all);
        } else {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
