//! The measurement: sets the stage, runs the parts one after the other, and collects the figures.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::rig::{Receiver, RigError, ServerSetup};
use super::BenchError;
use super::applications;
use super::args::{BenchArgs, Part};
use super::backlog::{self, BACKLOG_TYPE};
use super::board::Board;
use super::count::Count;
use super::database::Database;
use super::drive::{self, Turn};
use super::expiring;
use super::lists;
use super::load::{LoadFigures, Reading, Work};
use super::machine::Machine;
use super::nodes::Nodes;
use super::pending;
use super::postgres::Postmaster;
use super::progress::{Bar, Progress};
use super::report::{Figures, IdleFigures, MemoryFigures, Report, Settings, StorageFigures, rounded};
use super::sender::{Keys, Sender};
use super::sent::Sent;
use super::sink::{self, Sink};
use super::source::Provider;
use super::usage::CpuTime;

/// The event type of the measured messages.
const MEASURED_TYPE: &str = "bench.sent";
/// How long an idle server is watched.
const IDLE: Duration = Duration::from_secs(5);
/// How long the last arrivals, and then their records, are waited for.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// How often they are looked at.
const POLL: Duration = Duration::from_millis(10);

/// What the parts with a server use. Dropped in order: the port of failing endpoints is held until the end.
struct Bench {
    nodes: Nodes,
    postmaster: Option<Postmaster>,
    /// Whether what each node did is told.
    tells_load: bool,
    /// The first of the applications that messages go to, by uid.
    application: String,
    sender: Arc<Sender>,
    board: Arc<Board>,
    fan_out: u32,
    /// What the server counts when a message of the measurement is done with.
    count: Count,
    /// Numbers of messages from here on are unused.
    next_number: u64,
    _receiver: Receiver,
    _failing: backlog::Failing,
}

/// Measures what `args` ask for.
pub(super) async fn measure(args: &BenchArgs, progress: &Progress) -> Result<Report, BenchError> {
    let directory = tempfile::Builder::new()
        .prefix("hookwright-bench-")
        .tempdir()
        .map_err(|source| RigError::Io { what: "make a directory for the benchmark", source })?;
    let mut report = Report::new(Machine::here(directory.path()), Settings::of(args));
    if args.wants(Part::Floor) {
        report.floor = Some(floor(args, progress).await?);
    }
    if args.wants(Part::Full) || args.wants(Part::Rate) || args.idle || args.lists > 0 || args.snapshot {
        with_server(args, progress, directory.path(), &mut report).await?;
    }
    report.relate();
    Ok(report)
}

/// The client straight to the receiver: what sending and receiving cost without us.
async fn floor(args: &BenchArgs, progress: &Progress) -> Result<Figures, BenchError> {
    let board = Arc::new(Board::new(args.warm_up() + args.messages, 1));
    let receiver = Receiver::start(Arc::new(Sink::new(Arc::clone(&board)))).await?;
    let url = receiver.url(&sink::good(0));
    let sender = Arc::new(Sender::to_receiver(url, Arc::clone(&board), args.size));
    let warm_up = args.warm_up();
    drive::closed(args.senders, warm_up, forever(), sending(&sender, 0)).await?;

    let _bar = progress.follow("floor", &board, Board::arrivals, args.messages);
    let cpu = CpuTime::of(std::process::id())?;
    let started = Instant::now();
    let until = started + Duration::from_secs(args.seconds);
    let accepted = drive::closed(args.senders, args.messages, until, sending(&sender, warm_up)).await?;
    let took = started.elapsed();
    let own_cpu = CpuTime::of(std::process::id())?.since(&cpu);
    let sent = Sent {
        first: warm_up,
        accepted,
        took,
        own_cpu,
        server_cpu: None,
        postgres_cpu: None,
        stored: None,
        unrecorded: 0,
        duplicates: 0,
    };
    Ok(sent.figures(&board, 1)?)
}

