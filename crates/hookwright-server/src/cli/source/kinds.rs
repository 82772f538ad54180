//! `hookwright source kinds`: the kinds, what each verifies, and how sure that is.

use hookwright_signature::provider::SourceKind;
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) fn run(output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let kinds: Vec<_> = SourceKind::all()
            .map(|kind| {
                json!({
                    "kind": kind.as_str(),
                    "evidence": kind.evidence().as_str(),
                    "fields": kind.fields(),
                    "verifies": plain(kind.summary()),
                })
            })
            .collect();
        return output.json(&kinds);
    }
    let rows: Vec<Vec<String>> = SourceKind::all()
        .map(|kind| {
            vec![
                kind.as_str().to_owned(),
                kind.evidence().as_str().to_owned(),
                kind.fields().join(", "),
                plain(kind.summary()),
            ]
        })
        .collect();
    output.table(&["KIND", "EVIDENCE", "FIELDS", "VERIFIES"], &rows)
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace('`', "")
}
