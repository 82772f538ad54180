//! The figures of a benchmark, as programs read them (`--json`). Units are in the names.

use std::time::Duration;

use hdrhistogram::Histogram;
use hookwright::Footprint;
use serde::Serialize;

use super::BenchError;
use super::args::{BenchArgs, Failure};
use super::load::LoadFigures;
use super::machine::Machine;
use super::nodes::Nodes;
use super::usage::Memory;

/// Everything that was measured; a part that was not asked for is missing.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) floor: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) full: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate: Option<Figures>,
    /// Full speed, while a transaction with a snapshot stands idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) snapshot: Option<Figures>,
    /// Its messages a second in units of those of full speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) snapshot_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<MemoryFigures>,
    /// What full speed has left on PostgreSQL's disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage: Option<StorageFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) idle: Option<IdleFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expiring: Option<ExpiringFigures>,
    /// From the start of the server's process until it was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started_in_ms: Option<f64>,
    /// Lists and searches over many messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lists: Vec<ListFigures>,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Settings {
    pub(super) messages: u64,
    pub(super) seconds: u64,
    pub(super) senders: u32,
    pub(super) payload_bytes: u64,
    pub(super) rate: u32,
    pub(super) fan_out: u32,
    /// Applications that messages went to.
    pub(super) to: u32,
    /// Applications that were in the database.
    pub(super) applications: u64,
    pub(super) failing: u32,
    pub(super) failing_with: &'static str,
    pub(super) idempotency_keys: bool,
    /// Requests to a source were measured, and no messages.
    pub(super) inbound: bool,
    /// `sqlite`, `postgres`: never the URL, which may hold a password.
    pub(super) database: String,
    /// Whether the CPU time of the PostgreSQL server is in the figures: not if it is on another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postgres_cpu_counted: Option<bool>,
    /// Deliveries that waited in the database when the server started.
    pub(super) pending: u64,
    /// Servers on the one database.
    pub(super) nodes: usize,
    /// Whether each is kept on one core.
    pub(super) pinned: bool,
    /// Why they are not, if they should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_pinned_because: Option<String>,
}

/// The figures of one part.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// Messages that were taken.
    pub(super) accepted: u64,
    /// Their deliveries that arrived, each counted once.
    pub(super) arrived: u64,
    /// Deliveries that arrived again.
    pub(super) duplicates: u64,
    /// Deliveries that did not arrive.
    pub(super) lost: u64,
    /// Requests to a source that were taken and are in its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stored: Option<u64>,
    /// Deliveries that arrived, and whose attempt was not recorded in time; or requests that were taken and are not stored.
    pub(super) unrecorded: u64,
    /// From the first send until all was recorded.
    pub(super) seconds: f64,
    pub(super) messages_per_second: f64,
    pub(super) deliveries_per_second: f64,
    /// CPU time of this process, which is client and receiver.
    pub(super) client_and_receiver_cpu_us_per_message: f64,
    /// That of all nodes, and that of PostgreSQL if it is on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_cpu_us_per_message: Option<f64>,
    /// What of it is PostgreSQL's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postgres_cpu_us_per_message: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_cpu_us_per_delivery: Option<f64>,
    /// The server's CPU time a message in units of the floor's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ratio_to_floor: Option<f64>,
    /// From the start of the send (at a fixed rate: from when it was due) to the arrival at the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrival_ms: Option<Latency>,
    /// From the same start to the answer that the message was taken.
    pub(super) accepted_ms: Latency,
    /// Who of the nodes, PostgreSQL and this process did how much, if nodes were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load: Option<LoadFigures>,
}

/// Times of many messages, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// Memory of the server, in bytes; of several nodes that of the one with the most.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct MemoryFigures {
    /// When it was ready and had done nothing yet.
    pub(super) started_rss: u64,
    /// Deliveries that waited for failing endpoints before anything was measured.
    pub(super) backlog_deliveries: u64,
    /// With that backlog, before anything was measured.
    pub(super) backlog_rss: u64,
    /// At the end.
    pub(super) final_rss: u64,
    /// The most there ever was.
    pub(super) peak_rss: u64,
}

/// How much PostgreSQL keeps and writes for a message with its deliveries and attempts, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct StorageFigures {
    /// Messages that were sent meanwhile, those that warm up included.
    pub(super) messages: u64,
    /// Tables and indexes, by how much they grew.
    pub(super) stored_bytes_per_message: f64,
    /// Write-ahead log, whoever wrote it.
    pub(super) logged_bytes_per_message: f64,
}

/// The server while it has nothing to do.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct IdleFigures {
    pub(super) seconds: f64,
    pub(super) rss: u64,
    /// CPU time a second; that of PostgreSQL is in it, if it is on this machine.
    pub(super) cpu_us_per_second: f64,
    /// What of it is PostgreSQL's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postgres_cpu_us_per_second: Option<f64>,
}

/// Messages that had expired when the server started.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ExpiringFigures {
    pub(super) messages: u64,
    /// When all of them were gone, if they were; from the start of the server.
    pub(super) gone_after_seconds: Option<f64>,
    /// Slices that removed them.
    pub(super) slices: u64,
    /// Those of them that took longer than 5 ms.
    pub(super) slices_over_5_ms: u64,
    /// Those that worked longer than 5 ms: the others waited, for a processor or for the disk.
    pub(super) slices_over_5_ms_of_cpu: u64,
    /// The database's files, again and again.
    pub(super) samples: Vec<FileSample>,
}

