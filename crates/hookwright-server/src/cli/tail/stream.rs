//! One list of a server, read on as it grows.

use std::collections::BTreeSet;

use crate::cli::client::{Client, Document, Pages, Path};
use crate::cli::failure::Failure;

/// A list that grows at its end.
pub(super) struct Stream {
    path: Path,
    /// Where the look before the last one ended. What is committed late may belong before where the last one ended: two
    /// that are written at the same time can overtake each other.
    before_last: Option<String>,
    /// Where the last look ended.
    last: Option<String>,
    /// What the last look read.
    seen: BTreeSet<String>,
}

impl Stream {
    /// All that is there and will come.
    pub(super) fn from_the_start(path: Path) -> Stream {
        Stream { path, before_last: None, last: None, seen: BTreeSet::new() }
    }

    /// Only what will come.
    pub(super) async fn from_now(client: &Client, path: Path) -> Result<Stream, Failure> {
        let mut newest = Pages::new(client, path.clone().ask("order", "descending"), Some(1));
        newest.next().await?;
        // An iterator stands beside an item, and can be gone on from in either order.
        let end = newest.into_iterator();
        Ok(Stream { path, before_last: end.clone(), last: end, seen: BTreeSet::new() })
    }

    /// What has come since the last look, oldest first.
    pub(super) async fn read(&mut self, client: &Client) -> Result<Vec<Document>, Failure> {
        let path = self.path.clone().ask("order", "ascending");
        let mut pages = Pages::new(client, path, None).from(self.before_last.clone());
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
        self.before_last = std::mem::replace(&mut self.last, pages.into_iterator());
        self.seen = seen;
        Ok(new)
    }
}
