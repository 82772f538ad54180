//! Gives pages of the file that nothing uses any more back to the file system.

use rusqlite::Connection;

use crate::store::budget::Budget;
use crate::store::error::StoreError;
use crate::store::write::Slice;

/// Unused pages that are always kept: new rows take them, and whoever gave them back would only make them again.
const KEEP_PAGES: u32 = 1_000;
/// Of the file's pages, so many are kept too.
const KEEP_PERCENT: u64 = 10;
/// Pages that go between two looks at the time.
const AT_ONCE: u32 = 8;
/// What SQLite calls `auto_vacuum = INCREMENTAL`.
const INCREMENTAL: u32 = 2;

/// Takes unused pages off the end of the file, if there are more than new rows will soon take, and says how many.
///
/// A file that was made without room for that (`auto_vacuum`) keeps its size, and uses its pages again.
pub(super) fn give_back(connection: &Connection, slice: Slice) -> Result<u32, StoreError> {
    let mut budget = Budget::of(slice);
    let mut given = 0;
    while !budget.is_spent() {
        let surplus = surplus(connection)?;
        if surplus == 0 {
            break;
        }
        let pages = surplus.min(AT_ONCE);
        // Each row of the answer is a page that went.
        let sql = format!("PRAGMA incremental_vacuum({pages})");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        budget.spend(pages);
        given += pages;
    }
    Ok(given)
}

fn surplus(connection: &Connection) -> Result<u32, StoreError> {
    let ask = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0));
    let unused = ask("freelist_count")?;
    if unused <= KEEP_PAGES || ask("auto_vacuum")? != INCREMENTAL {
        return Ok(0);
    }
    let keep = u64::from(ask("page_count")?) * KEEP_PERCENT / 100;
    Ok(unused.saturating_sub(KEEP_PAGES.max(u32::try_from(keep).unwrap_or(u32::MAX))))
}