async fn with_server(
    args: &BenchArgs,
    progress: &Progress,
    directory: &Path,
    report: &mut Report,
) -> Result<(), BenchError> {
    // Dropped last: a schema goes once nobody works in it any more.
    let mut database = Database::make(args, directory)?;
    report.settings.postgres_cpu_counted = database.is_postgres_counted();
    if args.expiring > 0 {
        expiring::fill(args, &database, progress).await?;
    }
    if args.applications > 0 {
        applications::fill(args, &database, progress).await?;
    }
    if args.lists > 0 {
        lists::fill(args, &database, progress).await?;
    }
    if args.pending > 0 {
        pending::fill(args, &database, progress).await?;
    }
    let mut bench = Bench::set_up(args, directory, &database).await?;
    report.settings.pinned(&bench.nodes);
    let api = bench.nodes.first().api().clone();
    let watch = (args.expiring > 0).then(|| expiring::Watch::begin(args, database.url(), api.clone()));
    let mut memory = MemoryFigures::started(bench.nodes.memory()?);
    report.started_in_ms = Some(rounded(bench.nodes.started_in().as_secs_f64() * 1e3));
    if args.idle {
        report.idle = Some(bench.idle().await?);
    }
    memory.backlog_deliveries = backlog::make(args, &api, &bench.application, progress).await?;
    memory.backlog_rss = bench.nodes.memory()?.resident;
    if args.wants(Part::Full) {
        let before = database.footprint()?;
        let full = bench.full(args, progress).await?;
        let grown = before.zip(database.footprint()?);
        let messages = args.warm_up() + full.accepted;
        report.storage = grown.map(|(before, after)| StorageFigures::of(before, after, messages));
        report.full = Some(full);
    }
    if args.wants(Part::Rate) {
        report.rate = Some(bench.at_rate(args, progress).await?);
    }
    if args.snapshot {
        database.hold_snapshot()?;
        report.snapshot = Some(bench.full(args, progress).await?);
        database.release_snapshot();
    }
    if let Some(watch) = watch {
        report.expiring = Some(watch.end().await?);
    }
    if args.lists > 0 {
        report.lists = lists::ask(args, &api).await?;
    }
    let last = bench.nodes.memory()?;
    (memory.final_rss, memory.peak_rss) = (last.resident, last.peak);
    report.memory = Some(memory);
    Ok(())
}

impl Bench {
    async fn set_up(args: &BenchArgs, directory: &Path, database: &Database) -> Result<Bench, BenchError> {
        let board = Arc::new(Board::new(args.messages_followed(), args.endpoints()));
        let receiver = Receiver::start(Arc::new(Sink::new(Arc::clone(&board)))).await?;
        let mut setup = database.given_to(ServerSetup::new(directory)?);
        if args.expiring > 0 {
            setup = setup.with("HOOKWRIGHT_RETENTION", expiring::RETENTION);
        }
        let nodes = Nodes::start(args, directory, setup).await?;

        let api = nodes.first().api();
        api.event_type(MEASURED_TYPE, "A message that is measured.").await?;
        api.event_type(BACKLOG_TYPE, "A message that nobody takes.").await?;
        // Of this run alone: endpoints of an earlier one on the same database have nobody behind them any more.
        let application = format!("bench-{}", Keys::new()?.uuid(0));
        let others = (1..args.to).map(|number| format!("{application}-{number}"));
        let targets: Vec<String> = std::iter::once(application.clone()).chain(others).collect();
        for application in &targets {
            api.application("Benchmark", application).await?;
            for number in 0..args.endpoints() {
                api.endpoint(application, &receiver.url(&sink::good(number)), Some(MEASURED_TYPE)).await?;
            }
        }
        let failing = backlog::endpoints(args, api, &application, &receiver).await?;
        let (noted, size) = (Arc::clone(&board), args.size);
        let (sender, count) = if args.inbound {
            (Sender::to_source(Provider::of_new_source(nodes.first()).await?, noted, size), Count::Stored)
        } else {
            let keys = if args.no_key { None } else { Some(Keys::new()?) };
            let sender = Sender::to_server(nodes.apis(), &targets, MEASURED_TYPE, keys, noted, size);
            (sender, Count::Attempts)
        };
        Ok(Bench {
            nodes,
            postmaster: database.postmaster(),
            tells_load: args.nodes.is_some(),
            application,
            sender: Arc::new(sender),
            board,
            fan_out: args.endpoints(),
            count,
            next_number: 0,
            _receiver: receiver,
            _failing: failing,
        })
    }

    async fn idle(&self) -> Result<IdleFigures, BenchError> {
        let (started, before) = (Instant::now(), self.reading()?);
        tokio::time::sleep(IDLE).await;
        let (took, used) = (started.elapsed(), self.reading()?.since(&before));
        let rss = self.nodes.memory()?.resident;
        let seconds = took.as_secs_f64();
        let each = |cpu: Duration| rounded(cpu.as_secs_f64() * 1e6 / seconds);
        Ok(IdleFigures {
            seconds,
            rss,
            cpu_us_per_second: each(used.by_nodes() + used.postgres.unwrap_or_default()),
            postgres_cpu_us_per_second: used.postgres.map(each),
        })
    }

    fn reading(&self) -> Result<Reading, BenchError> {
        Reading::now(&self.nodes, self.postmaster)
    }

    /// The whole way, as fast as it goes.
    async fn full(&mut self, args: &BenchArgs, progress: &Progress) -> Result<Figures, BenchError> {
        self.warm_up(args).await?;
        let _bar = self.bar("full", args.messages, progress);
        let send = sending(&self.sender, self.next_number);
        let until = Instant::now() + Duration::from_secs(args.seconds);
        self.watched(drive::closed(args.senders, args.messages, until, send)).await
    }

