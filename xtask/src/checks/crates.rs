//! Crates depend on each other only along the arrows.

use super::arrows::{CRATES, TESTS_MAY};
use crate::finding::Finding;
use crate::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && file.path != "Cargo.toml")
        .flat_map(manifest)
        .collect()
}

fn manifest(file: &File) -> Vec<Finding> {
    let Some(package) = package_name(file) else { return Vec::new() };
    let Some((_, allowed)) = CRATES.iter().find(|(name, _)| *name == package) else {
        // A fuzz target or an example project may stand alone; it is no part of the workspace's layers.
        let ours = file.path.starts_with("crates/") && file.path.matches('/').count() == 2;
        let message = format!("crate `{package}` has no arrows; add it to xtask/src/checks/arrows.rs");
        return if ours { vec![Finding::new(&file.path, 1, message)] } else { Vec::new() };
    };
    let mut findings = Vec::new();
    for dependency in dependencies(file) {
        let ours = CRATES.iter().any(|(name, _)| *name == dependency.name);
        let allowed = allowed.contains(&dependency.name.as_str())
            || dependency.kind == Kind::Tests
                // Itself: with a feature on that only its tests need.
                && (TESTS_MAY.contains(&dependency.name.as_str()) || dependency.name == package);
        if ours && !allowed {
            let message =
                format!("`{package}` may not depend on `{}`; turn the arrow round", dependency.name);
            findings.push(Finding::new(&file.path, dependency.line, message));
        }
    }
    findings
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shipped,
    Tests,
}

struct Dependency {
    line: usize,
    name: String,
    kind: Kind,
}

/// The name under `[package]`.
fn package_name(file: &File) -> Option<String> {
    let mut within = false;
    for line in file.text.lines().map(str::trim) {
        if line.starts_with('[') {
            within = line == "[package]";
        } else if let Some(value) = line.strip_prefix("name").filter(|_| within) {
            return Some(value.trim_start().trim_start_matches('=').trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// Every dependency, in whichever of Cargo's tables it stands: `[dependencies]`, one with a target before
/// it, or `[dependencies.name]`. A `package = "…"` names what a renamed one really is.
fn dependencies(file: &File) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut kind = None;
    for (line, text) in file.lines() {
        let text = text.trim();
        if let Some(table) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (before, own) = match table.rsplit_once("dependencies") {
                Some((before, "")) => (before, None),
                Some((before, after)) => (before, after.strip_prefix('.')),
                None => ("", None),
            };
            kind = (table.contains("dependencies")).then_some(match before.ends_with("dev-") {
                true => Kind::Tests,
                false => Kind::Shipped,
            });
            if let (Some(kind), Some(name)) = (kind.take_if(|_| own.is_some()), own) {
                found.push(Dependency { line, name: name.to_owned(), kind });
            }
        } else if let Some(kind) = kind.filter(|_| !text.starts_with('#')) {
            let Some((key, value)) = text.split_once('=') else { continue };
            let name = key.trim().split('.').next().unwrap_or_default();
            let real = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            found.push(Dependency { line, name: real.unwrap_or(name).to_owned(), kind });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn dependencies_along_the_arrows_pass() {
        let files = [
            ("Cargo.toml", "[workspace.dependencies]\nhookwright = { path = \"crates/hookwright\" }\n"),
            (
                "crates/hookwright/Cargo.toml",
                "[package]\nname = \"hookwright\"\n[dependencies]\nhookwright-signature.workspace = true\n\
                 bytes = \"1\"\n[dev-dependencies]\nhookwright-testkit.workspace = true\n\
                 hookwright = { path = \".\", features = [\"testing\"] }\n",
            ),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn a_dependency_against_the_arrows_is_found_in_each_table() {
        let files = [
            (
                "crates/hookwright/Cargo.toml",
                "[package]\nname = \"hookwright\"\n[dependencies]\nhookwright-testkit.workspace = true\n\
                 [target.'cfg(unix)'.dependencies]\nhookwright-server = \"1\"\n",
            ),
            (
                "crates/hookwright-signature/Cargo.toml",
                "[package]\nname = \"hookwright-signature\"\n[dependencies.hookwright]\nversion = \"1\"\n\
                 [dev-dependencies]\nengine = { package = \"hookwright\", version = \"1\" }\n",
            ),
        ];
        assert_eq!(
            said(check, &files),
            [
                "crates/hookwright-signature/Cargo.toml:3: `hookwright-signature` may not depend on \
                 `hookwright`; turn the arrow round",
                "crates/hookwright-signature/Cargo.toml:6: `hookwright-signature` may not depend on \
                 `hookwright`; turn the arrow round",
                "crates/hookwright/Cargo.toml:4: `hookwright` may not depend on `hookwright-testkit`; \
                 turn the arrow round",
                "crates/hookwright/Cargo.toml:6: `hookwright` may not depend on `hookwright-server`; \
                 turn the arrow round",
            ]
        );
    }

    #[test]
    fn a_crate_without_arrows_is_found() {
        let files = [("crates/shed/Cargo.toml", "[package]\nname = \"shed\"\n")];
        assert_eq!(
            said(check, &files),
            ["crates/shed/Cargo.toml:1: crate `shed` has no arrows; add it to xtask/src/checks/arrows.rs"]
        );
    }
}
