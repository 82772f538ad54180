//! `hookwright bench`: what a message costs on this machine, and how long it takes.
//!
//! The whole way (API, disk, delivery, log) is compared with a floor: the same client posting straight to the
//! same receiver. `docs/measurements.md` says what each figure means.

mod args; // what is asked

mod trial; // how it is measured: part by part
mod machine; // on what
mod database;
mod postgres;
mod nodes;
mod source;
mod drive; // who sends, and what
mod sender;
mod payload;
mod sink; // who receives
mod board; // what is noted meanwhile
mod count;
mod usage;

mod applications; // what is in the database before
mod history;
mod expiring;
mod lists;
mod pending;
mod backlog;

mod sent; // what is told
mod load;
mod report;
mod table;
mod progress;

use std::io::{IsTerminal, Write};

use tokio::task::JoinError;

pub(crate) use self::args::BenchArgs;
use self::progress::Progress;
use self::report::Report;
use super::rig::{RigError, interrupted};

/// Why a benchmark gave no figures, or none to be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BenchError {
    /// The server or what is around it did not work.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// The figures could not be printed.
    #[error("The figures could not be printed.")]
    Output(#[source] std::io::Error),
    /// The figures could not be written as JSON.
    #[error("The figures could not be written as JSON.")]
    Json(#[from] serde_json::Error),
    /// What the operating system tells of a process could not be read.
    #[error("CPU time and memory could not be read from {path}; this needs Linux.")]
    Usage {
        /// The file in `/proc`.
        path: String,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
    /// A histogram of times could not be made.
    #[error("A histogram of times could not be made.")]
    Histogram(#[from] hdrhistogram::CreationError),
    /// There is no such kind of source.
    #[error("There is no kind of source {kind:?}.")]
    Kind {
        /// The kind.
        kind: &'static str,
    },
    /// What proves requests to a source could not be made.
    #[error("A source's requests could not be signed.")]
    Proof(#[from] hookwright_signature::provider::ConfigError),
    /// The database's URL is none.
    #[error(
        "The --database-url (or HOOKWRIGHT_BENCH_DATABASE_URL) is no URL of a database; examples are sqlite:///srv/hookwright-bench.db and \
         postgres://user:password@host:5432/database."
    )]
    Database,
    /// The PostgreSQL database cannot be used.
    #[error("The PostgreSQL database of --database-url cannot be used.")]
    Postgres(#[from] hookwright::StoreError),
    /// What secrets are encrypted with could not be made.
    #[error("A master key for the benchmark could not be made.")]
    MasterKey,
    /// Only PostgreSQL keeps what an idle transaction sees at the cost of others.
    #[error(
        "--snapshot needs a PostgreSQL database: give --database-url postgres://user:password@host:5432/database."
    )]
    NoSnapshot,
    /// Only PostgreSQL lets several nodes work on one database.
    #[error(
        "--nodes above 1 needs a PostgreSQL database: give --database-url postgres://user:password@host:5432/database, or set \
         HOOKWRIGHT_BENCH_DATABASE_URL."
    )]
    NoNodes,
    /// A name of the benchmark's own is none.
    #[error("An event type of the benchmark cannot be used.")]
    Name(#[from] hookwright::domain::names::NameError),
    /// The database could not be opened to fill it.
    #[error("The database could not be opened to be filled.")]
    Open(#[from] hookwright::StartError),
    /// The database could not be filled.
    #[error("The database could not be filled.")]
    Fill(#[from] hookwright::Error),
    /// What happened as the database was filled could not all be written.
    #[error("The database was not filled to the end.")]
    Unfilled(#[from] hookwright::Unwritten),
    /// The runtime for the measurement could not be made.
    #[error("The threads for the measurement could not be started.")]
    Runtime(#[source] std::io::Error),
    /// The measurement would need too much memory.
    #[error(
        "{deliveries} deliveries are too many to follow one by one; at most {max} are possible. \
         Give fewer --messages or a smaller --fan-out."
    )]
    TooMany {
        /// What was asked for.
        deliveries: u64,
        /// What is possible.
        max: u64,
    },
    /// The server does not say how many attempts it recorded.
    #[error("The server's /metrics has no {name}, which tells when all is recorded.")]
    NoMetrics {
        /// The metric.
        name: &'static str,
    },
    /// Something that was accepted did not arrive, or was not recorded.
    #[error("{lost} deliveries did not arrive and {unrecorded} were not recorded: the figures mean nothing.")]
    Lost {
        /// Deliveries that did not arrive.
        lost: u64,
        /// Deliveries that arrived, and whose attempt was not recorded in time; or requests to a source that were not.
        unrecorded: u64,
    },
    /// A task of the measurement panicked.
    #[error("A part of the measurement broke.")]
    Task(#[from] JoinError),
}

/// Measures and prints; returns when it is done, or when it was interrupted.
///
/// # Errors
///
/// [`BenchError::Lost`], after the figures were printed, if something was lost; the others if something did
/// not work.
pub(crate) async fn run(args: BenchArgs, json: bool) -> Result<(), BenchError> {
    args.check()?;
    let progress = Progress::new(std::io::stderr().is_terminal() && !json);
    // A runtime of its own: the figures do not depend on what else the caller's does.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(BenchError::Runtime)?;
    let measuring = runtime.spawn(async move {
        tokio::select! {
            measured = trial::measure(&args, &progress) => measured.map(Some),
            () = interrupted() => Ok(None),
        }
    });
    let measured = measuring.await;
    runtime.shutdown_background();
    match measured?? {
        Some(report) => tell(&report, json),
        None => Ok(()),
    }
}

fn tell(report: &Report, json: bool) -> Result<(), BenchError> {
    let text = if json { serde_json::to_string_pretty(report)? } else { table::render(report) };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()).map_err(BenchError::Output)?;
    report.check()
}
