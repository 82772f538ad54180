//! Who may import whom: the one table of it. An arrow that is not here does not exist.

/// The engine's sources.
pub(super) const ENGINE: &str = "crates/hookwright/src/";

/// The server's sources.
pub(super) const SERVER: &str = "crates/hookwright-server/src/";

/// Files at the engine's root that every module but `domain` may import.
pub(super) const LEAVES: [&str; 5] = ["activity", "clock", "config", "error", "measures"];

/// Each module of the engine and what it may import besides itself and the leaves.
pub(super) const MODULES: [(&str, &[&str]); 18] = [
    // Decides; is pure, and so imports not even the leaves.
    ("domain", &[]),
    ("activity", &["domain"]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    // Names what the modules at the edges can fail with.
    ("error", &["domain", "store", "deliver"]),
    ("measures", &["domain"]),
    // The edges: one knows the database, the other the network, and neither knows the other.
    ("store", &["domain"]),
    ("deliver", &["domain"]),
    // What is configured, and what happened.
    ("journal", &["domain", "store"]),
    // Changes of what is configured are written with the journal's batches: there is one writer.
    ("catalog", &["domain", "store", "journal"]),
    // What other nodes do is heard in one place, which the work asks and is told by.
    ("cluster", &["domain", "store", "catalog", "journal"]),
    // The work. What it hands to the journal are the items of a batch, which the store defines.
    ("publish", &["domain", "store", "catalog", "journal", "cluster"]),
    // Makes the messages that tell of what the others do, which write them with it.
    ("tell", &["domain", "store", "catalog"]),
    ("dispatch", &["domain", "store", "catalog", "journal", "cluster", "deliver", "tell"]),
    ("receive", &["domain", "store", "catalog", "journal", "cluster", "tell"]),
    ("capture", &["domain", "store", "catalog", "journal"]),
    ("maintenance", &["domain", "store", "catalog", "journal"]),
    // What a task writes is delivered like everything else.
    ("tasks", &["domain", "store", "catalog", "journal", "dispatch", "tell"]),
];

/// What ties everything together may import everything.
pub(super) const TOP: [&str; 6] = ["lib", "hooks", "inbox", "admin", "builder", "testing"];

/// Folders of one crate that never import each other.
pub(super) const SIBLINGS: [(&str, &[&[&str]]); 2] = [
    (ENGINE, &[&["store", "sqlite"], &["store", "postgres"]]),
    (SERVER, &[&["api"], &["pages"], &["portal"]]),
];

/// Each crate of the workspace and which of the others it may depend on.
pub(super) const CRATES: [(&str, &[&str]); 8] = [
    ("hookwright-signature", &[]),
    ("hookwright-testkit", &[]),
    ("hookwright-macros", &[]),
    // The macros call the engine, which exports them.
    ("hookwright", &["hookwright-signature", "hookwright-macros"]),
    ("hookwright-sqlx", &["hookwright", "hookwright-signature"]),
    ("hookwright-axum", &["hookwright", "hookwright-signature"]),
    ("hookwright-server", &["hookwright", "hookwright-signature", "hookwright-axum", "hookwright-sqlx"]),
    ("xtask", &[]),
];

/// What tests, examples and benches of any crate may depend on besides.
pub(super) const TESTS_MAY: [&str; 1] = ["hookwright-testkit"];
