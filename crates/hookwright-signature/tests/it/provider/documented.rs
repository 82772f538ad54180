//! `docs/receiving.md`: its table of kinds is the code's.

use std::fmt::Write;

use hookwright_signature::provider::SourceKind;

const DOCUMENT: &str = include_str!("../../../../../docs/receiving.md");

#[test]
fn the_table_of_kinds_is_the_code_s() {
    let mut table = String::from("| type | `config` | proven by | evidence |\n|---|---|---|---|\n");
    for kind in SourceKind::all() {
        let fields: Vec<String> = kind.fields().iter().map(|field| format!("`{field}`")).collect();
        // A bar ends a cell, also within code.
        let (summary, evidence) = (kind.summary().replace('|', "\\|"), kind.evidence());
        writeln!(table, "| `{kind}` | {} | {summary} | {evidence} |", fields.join(", ")).unwrap();
    }
    assert!(DOCUMENT.contains(&table), "docs/receiving.md needs this table:\n{table}");
}
