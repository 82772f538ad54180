//! One list of a server, read on as it grows.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::client::{Client, Document, Pages, Path};
use super::failure::Failure;

/// What is committed late may belong before what was read already: two that are written at the same time can overtake each other.
/// So for so long what was read is read again.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(5);

/// A list that grows at its end.
pub(super) struct Growing {
    path: Path,
    /// Where looks ended, oldest first; the next one begins at the first of them.
    ends: VecDeque<End>,
    /// What the last look read.
    seen: BTreeSet<String>,
}

/// Where a look ended.
struct End {
    /// What the list goes on from; nothing at its start.
    iterator: Option<String>,
    at: Instant,
}

impl Growing {
    /// All that is there and will come.
    pub(super) fn from_the_start(path: Path) -> Growing {
        Growing::from(path, None)
    }

    /// Only what will come.
    pub(super) async fn from_now(client: &Client, path: Path) -> Result<Growing, Failure> {
        let mut newest = Pages::new(client, path.clone().ask("order", "descending"), Some(1));
        newest.next().await?;
        // An iterator stands beside an item, and can be gone on from in either order.
        Ok(Growing::from(path, newest.into_iterator()))
    }

    fn from(path: Path, iterator: Option<String>) -> Growing {
        Growing { path, ends: [End { iterator, at: Instant::now() }].into(), seen: BTreeSet::new() }
    }

    /// What has come since the last look, oldest first. A look that fails has read nothing, and can be taken again.
    pub(super) async fn read(&mut self, client: &Client) -> Result<Vec<Document>, Failure> {
        let looked = self.look(client).await;
        if looked.is_err() {
            // Nobody knows what the server did meanwhile.
            let now = Instant::now();
            self.ends.iter_mut().for_each(|end| end.at = now);
        }
        looked
    }

    async fn look(&mut self, client: &Client) -> Result<Vec<Document>, Failure> {
        let path = self.path.clone().ask("order", "ascending");
        let from = self.ends.front().and_then(|end| end.iterator.clone());
        let mut pages = Pages::new(client, path, None).from(from);
        let (mut new, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(documents) = pages.next().await? {
            for document in documents {
                let id = document.member("id");
                if !self.seen.contains(&id) {
                    new.push(document);
                }
                seen.insert(id);
            }
        }
        self.seen = seen;
        let iterator = pages.into_iterator();
        if self.ends.back().is_none_or(|last| last.iterator != iterator) {
            self.ends.push_back(End { iterator, at: Instant::now() });
        }
        while self.ends.get(1).is_some_and(|second| second.at.elapsed() > OVERTAKEN_WITHIN) {
            self.ends.pop_front();
        }
        Ok(new)
    }
}
