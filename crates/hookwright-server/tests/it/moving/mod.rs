//! Moving an installation from SQLite to PostgreSQL, with the real program.

mod installation; // one with everything in it

mod whole; // all of it is there afterwards
mod broken_off; // and if it was killed, or something differs
mod refused; // what is not moved

use hookwright_testkit::Launch;
use hookwright_testkit::postgres::{Database, MASTER_KEY};

use crate::live::{self, TOKEN};

/// A server on a SQLite file, with the key file beside it, in a directory of its own.
fn on_sqlite() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_hookwright"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOOKWRIGHT_API_TOKEN", TOKEN)
        .env("HOOKWRIGHT_ALLOW_TARGET_NETWORKS", "127.0.0.0/8")
        .env("HOOKWRIGHT_RETRY_SCHEDULE", ["2s"; 100].join(","))
        .env("HOOKWRIGHT_DATABASE_URL", "sqlite://hookwright.db")
}

/// The same server on a PostgreSQL database, with a master key of its own.
fn on_postgres(launch: &Launch, database: &Database) -> Launch {
    live::on_postgres(launch.clone(), &database.url)
}

/// Another command in the server's directory.
fn command(launch: &Launch, arguments: &str) -> Launch {
    launch.clone().instead(env!("CARGO_BIN_EXE_hookwright")).args(arguments.split_whitespace())
}

/// Moves what the server has in its file.
fn moving(launch: &Launch, database: &Database) -> Launch {
    let arguments = format!("migrate --from sqlite://hookwright.db --to {}", database.url);
    command(launch, &arguments).env("HOOKWRIGHT_MASTER_KEY", MASTER_KEY)
}

/// Runs a command that fails, and gives its one sentence.
async fn fails(launch: &Launch) -> String {
    let output = launch.run().await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(said.len(), 1, "{output:?}");
    said[0].to_owned()
}
