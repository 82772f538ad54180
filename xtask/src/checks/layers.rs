//! Modules import only along the arrows, and siblings never import each other.

use std::collections::BTreeSet;

use super::arrows::{ENGINE, LEAVES, MODULES, SIBLINGS, TOP};
use crate::finding::Finding;
use crate::paths::PathUse;
use crate::source::Source;
use crate::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in shipped(tree, ENGINE) {
        arrows(tree, file, &mut findings);
    }
    for (root, siblings) in SIBLINGS {
        for file in shipped(tree, root) {
            apart(file, root, siblings, &mut findings);
        }
    }
    findings
}

/// The Rust files of a crate's sources that are not only for tests.
pub(super) fn shipped<'a>(tree: &'a Tree, root: &'a str) -> impl Iterator<Item = &'a File> {
    let mut tests = BTreeSet::new();
    for file in tree.under(root).filter(|file| file.path.ends_with(".rs")) {
        let module = module(file, root).join("/");
        let folder = if module.is_empty() { root.to_owned() } else { format!("{root}{module}/") };
        for name in Source::read(file).test_modules {
            tests.insert(format!("{folder}{name}.rs"));
            tests.insert(format!("{folder}{name}/"));
        }
    }
    tree.under(root).filter(move |file| {
        file.path.ends_with(".rs") && !tests.iter().any(|test| file.path.starts_with(test.as_str()))
    })
}

/// One file of the engine against the table.
fn arrows(tree: &Tree, file: &File, findings: &mut Vec<Finding>) {
    let module = module(file, ENGINE);
    let Some(layer) = module.first().map(String::as_str).filter(|layer| !TOP.contains(layer)) else { return };
    let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == layer) else {
        let message = format!("`{layer}` has no arrows; add it to xtask/src/checks/arrows.rs");
        return findings.push(Finding::new(&file.path, 1, message));
    };
    for path in Source::read(file).shipped_paths() {
        let Some(target) = resolve(path, &module) else { continue };
        let Some(target) = target.first().map(String::as_str).filter(|target| *target != layer) else {
            continue;
        };
        let leaf = layer != "domain" && LEAVES.contains(&target);
        if leaf || allowed.contains(&target) {
            continue;
        }
        let message = if is_module(tree, target) {
            format!("`{layer}` may not import `{target}`; it may import {}", listed(layer, allowed))
        } else {
            format!("`crate::{target}` hides where it comes from; import it from the module that defines it")
        };
        findings.push(Finding::new(&file.path, path.line, message));
    }
}

/// One file against the folders that it must not reach from its own.
fn apart(file: &File, root: &str, siblings: &[&[&str]], findings: &mut Vec<Finding>) {
    let module = module(file, root);
    let within = |place: &[String], sibling: &[&str]| {
        place.len() >= sibling.len() && place.iter().zip(sibling).all(|(a, b)| a == b)
    };
    let Some(own) = siblings.iter().find(|sibling| within(&module, sibling)) else { return };
    for path in Source::read(file).shipped_paths() {
        let Some(target) = resolve(path, &module) else { continue };
        for other in siblings.iter().filter(|other| *other != own && within(&target, other)) {
            let (own, other) = (own.join("::"), other.join("::"));
            let message = format!("`{own}` may not import `{other}`; what both need belongs above them");
            findings.push(Finding::new(&file.path, path.line, message));
        }
    }
}

/// `store/sqlite/attempt.rs` is `["store", "sqlite", "attempt"]`; the crate's root is empty.
fn module(file: &File, root: &str) -> Vec<String> {
    let path = file.path.strip_prefix(root).unwrap_or(&file.path);
    let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let at_root = parts.len() == 1 && ["lib", "main"].contains(&parts[0].as_str());
    if at_root || parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Where a path of this crate leads, from its root; `None` for other crates and for local names.
///
/// `super` is counted from the file, as if it held no inline modules.
fn resolve(path: &PathUse, module: &[String]) -> Option<Vec<String>> {
    let mut rest = path.parts.as_slice();
    let mut place = match rest.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" | "self" => {}
            "super" => drop(place.pop()),
            _ => break,
        }
        rest = after;
    }
    place.extend_from_slice(rest);
    Some(place)
}

fn is_module(tree: &Tree, name: &str) -> bool {
    let (file, folder) = (format!("{ENGINE}{name}.rs"), format!("{ENGINE}{name}/"));
    tree.file(&file).is_some() || tree.under(&folder).next().is_some()
}

