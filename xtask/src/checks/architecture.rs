//! ARCHITECTURE.md tells of what is there: the paths it names exist, and no module is left out.

use std::collections::BTreeSet;

use super::arrows::ENGINE;
use crate::finding::Finding;
use crate::markdown::{read, spans};
use crate::tree::{File, Tree};

const DOCUMENT: &str = "ARCHITECTURE.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(document) = tree.file(DOCUMENT) else {
        return vec![Finding::new(DOCUMENT, 1, "is missing: write the account of what is where, and why")];
    };
    let mut findings = named_paths(tree, document);
    for folder in module_folders(tree) {
        if !names(&document.text, folder) {
            let message = format!("says nothing of {ENGINE}{folder}/: add its row, as `{folder}/`");
            findings.push(Finding::new(DOCUMENT, 1, message));
        }
    }
    findings
}

/// Every path in backticks that looks like a file or folder of ours, and does not exist.
fn named_paths(tree: &Tree, document: &File) -> Vec<Finding> {
    let (prose, _) = read(document);
    let mut findings = Vec::new();
    for prose in prose {
        for path in spans(prose.text).filter(|span| looks_like_path(span)) {
            if !exists(tree, path) {
                let message = format!("`{path}` does not exist: correct the path or drop it");
                findings.push(Finding::new(DOCUMENT, prose.line, message));
            }
        }
    }
    findings
}

/// Patterns, placeholders, URLs and commands are no paths; `a/b` without an ending may be a header's value.
fn looks_like_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let ours = span.starts_with("crates/") || span.ends_with('/');
    let file = [".rs", ".sql", ".md"].iter().any(|ending| span.ends_with(ending));
    plain && !span.starts_with('/') && (ours || file)
}

/// A path counts from the root, or from any folder: `src/lib.rs` and `store/sqlite/` are clear in context.
fn exists(tree: &Tree, path: &str) -> bool {
    let folder = path.trim_end_matches('/');
    tree.files().iter().any(|file| {
        let from_any_folder = format!("/{}", file.path);
        match path.ends_with('/') {
            true => from_any_folder.contains(&format!("/{folder}/")),
            false => {
                from_any_folder.ends_with(&format!("/{path}")) || file.path.starts_with(&format!("{path}/"))
            }
        }
    })
}

/// The folders right below the engine's sources.
fn module_folders(tree: &Tree) -> BTreeSet<&str> {
    tree.under(ENGINE)
        .filter_map(|file| file.path.strip_prefix(ENGINE).and_then(|rest| rest.split_once('/')))
        .map(|(folder, _)| folder)
        .collect()
}

/// Whether the text has `folder/` as a whole word, or the bare name in backticks.
fn names(text: &str, folder: &str) -> bool {
    let whole = text.match_indices(&format!("{folder}/")).any(|(at, _)| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == '-')
    });
    whole || text.contains(&format!("`{folder}`"))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn an_account_of_what_is_there_passes() {
        let files = [
            (
                "ARCHITECTURE.md",
                "`domain/` decides; see `src/domain/retry.rs` in `crates/hookwright`.\n`store` holds SQL. \
                 Sent as `application/json` to `/api/v1/`; migrations are `NNNN_*.sql`.\n\
                 ```\n`not/there/`\n```\n",
            ),
            ("crates/hookwright/src/domain/retry.rs", ""),
            ("crates/hookwright/src/store/mod.rs", ""),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn a_path_that_is_gone_and_a_module_left_out_are_found() {
        let files = [
            (
                "ARCHITECTURE.md",
                "# Map\n`domain/` is in `crates/hookwright/src/domain/health.rs`, `sub-store/`.\n",
            ),
            ("crates/hookwright/src/domain/retry.rs", ""),
            ("crates/hookwright/src/store/mod.rs", ""),
        ];
        assert_eq!(
            said(check, &files),
            [
                "ARCHITECTURE.md:2: `crates/hookwright/src/domain/health.rs` does not exist: \
                 correct the path or drop it",
                "ARCHITECTURE.md:2: `sub-store/` does not exist: correct the path or drop it",
                "ARCHITECTURE.md:1: says nothing of crates/hookwright/src/store/: add its row, as `store/`",
            ]
        );
    }

    #[test]
    fn a_missing_account_is_found() {
        assert_eq!(
            said(check, &[]),
            ["ARCHITECTURE.md:1: is missing: write the account of what is where, and why"]
        );
    }
}
