//! Who may import whom: the one table of it. An arrow that is not here does not exist.

/// The engine's sources.
pub(super) const ENGINE: &str = "crates/hookwright/src/";

/// The server's sources.
pub(super) const SERVER: &str = "crates/hookwright-server/src/";

/// Files at the engine's root that every module but `domain` may import.
pub(super) const LEAVES: [&str; 4] = ["clock", "config", "error", "measures"];

/// Each module of the engine and what it may import besides itself and the leaves.
pub(super) const MODULES: [(&str, &[&str]); 14] = [
    // Decides; is pure, and so imports not even the leaves.
    ("domain", &[]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("error", &["domain"]),
    ("measures", &["domain"]),
    // The edges: one knows the database, the other the network, and neither knows the other.
    ("store", &["domain"]),
    ("deliver", &["domain"]),
    // What is configured, and what happened.
    ("catalog", &["domain", "store"]),
    ("journal", &["domain", "store"]),
    // The work. On the hot path the database is reached through the catalog and the journal alone.
    ("publish", &["domain", "catalog", "journal"]),
    ("dispatch", &["domain", "catalog", "journal", "deliver"]),
    ("receive", &["domain", "store", "catalog", "journal"]),
    ("capture", &["domain", "store", "catalog", "journal"]),
    ("maintenance", &["domain", "store", "catalog", "journal"]),
];

/// What ties everything together may import everything.
pub(super) const TOP: [&str; 4] = ["lib", "hooks", "builder", "testing"];

/// Folders of one crate that never import each other.
pub(super) const SIBLINGS: [(&str, &[&[&str]]); 2] = [
    (ENGINE, &[&["store", "sqlite"], &["store", "postgres"]]),
    (SERVER, &[&["api"], &["pages"], &["portal"]]),
];

/// Each crate of the workspace and which of the others it may depend on.
pub(super) const CRATES: [(&str, &[&str]); 8] = [
    ("hookwright-signature", &[]),
    ("hookwright-testkit", &[]),
    ("hookwright", &["hookwright-signature"]),
    ("hookwright-macros", &[]),
    ("hookwright-sqlx", &["hookwright", "hookwright-signature"]),
    ("hookwright-axum", &["hookwright", "hookwright-signature"]),
    ("hookwright-server", &["hookwright", "hookwright-signature", "hookwright-axum", "hookwright-sqlx"]),
    ("xtask", &[]),
];

/// What tests, examples and benches of any crate may depend on besides.
pub(super) const TESTS_MAY: [&str; 1] = ["hookwright-testkit"];
