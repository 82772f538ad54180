//! Which partitions there are.

use tokio_postgres::Row;

use crate::domain::ids::MessageId;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::value;

/// A table that is kept by days.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The column with the message's id.
    pub(super) key: &'static str,
}

pub(super) const MESSAGE: Table = Table { name: "message", key: "id" };
pub(super) const ATTEMPT: Table = Table { name: "attempt", key: "message" };
pub(super) const TABLES: [Table; 2] = [MESSAGE, ATTEMPT];

/// A partition, for messages from `first` on that are below `past`.
pub(super) struct Part {
    /// Quoted, if it must be.
    pub(super) name: String,
    pub(super) first: MessageId,
    pub(super) past: MessageId,
}

/// The partitions of a table, the earliest first, but for the default one.
pub(super) async fn all(connection: &Connection, table: Table) -> Result<Vec<Part>, StoreError> {
    // The bounds are to be had as the text of a definition only.
    let sql = "SELECT quote_ident(c.relname), b.first, b.past
               FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               CROSS JOIN LATERAL (SELECT decode(substring(d.text FROM 'FROM \\(''\\\\x([0-9a-f]{40})''\\)'), 'hex') AS first,
                   decode(substring(d.text FROM 'TO \\(''\\\\x([0-9a-f]{40})''\\)'), 'hex') AS past
                   FROM (SELECT pg_get_expr(c.relpartbound, c.oid) AS text) d) b
               WHERE i.inhparent = $1::text::regclass AND b.first IS NOT NULL AND b.past IS NOT NULL ORDER BY b.first";
    value::all(&connection.query(sql, &[&table.name]).await?, from_row)
}

fn from_row(row: &Row) -> Result<Part, StoreError> {
    Ok(Part {
        name: value::text(row, 0)?,
        first: value::id(row, 1, MessageId::from_bytes)?,
        past: value::id(row, 2, MessageId::from_bytes)?,
    })
}
