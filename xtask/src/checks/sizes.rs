//! Files stay small enough to read in one sitting, and are named after what is in them.

use crate::finding::Finding;
use crate::tree::Tree;

/// 150 to 250 lines are normal; beyond this a file has more than one job.
const LINES: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "misc", "types"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs") {
        let lines = file.text.lines().count();
        if lines > LINES {
            let message = format!("{lines} lines, and {LINES} is the limit: split the file by noun");
            findings.push(Finding::new(&file.path, LINES + 1, message));
        }
        let mut parts = file.path.trim_end_matches(".rs").split('/');
        if let Some(part) = parts.find(|part| EMPTY_NAMES.contains(part)) {
            let message = format!("`{part}` says nothing of what is inside: name the file after its noun");
            findings.push(Finding::new(&file.path, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn a_file_at_the_limit_with_a_noun_for_a_name_passes() {
        let text = "//\n".repeat(400);
        assert_eq!(said(check, &[("crates/a/src/retry.rs", &text), ("docs/common.md", "")]), [""; 0]);
    }

    #[test]
    fn a_longer_file_is_found_in_tests_too() {
        let text = "//\n".repeat(401);
        assert_eq!(
            said(check, &[("crates/a/tests/it/retry.rs", &text)]),
            ["crates/a/tests/it/retry.rs:401: 401 lines, and 400 is the limit: split the file by noun"]
        );
    }

    #[test]
    fn an_empty_name_is_found_for_files_and_folders() {
        let files = [("crates/a/src/helpers/mod.rs", ""), ("crates/a/src/utils.rs", "")];
        assert_eq!(
            said(check, &files),
            [
                "crates/a/src/helpers/mod.rs:1: `helpers` says nothing of what is inside: \
                 name the file after its noun",
                "crates/a/src/utils.rs:1: `utils` says nothing of what is inside: name the file after its noun",
            ]
        );
    }
}
