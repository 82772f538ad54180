//! `hookwright migrate --from … --to …`: moves an installation from SQLite to PostgreSQL, and shows that all of it is there.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use hookwright::config::DatabaseUrl;
use hookwright::{MoveReport, MovedTable, TableSum, move_database};
use serde_json::{Value, json};

use super::progress::Progress;
use crate::cli::escape;
use crate::cli::failure::{Failure, eprint_line};
use crate::cli::output::Output;
use crate::config::{Profile, SettingFlags, Settings};

/// From where, and to where.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct MovingArgs {
    /// Move everything from this SQLite database, on which no server may run
    #[arg(long, value_name = "URL", conflicts_with = "database_url")]
    from: Option<String>,
    /// PostgreSQL database to move it to, without rows [default: what the server's configuration says]
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
}

/// What was asked for.
pub(super) struct Asked {
    from: String,
    to: Option<String>,
}

impl MovingArgs {
    /// A move, if one was asked for.
    pub(super) fn asked(self) -> Option<Asked> {
        Some(Asked { from: self.from?, to: self.to })
    }
}

pub(super) async fn run(asked: Asked, config: Option<PathBuf>, output: Output) -> Result<(), Failure> {
    let Settings { database, master_keys, .. } =
        Settings::load(&SettingFlags::default(), config, Profile::Serve)?;
    let from = url("--from", &asked.from)?;
    let to = match (&asked.to, database) {
        (Some(to), _) => url("--to", to)?,
        (None, configured @ DatabaseUrl::Postgres(_)) => configured,
        (None, _) => {
            return Err(Failure::new("Where everything is to be moved was not said.").advise(
                "Name a PostgreSQL database with --to postgres://…, or in HOOKWRIGHT_DATABASE_URL.",
            ));
        }
    };
    let begun = Instant::now();
    let progress = Progress::new(&from, &to);
    let watch = progress.watch();
    let moved = move_database(&from, &to, master_keys.as_ref(), watch).await;
    drop(progress);
    let report = moved.map_err(|error| Failure::because("The installation was not moved", &error))?;
    show(&report, &from, &to, output)?;
    if !report.is_equal() {
        return Err(differs(&report));
    }
    let (rows, seconds) = (report.rows(), begun.elapsed().as_secs_f64());
    eprint_line(&format!(
        "Moved {rows} rows in {seconds:.1} s, and read them back: both databases say the same."
    ));
    eprint_line(
        "Start the server on the new one. The file is as it was: keep it until you are content, and start nothing on it.",
    );
    Ok(())
}

/// The URL that a flag names. It may have a password, and so is not quoted.
fn url(flag: &str, text: &str) -> Result<DatabaseUrl, Failure> {
    text.parse().map_err(|error| Failure::new(format!("The URL of {flag} {error}.")))
}

fn show(report: &MoveReport, from: &DatabaseUrl, to: &DatabaseUrl, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let tables: Vec<Value> = report.tables.iter().map(document).collect();
        return output.json(&json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "rows": report.rows(),
            "equal": report.is_equal(),
            "tables": tables,
        }));
    }
    let headings = ["TABLE", "ROWS", "ROWS THERE", "CHECKSUM", "CHECKSUM THERE", "EQUAL"];
    let rows: Vec<Vec<String>> = report.tables.iter().map(row).collect();
    output.table(&headings, &rows)
}

fn row(table: &MovedTable) -> Vec<String> {
    let (source, target) = (&table.source, &table.target);
    let is_equal = if table.is_equal() { "yes" } else { "NO" };
    vec![
        table.name.to_owned(),
        source.rows.to_string(),
        target.rows.to_string(),
        short(source),
        short(target),
        is_equal.to_owned(),
    ]
}

fn document(table: &MovedTable) -> Value {
    let sum = |sum: &TableSum| json!({ "rows": sum.rows, "checksum": short(sum) });
    json!({
        "table": table.name,
        "source": sum(&table.source),
        "target": sum(&table.target),
        "equal": table.is_equal(),
    })
}

/// As much of a checksum as people can compare; all of it was compared.
fn short(sum: &TableSum) -> String {
    format!("{:016x}", sum.checksum[0])
}

fn differs(report: &MoveReport) -> Failure {
    let tables = report.tables.iter().filter(|table| !table.is_equal());
    let tables = tables.map(|table| table.name).collect::<Vec<_>>().join(", ");
    let sentence =
        format!("What was read back from the new database differs from what was moved, in {tables}.");
    Failure::new(escape::for_terminal(&sentence)).advise(
        "No server starts on it. Look for triggers or other programs that write to it, then begin anew with the same command.",
    )
}
