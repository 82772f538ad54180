//! Runs every check on the repository itself, so that `cargo test` alone tells of a broken rule.

use std::path::Path;

use xtask::{CHECKS, Tree};

#[test]
fn the_repository_keeps_its_own_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tree = Tree::read(&root).unwrap();
    assert!(
        tree.files().iter().any(|file| file.path == "xtask/tests/repository.rs"),
        "not the repository's root"
    );

    let mut broken = String::new();
    for check in CHECKS {
        for finding in (check.run)(&tree) {
            broken += &format!("[{}] {finding}\n", check.name);
        }
    }

    assert!(broken.is_empty(), "\n{broken}");
}
