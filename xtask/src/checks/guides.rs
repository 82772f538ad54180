//! Guides keep their word: each row of a table that says what shows it names a test that is there.

use super::documents::resolved;
use crate::finding::Finding;
use crate::markdown::{links, read, spans};
use crate::tree::{File, Tree};

/// The guides.
const FOLDER: &str = "docs/guides/";

/// The heading of the column that names the test of each row; it is the last one.
const HEADING: &str = "| shown by |";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let guides = tree.with_extension("md").filter(|document| document.path.starts_with(FOLDER));
    guides.flat_map(|guide| rows(tree, guide)).collect()
}

fn rows(tree: &Tree, guide: &File) -> Vec<Finding> {
    let (prose, _) = read(guide);
    let mut findings = Vec::new();
    let mut within = false;
    for line in prose {
        if line.text.ends_with(HEADING) {
            within = true;
        } else if !line.text.starts_with('|') {
            within = false;
        } else if within && !line.text.starts_with("|---") && !is_shown(tree, guide, line.text) {
            let message = "this row names no test that is there: write `name` in [file](path)";
            findings.push(Finding::new(&guide.path, line.line, message));
        }
    }
    findings
}

/// Whether the row's last cell names a test, and the file that has it.
fn is_shown(tree: &Tree, guide: &File, row: &str) -> bool {
    let Some(cell) = row.trim_end().trim_end_matches('|').rsplit(" | ").next() else { return false };
    let (Some(test), Some(target)) = (spans(cell).next(), links(cell).next()) else { return false };
    let file = tree.file(&resolved(guide, target));
    file.is_some_and(|file| file.text.contains(&format!("fn {test}(")))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn a_row_whose_test_is_not_there_is_found() {
        let guide = "| there | shown by |\n|---|---|\n| a | `one` in [t.rs](../../t.rs) |\n| b | `two` in [t.rs](../../t.rs) |\n| c | |\n\n| no tests |\n|---|\n| d |\n";
        let files = [("docs/guides/g.md", guide), ("t.rs", "async fn one() {}\n")];
        let finding = |line| {
            format!(
                "docs/guides/g.md:{line}: this row names no test that is there: write `name` in [file](path)"
            )
        };
        assert_eq!(said(check, &files), [finding(4), finding(5)]);
    }
}
