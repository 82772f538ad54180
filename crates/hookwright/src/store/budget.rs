//! What one slice of removing may still do: so many rows, and until then.

use std::time::Instant;

use crate::store::write::Slice;

/// What is left of a slice.
pub(in crate::store) struct Budget {
    rows: u32,
    ends: Instant,
}

impl Budget {
    /// Begins a slice.
    pub(in crate::store) fn of(slice: Slice) -> Budget {
        Budget { rows: slice.rows, ends: Instant::now() + slice.time }
    }

    /// Whether no more may be done.
    pub(in crate::store) fn is_spent(&self) -> bool {
        self.rows == 0 || Instant::now() >= self.ends
    }

    /// So many rows may still go, at most.
    pub(in crate::store) fn rows(&self) -> u32 {
        self.rows
    }

    /// So many rows went.
    pub(in crate::store) fn spend(&mut self, rows: u32) {
        self.rows = self.rows.saturating_sub(rows);
    }
}
