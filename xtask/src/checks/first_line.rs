//! Every Rust file begins by saying its one job.

use crate::finding::Finding;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.with_extension("rs")
        .filter(|file| {
            let said = file.text.lines().next().and_then(|line| line.strip_prefix("//! "));
            said.is_none_or(|said| said.trim().is_empty())
        })
        .map(|file| Finding::new(&file.path, 1, "begin the file with `//! ` and what its one job is"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn files_that_say_their_job_pass() {
        assert_eq!(said(check, &[("build.rs", "//! Embeds the commit.\nfn main() {}\n")]), [""; 0]);
    }

    #[test]
    fn files_that_do_not_are_found() {
        let files =
            [("a.rs", ""), ("b.rs", "// Retries.\n"), ("c.rs", "\n//! Retries.\n"), ("d.rs", "//! \n")];
        let advice = "begin the file with `//! ` and what its one job is";
        assert_eq!(
            said(check, &files),
            ["a.rs", "b.rs", "c.rs", "d.rs"].map(|at| format!("{at}:1: {advice}"))
        );
    }
}
