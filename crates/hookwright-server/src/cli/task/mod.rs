//! `hookwright task`: what goes on in the background of a server.

pub(super) mod follow;

use clap::{Args, Subcommand, ValueEnum};

use super::client::Path;
use super::connection::ConnectionArgs;
use super::console::{Amount, Column, Console};
use super::failure::Failure;
use super::output::Output;

pub(super) const COLUMNS: [Column; 6] = [
    Column::new("ID", "id"),
    Column::new("TASK", "task"),
    Column::new("STATUS", "status"),
    Column::new("SENT", "data.messagesSent"),
    Column::new("UPDATED", "updatedAt"),
    Column::detail("ERROR", "data.error"),
];

/// List and show background tasks: what `recover` and `replay` have begun
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright task list --status running
  hookwright task get qtask_2lbJh8YRbTq7vM3y0v1cPq4Zk1s --wait")]
pub(super) struct TaskArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(subcommand)]
    command: TaskCommand,
}

#[derive(Clone, Subcommand)]
enum TaskCommand {
    /// List the background tasks, newest first
    #[command(after_help = "Example:\n  hookwright task list --status running")]
    List {
        /// Only those that are like this
        #[arg(long, value_enum)]
        status: Option<State>,
        /// Only those that do this
        #[arg(long, value_enum)]
        task: Option<Kind>,
        #[command(flatten)]
        amount: Amount,
    },
    /// Show a background task
    #[command(after_help = "Examples:
  hookwright task get qtask_2lbJh8YRbTq7vM3y0v1cPq4Zk1s
  hookwright task get qtask_2lbJh8YRbTq7vM3y0v1cPq4Zk1s --wait")]
    Get {
        /// Its id
        id: String,
        /// Wait until it has ended
        #[arg(long)]
        wait: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Running,
    Finished,
    Failed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// `hookwright recover`
    Recover,
    /// `hookwright replay --missing`
    ReplayMissing,
    /// `hookwright replay`
    Replay,
}

pub(super) async fn run(args: TaskArgs, output: Output) -> Result<(), Failure> {
    let console = Console::new(&args.connection, output)?;
    match args.command {
        TaskCommand::List { status, task, amount } => {
            let path = Path::tasks().ask_if("status", status.map(State::word));
            console.list(path.ask_if("task", task.map(Kind::word)), amount, &COLUMNS).await
        }
        TaskCommand::Get { id, wait: false } => {
            console.show(&console.client.get(&Path::task(&id)).await?, &COLUMNS)
        }
        TaskCommand::Get { id, wait: true } => follow::to_its_end(&id, &console).await,
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Finished => "finished",
            State::Failed => "failed",
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Recover => "endpoint.recover",
            Kind::ReplayMissing => "endpoint.replay",
            Kind::Replay => "endpoint.bulk-replay",
        }
    }
}
