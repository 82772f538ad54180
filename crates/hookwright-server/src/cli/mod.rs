//! The command line: one file for each command, above them what they share.

mod bench; // the commands that are a program by themselves
mod config;
mod demo;
mod dev;
mod migrate;
mod receiver;
mod serve;
mod sign;
mod source;
mod token;
mod verify;

mod application; // the commands that call a server
mod attempt;
mod endpoint;
mod event_type;
mod import;
mod listen;
mod message;
mod recover;
mod replay;
mod resend;
mod send;
mod stats;
mod tail;
mod task;

mod completion; // the commands for the shell
mod profile;

mod client; // what they are made of
mod connection;
mod console;
mod database;
mod given;
mod growing;
mod input;
mod instance;
mod layout;
mod logging;
mod metrics;
mod rig;
mod secret;
mod signals;

mod confirm; // how they speak
mod escape;
mod failure;
mod output;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use failure::Failure;
use output::Output;

/// Webhooks for your product: signed, retried, logged, and never lost.
#[derive(Parser)]
#[command(
    name = "hookwright",
    version,
    after_help = "Examples:
  hookwright dev                  try it on this machine, nothing to set up
  hookwright serve                run it; without a command it does the same
  hookwright config check         see every setting, where it comes from, and advice"
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
struct Globals {
    /// Print JSON instead of text
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    /// Print lines with tabs between the cells, as behind a pipe
    #[arg(long, global = true, display_order = 900, conflicts_with = "json")]
    tsv: bool,
    /// Configuration file [default: hookwright.toml, if it is there] [env: HOOKWRIGHT_CONFIG]
    #[arg(long, global = true, value_name = "PATH", display_order = 901)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Run a server to develop against: on this machine alone, with a known token and short retries
    Dev(dev::DevArgs),
    /// See it work: sends, failures, retries, a crash, all on this machine
    Demo(demo::DemoArgs),
    /// Run a local endpoint that prints and verifies the webhooks it gets
    Receiver(receiver::ReceiverArgs),
    /// Send a message through a server
    Send(send::SendArgs),
    /// Follow messages and attempts as they happen, until Ctrl-C
    Tail(tail::TailArgs),
    /// List, make, change and delete applications: your customers
    Application(application::ApplicationArgs),
    /// List, make, change and delete endpoints: the URLs that want an application's webhooks
    Endpoint(endpoint::EndpointArgs),
    /// List, make, change and archive event types: the kinds of things that happen
    EventType(event_type::EventTypeArgs),
    /// List and show messages, their attempts, and where they went; `hookwright send` sends one
    Message(message::MessageArgs),
    /// List and show attempts: each request that was made, and what was answered
    Attempt(attempt::AttemptArgs),
    /// Send one message to one endpoint once more
    Resend(resend::ResendArgs),
    /// Send again what failed at an endpoint since a point in time
    Recover(recover::RecoverArgs),
    /// Send a range of messages to an endpoint once more
    Replay(replay::ReplayArgs),
    /// List and show background tasks: what `recover` and `replay` have begun
    Task(task::TaskArgs),
    /// Show how an application's endpoints have been doing
    Stats(stats::StatsArgs),
    /// Bring event types, applications and endpoints over from a server of Svix
    Import(import::ImportArgs),
    /// Keep servers and their tokens by name, for --profile
    Profile(profile::ProfileArgs),
    /// List, make, change and delete sources: where webhooks of providers come in
    Source(source::SourceArgs),
    /// Send on to this machine what a server's source receives, until Ctrl-C
    Listen(listen::ListenArgs),
    /// Sign a payload, as a server does, or as a provider with --source
    Sign(sign::SignArgs),
    /// Verify a signed payload, as a receiver does
    Verify(verify::VerifyArgs),
    /// Make, list and revoke access tokens
    Token(token::TokenArgs),
    /// Bring the database to the newest schema, or move it to PostgreSQL
    Migrate(migrate::MigrateArgs),
    /// Look at the configuration
    Config(config::ConfigArgs),
    /// Measure this machine: messages a second, latency, memory
    Bench(bench::BenchArgs),
    /// Print what a shell needs to complete this program's arguments
    Completion(completion::CompletionArgs),
}

/// Runs the program with the arguments of its process, to its end.
///
/// The exit code is 0, 1 for a failure, and 2 for arguments that cannot be understood.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::because("The program cannot start its threads", &error).report(),
    };
    let ended = runtime.block_on(dispatch(cli));
    // What still reads standard input cannot be called off, and must not hold the program up.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli { globals, command } = cli;
    let output = Output::new(globals.json, globals.tsv);
    match command.unwrap_or_else(|| Command::Serve(serve::ServeArgs::default())) {
        Command::Serve(args) => serve::run(args, globals.config, output).await,
        Command::Dev(args) => dev::run(args, globals.config, output).await,
        Command::Demo(args) => told(demo::run(args, globals.json).await),
        Command::Receiver(args) => receiver::run(args, output).await,
        Command::Send(args) => send::run(args, output).await,
        Command::Tail(args) => tail::run(args, output).await,
        Command::Application(args) => application::run(args, output).await,
        Command::Endpoint(args) => endpoint::run(args, output).await,
        Command::EventType(args) => event_type::run(args, output).await,
        Command::Message(args) => message::run(args, output).await,
        Command::Attempt(args) => attempt::run(args, output).await,
        Command::Resend(args) => resend::run(args, output).await,
        Command::Recover(args) => recover::run(args, output).await,
        Command::Replay(args) => replay::run(args, output).await,
        Command::Task(args) => task::run(args, output).await,
        Command::Stats(args) => stats::run(args, output).await,
        Command::Import(args) => import::run(args, output).await,
        Command::Profile(args) => profile::run(args, output),
        Command::Source(args) => source::run(args, output).await,
        Command::Listen(args) => listen::run(args, output).await,
        Command::Sign(args) => sign::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Token(args) => token::run(args, globals.config, output).await,
        Command::Migrate(args) => migrate::run(args, globals.config, output).await,
        Command::Config(args) => config::run(args, globals.config, output),
        Command::Bench(args) => told(bench::run(args, globals.json).await),
        Command::Completion(args) => completion::run(&args, output),
    }
}

/// Errors that are whole sentences, with what is behind them.
fn told<E: std::error::Error + 'static>(ended: Result<(), E>) -> Result<(), Failure> {
    ended.map_err(|error| match error.source() {
        None => Failure::new(error.to_string()),
        Some(cause) => Failure::because(error.to_string().trim_end_matches('.'), cause),
    })
}
