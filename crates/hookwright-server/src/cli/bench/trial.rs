//! The measurement: sets the stage, runs the parts one after the other, and collects the figures.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::rig::{ChildServer, Receiver, RigError, ServerSetup};
use super::BenchError;
use super::applications;
use super::args::{BenchArgs, Part};
use super::backlog::{self, BACKLOG_TYPE};
use super::board::Board;
use super::count::Count;
use super::database::Database;
use super::drive;
use super::expiring;
use super::lists;
use super::machine::Machine;
use super::pending;
use super::postgres::{PostgresTime, Postmaster};
use super::progress::{Bar, Progress};
use super::report::{Figures, IdleFigures, MemoryFigures, Report, Settings, rounded};
use super::sender::{Keys, Sender};
use super::sent::Sent;
use super::sink::{self, Sink};
use super::source::Provider;
use super::usage::{CpuTime, Memory};

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
    server: ChildServer,
    process: u32,
    postmaster: Option<Postmaster>,
    /// From the start of the process until it said that it was ready.
    started_in: Duration,
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
    let watch =
        (args.expiring > 0).then(|| expiring::Watch::begin(args, database.url(), bench.server.api().clone()));
    let mut memory = MemoryFigures::started(Memory::of(bench.process)?);
    report.started_in_ms = Some(rounded(bench.started_in.as_secs_f64() * 1e3));
    if args.idle {
        report.idle = Some(bench.idle().await?);
    }
    memory.backlog_deliveries = backlog::make(args, bench.server.api(), &bench.application, progress).await?;
    memory.backlog_rss = Memory::of(bench.process)?.resident;
    if args.wants(Part::Full) {
        report.full = Some(bench.full(args, progress).await?);
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
        report.lists = lists::ask(args, bench.server.api()).await?;
    }
    let last = Memory::of(bench.process)?;
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
        let starting = Instant::now();
        let server = setup.start().await?;
        let started_in = starting.elapsed();
        let process = server.process_id().ok_or_else(|| RigError::Io {
            what: "watch the server, which has ended",
            source: std::io::ErrorKind::NotFound.into(),
        })?;

        let api = server.api();
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
            (Sender::to_source(Provider::of_new_source(&server).await?, noted, size), Count::Stored)
        } else {
            let keys = if args.no_key { None } else { Some(Keys::new()?) };
            let client = api.clone();
            let sender = Sender::to_server(client, &targets, MEASURED_TYPE, keys, noted, size);
            (sender, Count::Attempts)
        };
        Ok(Bench {
            server,
            process,
            postmaster: database.postmaster(),
            started_in,
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
        let (started, cpu, postgres) = (Instant::now(), CpuTime::of(self.process)?, self.postgres()?);
        tokio::time::sleep(IDLE).await;
        let (took, cpu) = (started.elapsed(), CpuTime::of(self.process)?.since(&cpu));
        let postgres_cpu = self.postgres_since(postgres)?;
        let rss = Memory::of(self.process)?.resident;
        let seconds = took.as_secs_f64();
        let each = |cpu: Duration| rounded(cpu.as_secs_f64() * 1e6 / seconds);
        Ok(IdleFigures {
            seconds,
            rss,
            cpu_us_per_second: each(cpu + postgres_cpu.unwrap_or_default()),
            postgres_cpu_us_per_second: postgres_cpu.map(each),
        })
    }

    /// What PostgreSQL has used by now, if it is on this machine.
    fn postgres(&self) -> Result<Option<PostgresTime>, BenchError> {
        self.postmaster.map(Postmaster::now).transpose()
    }

    fn postgres_since(&self, earlier: Option<PostgresTime>) -> Result<Option<Duration>, BenchError> {
        Ok(self.postgres()?.zip(earlier).map(|(now, earlier)| now.since(&earlier)))
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
        let own = std::process::id();
        let recorded_before = self.count.now(self.server.api()).await?.unwrap_or(0);
        let (arrivals, duplicates) = (self.board.arrivals(), self.board.duplicates());
        let (cpu, own_cpu) = (CpuTime::of(self.process)?, CpuTime::of(own)?);
        let postgres = self.postgres()?;
        let started = Instant::now();

        let accepted = sending.await?;
        let deliveries = accepted * u64::from(self.fan_out);
        let records = match self.count {
            Count::Attempts => deliveries,
            Count::Stored => accepted,
        };
        let unrecorded = self.settle(arrivals + deliveries, recorded_before + records).await?;
        let took = started.elapsed();
        let sent = Sent {
            first: self.next_number,
            accepted,
            took,
            own_cpu: CpuTime::of(own)?.since(&own_cpu),
            server_cpu: Some(CpuTime::of(self.process)?.since(&cpu)),
            postgres_cpu: self.postgres_since(postgres)?,
            stored: (self.count == Count::Stored).then(|| accepted - unrecorded),
            unrecorded,
            duplicates: self.board.duplicates() - duplicates,
        };
        self.next_number += accepted;
        Ok(sent.figures(&self.board, self.fan_out)?)
    }

    /// Waits until so much has arrived and is recorded; gives how many records are missing when time is up.
    async fn settle(&self, arrivals: u64, records: u64) -> Result<u64, BenchError> {
        let started = Instant::now();
        while self.board.arrivals() < arrivals && started.elapsed() < SETTLED_WITHIN {
            tokio::time::sleep(POLL).await;
        }
        loop {
            let recorded = self.count.now(self.server.api()).await?;
            let recorded = recorded.ok_or(BenchError::NoMetrics { name: self.count.name() })?;
            // What did not arrive is told as lost, and is not missing here as well.
            let missing = records.saturating_sub(recorded);
            let lost = arrivals.saturating_sub(self.board.arrivals());
            if missing <= lost || started.elapsed() > SETTLED_WITHIN {
                return Ok(missing.saturating_sub(lost));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A function that sends number `first + n`.
fn sending(
    sender: &Arc<Sender>,
    first: u64,
) -> impl Fn(u64, Instant) -> SendingFuture + Clone + Send + Sync + 'static + use<> {
    let sender = Arc::clone(sender);
    move |number, due| {
        let sender = Arc::clone(&sender);
        Box::pin(async move { sender.send(first + number, due).await })
    }
}

type SendingFuture = std::pin::Pin<Box<dyn Future<Output = Result<(), RigError>> + Send>>;

/// Far enough away for whatever is bounded in number.
fn forever() -> Instant {
    Instant::now() + SETTLED_WITHIN
}
