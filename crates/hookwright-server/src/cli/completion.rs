//! `hookwright completion`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::failure::Failure;
use super::output::Output;

/// Print what a shell needs to complete this program's arguments
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright completion bash > ~/.local/share/bash-completion/completions/hookwright
  hookwright completion zsh > \"${fpath[1]}/_hookwright\"
  hookwright completion fish > ~/.config/fish/completions/hookwright.fish")]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionArgs, output: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hookwright", &mut script);
    output.part(&String::from_utf8_lossy(&script))
}
