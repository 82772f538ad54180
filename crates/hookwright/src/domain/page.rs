//! Pages of lists: a key to go on from, never a number of rows to skip.

use std::convert::Infallible;

/// The most items that one page holds.
pub const LIMIT_MAX: u16 = 250;
/// A page ends with the item that brings what it holds to so many bytes, whatever its limit: memory is bounded.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many items a page holds when nobody says.
pub const LIMIT_DEFAULT: u16 = 50;

/// Which page of a list is wanted; `K` is what the list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// At most so many items, from 1 to [`LIMIT_MAX`]; fewer if they are large ([`BYTES_MAX`]).
    pub limit: u16,
    /// The order of the list as a whole.
    pub order: Order,
    /// Where to go on; the list's start if not given.
    pub from: Option<From<K>>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Lowest key first: oldest first, for ids.
    Ascending,
    /// Highest key first.
    Descending,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From<K> {
    /// The items after this key, in the list's order.
    After(K),
    /// The items right before this key, in the list's order.
    Before(K),
}

/// One page of a list, in the list's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether the list ends here, in the direction that was asked for.
    pub done: bool,
}

/// A page of a list that is searched: it may end before it is full, because too much had been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched<T, K> {
    /// The page; not done if the search ended early, however few items it has.
    pub page: Page<T>,
    /// Where the search ended early: the next page goes on from there, in the direction of this one.
    pub reached: Option<K>,
}

/// Which way to read, so that a page can be taken with one ordered query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan<K> {
    /// Read with rising keys.
    pub ascending: bool,
    /// Read only keys beyond this one, in the direction of reading.
    pub beyond: Option<K>,
    /// Turn round what was read: it was read against the list's order.
    pub reverse: bool,
    /// Read so many: one more than the page holds, to learn whether the list ends.
    pub count: u32,
}

impl<K: Clone> PageRequest<K> {
    /// The first page with `limit` items.
    pub fn first(limit: u16, order: Order) -> PageRequest<K> {
        PageRequest { limit, order, from: None }
    }

    /// How to read this page.
    pub fn scan(&self) -> Scan<K> {
        let (beyond, reverse) = match &self.from {
            None => (None, false),
            Some(From::After(key)) => (Some(key.clone()), false),
            Some(From::Before(key)) => (Some(key.clone()), true),
        };
        let ascending = (self.order == Order::Ascending) != reverse;
        Scan { ascending, beyond, reverse, count: u32::from(self.limit) + 1 }
    }

    /// The page made of what [`PageRequest::scan`] read.
    pub fn page<T>(&self, read: Vec<T>) -> Page<T> {
        self.gather(read, |_| 0)
    }

    /// The page made of the items that [`PageRequest::scan`] reads, of which each holds `bytes`: they are taken one by one, up
    /// to the limit, and none after the one that brings their bytes to [`BYTES_MAX`].
    pub fn gather<T>(&self, items: impl IntoIterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Page<T> {
        let gathered = self.try_gather(items.into_iter().map(Ok::<T, Infallible>), bytes);
        gathered.unwrap_or_else(|never| match never {})
    }

    /// The same for items that may fail to be read.
    pub fn try_gather<T, E>(
        &self,
        read: impl IntoIterator<Item = Result<T, E>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<Page<T>, E> {
        let mut page = Page { items: Vec::new(), done: true };
        let mut held = 0_usize;
        for item in read {
            let item = item?;
            if page.items.len() >= usize::from(self.limit) || held >= BYTES_MAX {
                page.done = false;
                break;
            }
            held = held.saturating_add(bytes(&item));
            page.items.push(item);
        }
        if matches!(self.from, Some(From::Before(_))) {
            page.items.reverse();
        }
        Ok(page)
    }
}

impl<T> Page<T> {
    /// The same page with each item turned into another.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(each).collect(), done: self.done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    /// Answers a request from a sorted list, as a store does.
    fn answer(all: &[u32], request: &PageRequest<u32>) -> Page<u32> {
        let scan = request.scan();
        let mut keys: Vec<u32> = all.to_vec();
        if !scan.ascending {
            keys.reverse();
        }
        let beyond = |key: &u32| match scan.beyond {
            None => true,
            Some(mark) if scan.ascending => *key > mark,
            Some(mark) => *key < mark,
        };
        // So large that a page of these ends with the third.
        request.gather(keys.into_iter().filter(beyond).take(scan.count as usize), |_| BYTES_MAX / 3 + 1)
    }

    proptest! {
        #[test]
        fn walking_forward_and_back_sees_each_item_once(
            count in 0u32..40, limit in 1u16..9, ascending in any::<bool>()
        ) {
            let all: Vec<u32> = (1..=count).collect();
            let order = if ascending { Order::Ascending } else { Order::Descending };
            let mut wanted = all.clone();
            if !ascending {
                wanted.reverse();
            }

            let mut seen = Vec::new();
            let mut request = PageRequest::first(limit, order);
            loop {
                let page = answer(&all, &request);
                seen.extend(page.items.iter().copied());
                if page.done {
                    break;
                }
                request.from = page.items.last().copied().map(From::After);
            }
            prop_assert_eq!(&seen, &wanted);

            let mut back = Vec::new();
            if let Some(&last) = wanted.last() {
                let mut request = PageRequest { limit, order, from: Some(From::Before(last)) };
                loop {
                    let page = answer(&all, &request);
                    back.splice(0..0, page.items.iter().copied());
                    match page.items.first() {
                        Some(&first) if !page.done => request.from = Some(From::Before(first)),
                        _ => break,
                    }
                }
                back.push(last);
            }
            prop_assert_eq!(&back, &wanted);
        }
    }
}