/// One list, asked for several times.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ListFigures {
    pub(super) what: &'static str,
    /// Items of the page, if it is one.
    pub(super) items: usize,
    pub(super) median_ms: f64,
    pub(super) slowest_ms: f64,
}

/// The database's files at one moment.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct FileSample {
    /// Since the start of the server.
    pub(super) seconds: f64,
    /// Messages that were gone.
    pub(super) expired: u64,
    pub(super) file_bytes: u64,
    /// Of the write-ahead log.
    pub(super) log_bytes: u64,
}

impl Report {
    /// A report without figures.
    pub(super) fn new(machine: Machine, settings: Settings) -> Report {
        Report {
            machine,
            settings,
            floor: None,
            full: None,
            rate: None,
            snapshot: None,
            snapshot_share: None,
            memory: None,
            storage: None,
            idle: None,
            expiring: None,
            started_in_ms: None,
            lists: Vec::new(),
        }
    }

    /// The parts with their names.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &Figures)> {
        [("floor", &self.floor), ("full", &self.full), ("rate", &self.rate), ("snapshot", &self.snapshot)]
            .into_iter()
            .filter_map(|(name, figures)| figures.as_ref().map(|figures| (name, figures)))
    }

    /// Relates the parts to the floor and to each other, once all are measured.
    pub(super) fn relate(&mut self) {
        if let (Some(full), Some(snapshot)) = (&self.full, &self.snapshot)
            && full.messages_per_second > 0.0
        {
            self.snapshot_share = Some(rounded(snapshot.messages_per_second / full.messages_per_second));
        }
        let Some(floor) = self.floor.as_ref().map(|floor| floor.client_and_receiver_cpu_us_per_message)
        else {
            return;
        };
        for figures in [&mut self.full, &mut self.rate, &mut self.snapshot].into_iter().flatten() {
            figures.ratio_to_floor =
                figures.server_cpu_us_per_message.filter(|_| floor > 0.0).map(|cpu| rounded(cpu / floor));
        }
    }

    /// Whether the figures mean anything.
    ///
    /// # Errors
    ///
    /// [`BenchError::Lost`] if something was lost.
    pub(super) fn check(&self) -> Result<(), BenchError> {
        let lost = self.parts().map(|(_, figures)| figures.lost).sum();
        let unrecorded = self.parts().map(|(_, figures)| figures.unrecorded).sum();
        if lost == 0 && unrecorded == 0 { Ok(()) } else { Err(BenchError::Lost { lost, unrecorded }) }
    }
}

impl Settings {
    /// What was asked for.
    pub(super) fn of(args: &BenchArgs) -> Settings {
        let database = args.database_url().unwrap_or("sqlite");
        Settings {
            messages: args.messages,
            seconds: args.seconds,
            senders: args.senders,
            payload_bytes: args.size,
            rate: args.rate,
            to: args.to,
            applications: args.applications,
            fan_out: args.fan_out,
            failing: args.failing_endpoints(),
            failing_with: match args.failing_with {
                Failure::Refuse => "refuse",
                Failure::Answer500 => "500",
            },
            idempotency_keys: !args.no_key && !args.inbound,
            inbound: args.inbound,
            database: database.split(':').next().unwrap_or_default().to_owned(),
            postgres_cpu_counted: None,
            pending: args.pending,
            nodes: args.node_count(),
            pinned: false,
            not_pinned_because: None,
        }
    }

    /// Notes whether these nodes are kept on a core each.
    pub(super) fn pinned(&mut self, nodes: &Nodes) {
        self.pinned = nodes.all().iter().all(|node| node.core.is_some());
        self.not_pinned_because = nodes.not_pinned().map(str::to_owned);
    }
}

impl Latency {
    /// The quantiles of a histogram of microseconds.
    pub(super) fn of(microseconds: &Histogram<u64>) -> Latency {
        let at = |quantile| rounded(microseconds.value_at_quantile(quantile) as f64 / 1_000.0);
        Latency { p50: at(0.5), p99: at(0.99), max: rounded(microseconds.max() as f64 / 1_000.0) }
    }
}

impl MemoryFigures {
    /// Of a server that was just started.
    pub(super) fn started(memory: Memory) -> MemoryFigures {
        MemoryFigures {
            started_rss: memory.resident,
            backlog_deliveries: 0,
            backlog_rss: memory.resident,
            final_rss: memory.resident,
            peak_rss: memory.peak,
        }
    }
}

impl StorageFigures {
    /// What so many messages added.
    pub(super) fn of(before: Footprint, after: Footprint, messages: u64) -> StorageFigures {
        let each =
            |before: u64, after: u64| rounded(per(after.saturating_sub(before) as f64, messages as f64));
        StorageFigures {
            messages,
            stored_bytes_per_message: each(before.stored, after.stored),
            logged_bytes_per_message: each(before.logged, after.logged),
        }
    }
}

/// Microseconds for each of `count`; 0 for none.
pub(super) fn micros_each(time: Duration, count: u64) -> f64 {
    rounded(per(time.as_secs_f64() * 1e6, count as f64))
}

/// How many of them in a second.
pub(super) fn per_second(count: u64, time: Duration) -> f64 {
    rounded(per(count as f64, time.as_secs_f64()))
}

/// Two decimals: no figure here is more exact than that.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn per(value: f64, of: f64) -> f64 {
    if of > 0.0 { value / of } else { 0.0 }
}