    /// The whole way, at a fixed rate.
    async fn at_rate(&mut self, args: &BenchArgs, progress: &Progress) -> Result<Figures, BenchError> {
        self.warm_up(args).await?;
        let messages = args.messages_at_rate();
        let _bar = self.bar("rate", messages, progress);
        let send = sending(&self.sender, self.next_number);
        self.watched(drive::open(args.rate, messages, send)).await
    }

    fn bar(&self, name: &'static str, messages: u64, progress: &Progress) -> Bar {
        match self.count {
            Count::Attempts => {
                progress.follow(name, &self.board, Board::arrivals, messages * u64::from(self.fan_out))
            }
            Count::Stored => progress.follow(name, &self.board, Board::taken, messages),
        }
    }

    async fn warm_up(&mut self, args: &BenchArgs) -> Result<(), BenchError> {
        let send = sending(&self.sender, self.next_number);
        let count = drive::closed(args.senders, args.warm_up(), forever(), send);
        self.watched(count).await.map(drop)
    }

    /// Runs senders, waits until all they sent is recorded, and says what it cost.
    async fn watched(
        &mut self,
        sending: impl Future<Output = Result<u64, BenchError>>,
    ) -> Result<Figures, BenchError> {
        let recorded_before = self.counts().await?;
        let taken_before = self.sender.taken();
        let (arrivals, duplicates) = (self.board.arrivals(), self.board.duplicates());
        let before = self.reading()?;
        let started = Instant::now();

        let accepted = sending.await?;
        let sending = started.elapsed();
        let deliveries = accepted * u64::from(self.fan_out);
        let records = match self.count {
            Count::Attempts => deliveries,
            Count::Stored => accepted,
        };
        let records = recorded_before.iter().sum::<u64>() + records;
        let unrecorded = self.settle(arrivals + deliveries, records).await?;
        let took = started.elapsed();
        let used = self.reading()?.since(&before);
        let sent = Sent {
            first: self.next_number,
            accepted,
            took,
            own_cpu: used.own,
            server_cpu: Some(used.by_nodes()),
            postgres_cpu: used.postgres,
            stored: (self.count == Count::Stored).then(|| accepted - unrecorded),
            unrecorded,
            duplicates: self.board.duplicates() - duplicates,
        };
        self.next_number += accepted;
        let mut figures = sent.figures(&self.board, self.fan_out)?;
        if self.tells_load {
            let work = Work {
                sending,
                took,
                accepted: grown(&taken_before, &self.sender.taken()),
                delivered: grown(&recorded_before, &self.counts().await?),
            };
            figures.load = Some(LoadFigures::of(self.nodes.all(), &work, &used));
        }
        Ok(figures)
    }

    /// What each node counts; nothing of nodes that do not say.
    async fn counts(&self) -> Result<Vec<u64>, BenchError> {
        Ok(self.nodes.counts(self.count).await?.unwrap_or_default())
    }

    /// Waits until so much has arrived and is recorded; gives how many records are missing when time is up.
    async fn settle(&self, arrivals: u64, records: u64) -> Result<u64, BenchError> {
        let started = Instant::now();
        while self.board.arrivals() < arrivals && started.elapsed() < SETTLED_WITHIN {
            tokio::time::sleep(POLL).await;
        }
        loop {
            let recorded = self.nodes.counts(self.count).await?;
            let recorded = recorded.ok_or(BenchError::NoMetrics { name: self.count.name() })?;
            // What did not arrive is told as lost, and is not missing here as well.
            let missing = records.saturating_sub(recorded.iter().sum());
            let lost = arrivals.saturating_sub(self.board.arrivals());
            if missing <= lost || started.elapsed() > SETTLED_WITHIN {
                return Ok(missing.saturating_sub(lost));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// How much each count has grown; one that was not there before began with 0.
fn grown(before: &[u64], now: &[u64]) -> Vec<u64> {
    let before = before.iter().copied().chain(std::iter::repeat(0));
    now.iter().zip(before).map(|(now, before)| now.saturating_sub(before)).collect()
}

/// A function that sends number `first + n`.
fn sending(
    sender: &Arc<Sender>,
    first: u64,
) -> impl Fn(Turn) -> SendingFuture + Clone + Send + Sync + 'static + use<> {
    let sender = Arc::clone(sender);
    move |turn| {
        let sender = Arc::clone(&sender);
        let turn = Turn { number: first + turn.number, ..turn };
        Box::pin(async move { sender.send(turn).await })
    }
}

type SendingFuture = std::pin::Pin<Box<dyn Future<Output = Result<(), RigError>> + Send>>;

/// Far enough away for whatever is bounded in number.
fn forever() -> Instant {
    Instant::now() + SETTLED_WITHIN
}
