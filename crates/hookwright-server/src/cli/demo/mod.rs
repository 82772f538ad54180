//! `hookwright demo`: shows within seconds what webhooks are worth, on this machine and with a real server.
//!
//! Three short acts, then an invitation: a signed webhook, an endpoint that recovers, a server that is killed
//! and loses nothing. The server is a child process in a directory of its own; both go with the demo.

mod crash;
mod first;
mod inbox;
mod invitation;
mod recovery;
mod screen; // reading order: what is seen, who receives, then act by act
mod stage;

use std::io::{IsTerminal, Write};

use clap::Args;

use self::screen::Screen;
use self::stage::Stage;
use super::rig::{RigError, interrupted};

/// Messages of the third act.
const MESSAGES_DEFAULT: u64 = 1_000;
/// The most that the third act may be asked for.
const MESSAGES_MAX: u64 = 100_000;

/// Shows a signed webhook, a recovery and a crash that loses nothing, in a few seconds.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright demo")]
pub(crate) struct DemoArgs {
    /// End with the verdict instead of staying up to be tried out.
    #[arg(long)]
    pub(crate) once: bool,

    /// Messages to send while the server is killed and started again.
    #[arg(long, value_name = "N", default_value_t = MESSAGES_DEFAULT,
          value_parser = clap::value_parser!(u64).range(2..=MESSAGES_MAX))]
    pub(crate) messages: u64,
}

/// Why a demo did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum DemoError {
    /// The server or what is around it did not work.
    #[error(transparent)]
    Rig(#[from] RigError),
    /// Nobody reads what is printed.
    #[error("The demo could not print.")]
    Output(#[from] std::io::Error),
    /// The secret of an endpoint is none.
    #[error("The endpoint's secret cannot be read.")]
    Secret(#[from] hookwright_signature::KeyError),
    /// A webhook's signature is wrong.
    #[error("A webhook arrived whose signature is wrong.")]
    NotGenuine(#[from] hookwright_signature::VerifyError),
    /// What the demo waits for did not happen.
    #[error("{what} did not happen within {seconds} s.")]
    TooLate {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        seconds: u64,
    },
    /// Accepted messages never arrived, or messages were never accepted.
    #[error("{lost} accepted messages were lost, and {refused} were never accepted.")]
    Lost {
        /// Messages that were accepted and did not arrive.
        lost: u64,
        /// Messages that were not accepted in time.
        refused: u64,
    },
    /// A task of the demo panicked.
    #[error("A part of the demo broke.")]
    Task(#[from] tokio::task::JoinError),
}

/// Plays the demo; returns when it is over, or when it was interrupted.
///
/// With `json` the verdict of the third act is the only thing printed, and the demo ends with it.
///
/// # Errors
///
/// [`DemoError::Lost`] if an accepted message did not arrive; the others if something did not work.
pub(crate) async fn run(args: DemoArgs, json: bool) -> Result<(), DemoError> {
    tokio::select! {
        ended = play(args, json) => ended,
        () = interrupted() => Ok(()),
    }
}

async fn play(args: DemoArgs, json: bool) -> Result<(), DemoError> {
    let screen = if json { Screen::silent() } else { Screen::stdout(std::io::stdout().is_terminal()) };
    screen.title("Hookwright demo", "a real server and a receiver, on this machine alone")?;
    let mut stage = Stage::set_up(screen, args.messages).await?;
    first::play(&mut stage).await?;
    recovery::play(&stage).await?;
    let verdict = crash::play(&mut stage).await?;
    if json {
        writeln!(std::io::stdout(), "{}", verdict.to_json())?;
    }
    verdict.check()?;
    if !args.once && !json {
        invitation::play(&mut stage).await?;
    }
    Ok(())
}