fn listed(layer: &str, allowed: &[&str]) -> String {
    let leaves = if layer == "domain" { &[][..] } else { &LEAVES };
    let names: Vec<String> = allowed.iter().chain(leaves).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn imports_along_the_arrows_pass() {
        let files = [
            ("crates/hookwright/src/lib.rs", "mod domain;\npub use crate::hooks::Hooks;\n"),
            ("crates/hookwright/src/hooks.rs", "use crate::{domain::Id, store::Store};\n"),
            ("crates/hookwright/src/clock.rs", "use crate::domain::Timestamp;\n"),
            (
                "crates/hookwright/src/domain/retry.rs",
                "use super::id::Id;\nuse hookwright_signature::Secret;\n",
            ),
            ("crates/hookwright/src/domain/id.rs", ""),
            ("crates/hookwright/src/store/mod.rs", "use crate::domain::Id;\nuse crate::error::Error;\n"),
            (
                "crates/hookwright/src/dispatch/lane.rs",
                "use crate::{clock::Clock, deliver::{self, Outcome}};\n",
            ),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn an_import_against_the_arrows_is_found_in_each_way_of_writing_it() {
        let files = [
            ("crates/hookwright/src/store/mod.rs", ""),
            ("crates/hookwright/src/clock.rs", ""),
            ("crates/hookwright/src/domain/retry.rs", "use crate::clock::Clock;\n"),
            ("crates/hookwright/src/deliver/client.rs", "use crate::{domain::Id,\n    store::Store};\n"),
            ("crates/hookwright/src/deliver/sign.rs", "fn f() { super::super::store::open() }\n"),
        ];
        let leaves = "`domain`, `activity`, `clock`, `config`, `error`, `measures`";
        assert_eq!(
            said(check, &files),
            [
                format!(
                    "crates/hookwright/src/deliver/client.rs:2: `deliver` may not import `store`; it may import {leaves}"
                ),
                format!(
                    "crates/hookwright/src/deliver/sign.rs:1: `deliver` may not import `store`; it may import {leaves}"
                ),
                "crates/hookwright/src/domain/retry.rs:1: `domain` may not import `clock`; it may import nothing"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn comments_strings_and_tests_import_nothing() {
        let text = "//! See [`crate::store`].\nconst A: &str = \"crate::store::X\";\n\
                    #[cfg(test)]\nmod tests { use crate::store::X; }\n#[cfg(test)]\nmod model;\n";
        let files = [
            ("crates/hookwright/src/store/mod.rs", ""),
            ("crates/hookwright/src/deliver/mod.rs", text),
            ("crates/hookwright/src/deliver/model.rs", "use crate::store::Store;\n"),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn a_name_that_the_crate_root_passes_on_is_found() {
        let files = [("crates/hookwright/src/domain/retry.rs", "use crate::Error;\n")];
        assert_eq!(
            said(check, &files),
            ["crates/hookwright/src/domain/retry.rs:1: `crate::Error` hides where it comes from; \
              import it from the module that defines it"]
        );
    }

    #[test]
    fn a_module_without_arrows_is_found() {
        let files = [("crates/hookwright/src/shed/mod.rs", "")];
        assert_eq!(
            said(check, &files),
            [
                "crates/hookwright/src/shed/mod.rs:1: `shed` has no arrows; add it to xtask/src/checks/arrows.rs"
            ]
        );
    }

    #[test]
    fn siblings_that_import_each_other_are_found() {
        let files = [
            ("crates/hookwright/src/store/sqlite/attempt.rs", "use super::super::postgres::attempt::f;\n"),
            ("crates/hookwright/src/store/postgres/attempt.rs", "use super::endpoint;\n"),
            ("crates/hookwright-server/src/api/health.rs", "use crate::config::Config;\n"),
            ("crates/hookwright-server/src/pages/home.rs", "use crate::api::health;\n"),
        ];
        assert_eq!(
            said(check, &files),
            [
                "crates/hookwright/src/store/sqlite/attempt.rs:1: `store::sqlite` may not import \
                 `store::postgres`; what both need belongs above them",
                "crates/hookwright-server/src/pages/home.rs:1: `pages` may not import `api`; \
                 what both need belongs above them",
            ]
        );
    }
}
