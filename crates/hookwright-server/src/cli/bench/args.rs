//! What `hookwright bench` can be asked.

use clap::{Args, ValueEnum};

use super::BenchError;
use super::payload::{SIZE_MAX, SIZE_MIN};
use super::sender::WARM_UP;

/// Every delivery is followed by itself, in 8 bytes; this bounds them to 160 MB.
const DELIVERIES_MAX: u64 = 20_000_000;

/// Measures this machine: messages a second, CPU time a message, and how long a message takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  \
    hookwright bench\n  \
    hookwright bench --only full --fan-out 10\n  \
    hookwright bench --failing 1 --backlog 100000 --json\n  \
    hookwright bench --inbound\n  \
    hookwright bench --database-url postgres://postgres@127.0.0.1/bench\n  \
    HOOKWRIGHT_BENCH_DATABASE_URL=postgres://me:secret@db/bench hookwright bench --only full --nodes 3 --pin")]
pub(crate) struct BenchArgs {
    /// Messages of a part, at most.
    #[arg(long, value_name = "N", default_value_t = 20_000,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) messages: u64,

    /// Seconds that a part sends for, at most.
    #[arg(long, value_name = "S", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) seconds: u64,

    /// Senders at the same time; each sends its next message when the last was accepted.
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) senders: u32,

    /// Bytes of a payload.
    #[arg(long, value_name = "BYTES", default_value_t = 250,
          value_parser = clap::value_parser!(u64).range(SIZE_MIN..=SIZE_MAX))]
    pub(crate) size: u64,

    /// Messages a second in the part at a fixed rate.
    #[arg(long, value_name = "N", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,

    /// Endpoints that get every message.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) fan_out: u32,

    /// Further endpoints that get every message and always fail.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(crate) failing: u32,

    /// How those endpoints fail.
    #[arg(long, value_enum, default_value_t = Failure::Refuse)]
    pub(super) failing_with: Failure,

    /// Deliveries that wait for a failing endpoint before anything is measured.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub(crate) backlog: u64,

    /// Deliveries that wait in the database when the server starts, for an endpoint where nobody listens.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    pub(crate) pending: u64,

    /// Messages that lie in the database and have expired, each with an attempt: how they go is measured beside the rest.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    pub(crate) expiring: u64,

    /// Applications with two endpoints each that are in the database before the server starts.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub(crate) applications: u64,

    /// Applications that messages go to, in turn.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "inbound",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) to: u32,

    /// Messages of one application that are in the database before the server starts: lists and searches over them are measured
    /// at the end.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    pub(crate) lists: u64,

    /// Measure requests to a source in the place of messages: each is proven as GitHub signs, stored, and forwarded to
    /// nobody.
    #[arg(long, conflicts_with_all = ["fan_out", "failing", "failing_with", "backlog", "no_key"])]
    pub(crate) inbound: bool,

    /// Watch the server for 5 seconds while it has nothing to do.
    #[arg(long)]
    pub(crate) idle: bool,

    /// Send without idempotency keys; SDKs send one with each message.
    #[arg(long)]
    pub(crate) no_key: bool,

    /// Measure full speed a second time while a REPEATABLE READ transaction stands idle; needs a PostgreSQL database.
    #[arg(long)]
    pub(crate) snapshot: bool,

    /// The server's database; without it a SQLite file in a new directory that is removed afterwards. Of a PostgreSQL database
    /// a new schema is used, which is removed too. A password is better set in the variable: arguments are seen by everybody on the
    /// machine.
    #[arg(long, value_name = "URL", env = "HOOKWRIGHT_BENCH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    /// Nodes on the one database, 1 to 8: each is a process with a port of its own, and each sender has one of them, in turn. The
    /// figures tell what each did and which process used up its core. More than one need a PostgreSQL database.
    #[arg(long, value_name = "N", conflicts_with_all = ["inbound", "expiring"],
          value_parser = clap::value_parser!(u32).range(1..=8))]
    pub(super) nodes: Option<u32>,

    /// Keep each node on one core: that of its number, counted round the cores of the machine.
    #[arg(long, requires = "nodes")]
    pub(super) pin: bool,

    /// Measure this part alone.
    #[arg(long, value_enum)]
    pub(super) only: Option<Part>,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The client straight to the receiver, without a server.
    Floor,
    /// The whole way, as fast as it goes.
    Full,
    /// The whole way, at a fixed rate.
    Rate,
}

/// How an endpoint fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Failure {
    /// Nobody listens.
    Refuse,
    /// It answers 500.
    #[value(name = "500")]
    Answer500,
}

impl BenchArgs {
    /// Whether a part is asked for.
    pub(super) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// The URL of the database that was asked for. A variable that is empty is none, since many tools that start programs cannot leave
    /// one out.
    pub(super) fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }

    /// Servers that are started.
    pub(super) fn node_count(&self) -> usize {
        self.nodes.map_or(1, |nodes| nodes as usize)
    }

    /// Endpoints that get every message: none of what comes to a source.
    pub(super) fn endpoints(&self) -> u32 {
        if self.inbound { 0 } else { self.fan_out }
    }

    /// Endpoints that fail: as many as asked for, and one if there is to be a backlog.
    pub(super) fn failing_endpoints(&self) -> u32 {
        self.failing.max(u32::from(self.backlog > 0))
    }

    /// Messages that the part at a fixed rate sends.
    pub(super) fn messages_at_rate(&self) -> u64 {
        self.messages.min(u64::from(self.rate) * self.seconds)
    }

    /// Messages that each part sends before it is measured.
    pub(super) fn warm_up(&self) -> u64 {
        self.messages.min(WARM_UP)
    }

    /// Messages of the parts that involve a server, their warming up included.
    pub(super) fn messages_followed(&self) -> u64 {
        let with_snapshot = if self.snapshot { self.warm_up() + self.messages } else { 0 };
        2 * self.warm_up() + self.messages + self.messages_at_rate() + with_snapshot
    }

    /// Whether it can be done.
    ///
    /// # Errors
    ///
    /// [`BenchError::TooMany`], [`BenchError::NoSnapshot`], [`BenchError::NoNodes`].
    pub(super) fn check(&self) -> Result<(), BenchError> {
        let deliveries = self.messages_followed() * u64::from(self.fan_out);
        if deliveries > DELIVERIES_MAX {
            return Err(BenchError::TooMany { deliveries, max: DELIVERIES_MAX });
        }
        let is_postgres = self.database_url().is_some_and(|url| url.starts_with("postgres"));
        if self.snapshot && !is_postgres {
            return Err(BenchError::NoSnapshot);
        }
        if self.node_count() > 1 && !is_postgres {
            return Err(BenchError::NoNodes);
        }
        Ok(())
    }
}
