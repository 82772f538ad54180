//! Requests whose sender is yet to say whether they are true: they are looked at again until it has.

use std::collections::VecDeque;

use crate::cli::client::{Client, Document, Path};
use crate::cli::failure::Failure;

/// So many are remembered; beyond them the oldest are forgotten.
const HELD_MAX: usize = 1_000;
/// So many are looked at again at a time, each with a request of its own.
const AT_ONCE: usize = 20;

/// The verdict of those that are held.
const HELD: &str = "unconfirmed";

/// Requests that are held, those first that were not looked at for longest.
pub(super) struct Held {
    log: Path,
    ids: VecDeque<String>,
}

impl Held {
    /// None yet, of this log.
    pub(super) fn none(log: Path) -> Held {
        Held { log, ids: VecDeque::new() }
    }

    /// Remembers a request of the log, if it is held.
    pub(super) fn note(&mut self, request: &Document) {
        if request.member("verdict") == HELD {
            if self.ids.len() >= HELD_MAX {
                self.ids.pop_front();
            }
            self.ids.push_back(request.member("id"));
        }
    }

    /// Those of which something has been decided since the last look. A server that cannot be reached has decided nothing.
    pub(super) async fn decided(&mut self, client: &Client) -> Vec<Document> {
        let mut decided = Vec::new();
        for _ in 0..self.ids.len().min(AT_ONCE) {
            let Some(id) = self.ids.pop_front() else { break };
            let looked: Result<Document, Failure> = client.get(&self.log.clone().named("request", &id)).await;
            match looked {
                Ok(request) if request.member("verdict") == HELD => self.ids.push_back(id),
                Ok(request) => decided.push(request),
                Err(failure) if failure.may_pass() => self.ids.push_back(id),
                // It has gone from the log.
                Err(_) => {}
            }
        }
        decided
    }
}
