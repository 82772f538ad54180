//! The checks by name, one file each, and the run of them all.

mod architecture;
mod arrows; // the table that layers, crates and purity read
mod crates;
mod documents;
mod first_line;
mod guides;
mod hygiene;
mod layers;
mod machine_paths;
mod mirror;
mod purity;
mod sizes;
mod sql;

use crate::finding::Finding;
use crate::tree::Tree;

/// One check: a name for the report, and a function from the tree to what is wrong in it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// One or two words.
    pub name: &'static str,
    /// Finds everything that is wrong.
    pub run: fn(&Tree) -> Vec<Finding>,
}

/// Every check.
pub const CHECKS: [Check; 12] = [
    Check { name: "layers", run: layers::check },
    Check { name: "crates", run: crates::check },
    Check { name: "purity", run: purity::check },
    Check { name: "sql", run: sql::check },
    Check { name: "mirror", run: mirror::check },
    Check { name: "sizes", run: sizes::check },
    Check { name: "first line", run: first_line::check },
    Check { name: "architecture", run: architecture::check },
    Check { name: "documents", run: documents::check },
    Check { name: "guides", run: guides::check },
    Check { name: "hygiene", run: hygiene::check },
    Check { name: "machine paths", run: machine_paths::check },
];

/// Runs every check; the findings are in the order of their paths and lines.
pub fn run_all(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| (check.run)(tree)).collect();
    findings.sort();
    findings.dedup();
    findings
}

/// What a check says about a made-up tree, as it would be printed.
#[cfg(test)]
fn said(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(ToString::to_string).collect()
}
