//! A bar that shows how far a part is, on a terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::task::AbortOnDropHandle;

use super::board::Board;

/// How often the bar moves; often enough for the eye, and for nothing in the figures.
const REDRAW: Duration = Duration::from_millis(200);
const TEMPLATE: &str = "{msg:<10} {bar:40} {human_pos} of {human_len}";

/// Shows bars, or nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    shown: bool,
}

/// One bar, until it is dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    _following: Option<AbortOnDropHandle<()>>,
}

impl Progress {
    /// Bars on the standard error, if they are to be shown.
    pub(super) fn new(shown: bool) -> Progress {
        Progress { shown }
    }

    /// A bar for so many steps, which somebody moves.
    pub(super) fn bar(&self, name: &'static str, steps: u64) -> Bar {
        let target = if self.shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(steps), target).with_message(name);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Bar { bar, _following: None }
    }

    /// A bar that follows one of a board's counts for so many steps.
    pub(super) fn follow(
        &self,
        name: &'static str,
        board: &Arc<Board>,
        count: fn(&Board) -> u64,
        steps: u64,
    ) -> Bar {
        let mut following = self.bar(name, steps);
        if self.shown {
            let (bar, board, before) = (following.bar.clone(), Arc::clone(board), count(board));
            following._following = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(REDRAW).await;
                    bar.set_position(count(&board) - before);
                }
            })));
        }
        following
    }
}

impl Bar {
    /// One step more.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
