//! Reads a list page by page, until there is enough of it.

use serde::Deserialize;

use super::Client;
use super::document::Document;
use super::path::Path;
use crate::cli::failure::Failure;

/// The most items that a server gives at once.
const PAGE_MAX: u64 = 250;

/// One page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    data: Vec<Document>,
    /// Goes on after the last item.
    #[serde(default)]
    iterator: Option<String>,
    /// Whether the list ends here.
    done: bool,
}

/// A list that is being read.
pub(in crate::cli) struct Pages<'a> {
    client: &'a Client,
    path: Path,
    from: Option<String>,
    /// How many more items are wanted; all if it is not said.
    wanted: Option<u64>,
    page_max: u64,
    /// Whether the server said that there are no more.
    done: bool,
}

impl<'a> Pages<'a> {
    /// At most `wanted` items of the list at `path`, or all.
    pub(in crate::cli) fn new(client: &'a Client, path: Path, wanted: Option<u64>) -> Pages<'a> {
        Pages { client, path, from: None, wanted, page_max: PAGE_MAX, done: false }
    }

    /// In pages of so many items, for lists whose items are large.
    pub(in crate::cli) fn at_most(mut self, page_max: u64) -> Pages<'a> {
        self.page_max = page_max;
        self
    }

    /// Begins where an iterator of the list says.
    pub(in crate::cli) fn from(mut self, iterator: Option<String>) -> Pages<'a> {
        self.from = iterator;
        self
    }

    /// The next items; nothing once there are no more or enough.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Vec<Document>>, Failure> {
        let limit = self.wanted.unwrap_or(self.page_max).min(self.page_max);
        if self.done || limit == 0 {
            return Ok(None);
        }
        let path = self.path.clone().ask("limit", &limit.to_string());
        let answer = self.client.get(&path.ask_if("iterator", self.from.as_deref())).await?;
        let page: Page = answer.read("a page of a list")?;
        // Without a place to go on from, the same page would come for ever.
        self.done = page.done || page.iterator.is_none() || page.iterator == self.from;
        self.from = page.iterator.or(self.from.take());
        if let Some(wanted) = &mut self.wanted {
            *wanted = wanted.saturating_sub(page.data.len() as u64);
        }
        Ok(Some(page.data))
    }

    /// All items that are left.
    pub(in crate::cli) async fn rest(mut self) -> Result<Vec<Document>, Failure> {
        let mut all = Vec::new();
        while let Some(items) = self.next().await? {
            all.extend(items);
        }
        Ok(all)
    }

    /// Whether the list goes on after what was read.
    pub(in crate::cli) fn has_more(&self) -> bool {
        !self.done
    }

    /// Where the list goes on after what was read.
    pub(in crate::cli) fn into_iterator(self) -> Option<String> {
        self.from
    }
}
