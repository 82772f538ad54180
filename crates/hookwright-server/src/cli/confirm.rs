//! Asks before something is lost for good.

use std::io::{IsTerminal, Write};

use clap::Args;

use super::escape;
use super::failure::Failure;

/// Whether the user has said yes already.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Confirmation {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Confirmation {
    /// Returns if the user agrees to `what`, which begins with a verb: "delete the application acme".
    pub(super) fn ask(self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new(format!(
                "Nothing was done: this would {what}, and there is nobody to ask."
            ))
            .advise("Say --yes if it is meant."));
        }
        let _ = write!(std::io::stderr().lock(), "This will {}. Go on? [y/N] ", escape::for_terminal(what));
        let mut answer = String::new();
        std::io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::because("The answer cannot be read", &error))?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new("Nothing was done.")),
        }
    }
}
