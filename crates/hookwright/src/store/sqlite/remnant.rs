//! Overwrites what SQLite leaves of rows in the unused parts of pages.
//!
//! Rows that are removed are overwritten (`secure_delete`). But when SQLite moves rows from a full page to another, copies
//! of them may stay in the first one, behind its list of rows, until new rows come to lie there. So once an application is
//! erased all pages are looked through, and what no row lies in is filled with zeros. The format of a page is in section
//! 1.6 of <https://www.sqlite.org/fileformat2.html>.

use rusqlite::{Connection, params};

use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::sqlite::value;
use crate::store::write::Slice;

/// From there on a page number's first byte could be taken for the kind of a page (128 GiB with pages of 4 KiB).
const PAGES_MAX: u32 = 0x0200_0000;
/// Pages that are looked at between two looks at the time.
const AT_ONCE: u32 = 16;
/// A page begins with its kind: inner and outer pages of tables and indexes.
const INNER: [u8; 2] = [2, 5];
const OUTER: [u8; 2] = [10, 13];

/// Looks through pages from the one numbered `from` on, and says which comes next; `None` if that was the last.
///
/// A SQLite that was built without `SQLITE_ENABLE_DBPAGE_VTAB` cannot do it: then there is nothing to look through.
pub(super) fn overwrite(connection: &Connection, from: u32, slice: Slice) -> Result<Option<u32>, StoreError> {
    let mut budget = Budget::of(slice);
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages >= PAGES_MAX || !has_pages(connection)? {
        return Ok(None);
    }
    let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let mut read = connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
    let mut number = from.max(FIRST);
    while number <= pages {
        if number > from && number.is_multiple_of(AT_ONCE) && budget.is_spent() {
            return Ok(Some(number));
        }
        if !is_map(number, size) {
            let mut page = read.query_row([number], |row| row.get::<_, Vec<u8>>(0))?;
            if clean(&mut page) {
                let sql = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1";
                connection.prepare_cached(sql)?.execute(params![number, page])?;
                budget.spend(1);
            }
        }
        number += 1;
    }
    Ok(None)
}

/// The first page has a head of its own, and only the names of tables.
const FIRST: u32 = 2;

fn has_pages(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'";
    Ok(value::first(connection, sql, [], |_| Ok(()))?.is_some())
}

/// Whether a page of this size is one of those that say what the others are for (`auto_vacuum`): five bytes for each page.
///
/// In a file without them these pages are left alone as well: one in several hundred.
fn is_map(number: u32, size: u32) -> bool {
    (number - FIRST).is_multiple_of(size / 5 + 1)
}

/// Fills with zeros what no row lies in, and says whether that changed anything.
fn clean(page: &mut [u8]) -> bool {
    let Some(unused) = unused(page) else { return false };
    let mut is_changed = false;
    for part in unused {
        if let Some(bytes) = page.get_mut(part)
            && bytes.iter().any(|byte| *byte != 0)
        {
            bytes.fill(0);
            is_changed = true;
        }
    }
    is_changed
}

/// The unused parts of a page of rows; `None` if it is none, or none that can be understood.
fn unused(page: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let kind = *page.first()?;
    let head = match kind {
        kind if INNER.contains(&kind) => 12,
        kind if OUTER.contains(&kind) => 8,
        _ => return None,
    };
    let rows = usize::from(two_bytes(page, 3)?);
    let list_end = head + 2 * rows;
    // Zero stands for 65,536.
    let content = match two_bytes(page, 5)? {
        0 => 65_536,
        start => usize::from(start),
    };
    if content < list_end || content > page.len() {
        return None;
    }
    let mut parts = Vec::new();
    parts.push(list_end..content);
    // Free blocks between rows: the place of the next one, and the size of this one, come first in each. Places rise.
    let mut block = usize::from(two_bytes(page, 1)?);
    while block != 0 {
        let (next, size) = (usize::from(two_bytes(page, block)?), usize::from(two_bytes(page, block + 2)?));
        if block < content || size < 4 || block + size > page.len() || (next != 0 && next < block + size) {
            return None;
        }
        parts.push(block + 4..block + size);
        block = next;
    }
    Some(parts)
}

fn two_bytes(page: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*page.get(at)?, *page.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of 64 bytes with one row at its end, a free block before it, and remnants all over.
    fn page() -> Vec<u8> {
        let mut page = vec![0xee; 64];
        page[..8].copy_from_slice(&[10, 0, 40, 0, 1, 0, 30, 0]);
        page[8..10].copy_from_slice(&[0, 50]);
        page[40..44].copy_from_slice(&[0, 0, 0, 10]);
        page
    }

    #[test]
    fn only_what_no_row_lies_in_is_overwritten() {
        let (before, mut after) = (page(), page());
        assert!(clean(&mut after));
        for (place, byte) in after.iter().enumerate() {
            let is_unused = (10..30).contains(&place) || (44..50).contains(&place);
            assert_eq!(*byte, if is_unused { 0 } else { before[place] }, "at {place}");
        }
        assert!(!clean(&mut after), "once is enough");
    }

    #[test]
    fn what_cannot_be_understood_is_left_alone() {
        let mut wrong = vec![Vec::new(), vec![10], vec![0; 64]];
        for (place, byte) in [(0, 7), (5, 90), (6, 3), (4, 40), (1, 200), (2, 20), (43, 30), (41, 41)] {
            let mut page = page();
            page[place] = byte;
            wrong.push(page);
        }
        for page in wrong {
            let mut after = page.clone();
            assert!(!clean(&mut after), "{page:?}");
            assert_eq!(after, page);
        }
    }

    #[test]
    fn the_pages_that_describe_others_are_known() {
        let maps: Vec<u32> = (2..3_000).filter(|number| is_map(*number, 4_096)).collect();
        assert_eq!(maps, [2, 822, 1_642, 2_462]);
    }
}
