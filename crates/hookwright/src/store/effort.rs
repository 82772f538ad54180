//! How much one page of a list looks at, in every dialect.

use std::time::Duration;

use crate::store::read::MessageFilter;

/// How far a machine's clock is set back at most while it runs.
pub(super) const CLOCK_STEP_MAX: Duration = Duration::from_secs(3600);

/// How much one page looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Rows of one piece: looked at without a glance at the clock.
    pub(super) piece: u32,
    /// No piece begins after so long.
    pub(super) time: Duration,
}

impl Effort {
    /// For conditions on small columns.
    pub(super) const ROWS: Effort = Effort { piece: 1_000, time: Duration::from_millis(40) };
    /// For conditions on rows of other tables.
    pub(super) const JOINED: Effort = Effort { piece: 200, ..Effort::ROWS };
    /// For conditions on payloads, each of which may be large.
    pub(super) const PAYLOADS: Effort = Effort { piece: 50, ..Effort::ROWS };

    /// Of a list of messages; `None` if an index answers the filter. `others`: it has conditions beside it.
    pub(super) fn of(filter: &MessageFilter, others: bool) -> Option<Effort> {
        if filter.event_id.is_some() || (*filter == MessageFilter::default() && !others) {
            None
        } else if filter.text.is_some() {
            Some(Effort::PAYLOADS)
        } else {
            Some(Effort::ROWS)
        }
    }
}
