//! How far a move is: a bar at a terminal, and a line for each step elsewhere.

use std::io::IsTerminal;

use hookwright::config::DatabaseUrl;
use hookwright::{MoveProgress, MoveStep};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::escape;
use crate::cli::failure::eprint_line;

const TEMPLATE: &str = "{msg:<34} {bar:40} {human_pos} of {human_len} rows, {eta} left";

/// On the standard error, until it is dropped.
pub(super) struct Progress {
    /// `None` if nobody watches.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Says what is about to be moved.
    pub(super) fn new(from: &DatabaseUrl, to: &DatabaseUrl) -> Progress {
        let sentence = format!("Moving {from} to {to}. If this is broken off, the same command begins anew.");
        eprint_line(&escape::for_terminal(&sentence));
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
                bar.set_style(style);
            }
            bar
        });
        Progress { bar }
    }

    /// What is to be told how far it is.
    pub(super) fn watch(&self) -> impl FnMut(MoveProgress) + Send + 'static {
        let bar = self.bar.clone();
        let mut step = None;
        move |at: MoveProgress| {
            let is_new = step.replace(at.step) != Some(at.step);
            let doing = match at.step {
                MoveStep::Copying => "copying",
                MoveStep::Comparing => "comparing",
            };
            match &bar {
                Some(bar) => {
                    if is_new {
                        bar.reset();
                        bar.set_length(at.total);
                    }
                    bar.set_message(format!("{doing} {}", at.table));
                    bar.set_position(at.done);
                }
                None if is_new => eprint_line(&format!("{doing} {} rows", at.total)),
                None => {}
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
