//! One node at a time removes what is old: whoever comes while another does finds that there is nothing to do.

use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::write::{Erased, Swept, Write, Written};

/// The number of the lock, which goes with the transaction: "keep" in ASCII.
const LOCK: i32 = 0x6b65_6570;

/// Has this transaction be the one that removes, if no other is.
pub(super) async fn take(connection: &Connection) -> Result<bool, StoreError> {
    let sql = format!("SELECT pg_try_advisory_xact_lock({LOCK}, hashtext(current_schema()))");
    connection.says(&sql, &[]).await
}

/// What is answered where there is nothing to remove; `None` for what every node writes.
pub(super) fn nothing(write: &Write) -> Option<Written> {
    Some(match write {
        Write::ExpireMessages { beyond, .. } => {
            Written::Swept(Swept { last: *beyond, is_done: true, ..Swept::default() })
        }
        Write::ExpirePayloads { .. } | Write::ExpireInbound { .. } => {
            Written::Swept(Swept { is_done: true, ..Swept::default() })
        }
        Write::ExpireInboundKeys { .. } | Write::ExpireTasks { .. } | Write::ExpireMessageKeys { .. } => {
            Written::Removed(0)
        }
        Write::Erase { .. } => Written::Erased(Erased { rows: 0, has_any: false, next: None }),
        Write::ForgetKeys { .. } => Written::LookedAt(None),
        Write::ExpireKeys { .. } | Write::ExpireTickets { .. } => Written::Done,
        _ => return None,
    })
}
