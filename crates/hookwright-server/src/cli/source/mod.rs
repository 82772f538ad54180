//! `hookwright source`: where messages come in from.

mod kinds;
mod sign;

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::output::Output;

pub(super) use sign::{Moment, SourceSignArgs};

/// Look at the kinds of sources: the providers whose requests can be verified
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright source kinds")]
pub(super) struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum SourceCommand {
    /// List the kinds, what each verifies, and how sure that is
    #[command(after_help = "Example:\n  hookwright source kinds

Evidence is what the verification is held against: an official library, a published vector, or the provider's text.")]
    Kinds,
}

pub(super) fn run(args: &SourceArgs, output: Output) -> Result<(), Failure> {
    match args.command {
        SourceCommand::Kinds => kinds::run(output),
    }
}
