//! Lists with conditions that no index answers: walked a piece at a time, and for a bounded time.
//!
//! A page that has not found enough by then ends, and tells where the next one goes on. So no list holds up others, however
//! rare what it looks for, and nobody pays for indices at each message.

use std::time::Instant;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::domain::ids::ID_BYTES;
use crate::domain::names::EventTypeName;
use crate::domain::page::{BYTES_MAX, Page, PageRequest, Searched};
use crate::domain::time::Timestamp;
use crate::store::effort::{CLOCK_STEP_MAX, Effort};
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::message::PAYLOAD;
use crate::store::postgres::value;
use crate::store::read::MessageFilter;

/// How the id that orders a list is turned to bytes and back.
pub(super) type Key<K> = (fn(&K) -> &[u8; ID_BYTES], fn([u8; ID_BYTES]) -> K);

/// What a list is made of.
pub(super) struct List<'a> {
    /// What stands behind `SELECT`.
    pub(super) columns: &'a str,
    /// What stands behind `FROM`, up to the conditions.
    pub(super) tables: &'a str,
    /// The column of an id that orders the list, such as `m.id`.
    pub(super) key: &'a str,
    /// How many bytes of payload a row brings, as an expression, if it brings any: rows beyond a page's bytes are not read.
    ///
    /// The server answers all rows of a statement at once, where SQLite is asked for one after the other.
    pub(super) size: Option<String>,
    /// All conditions.
    pub(super) query: Query,
    /// How it is walked; `None` if an index answers all conditions, or there is little to look at.
    pub(super) walk: Option<Walk<'a>>,
}

/// How a list is walked.
pub(super) struct Walk<'a> {
    /// The table whose index is walked, such as `message m`.
    pub(super) table: &'a str,
    /// Conditions that the index answers.
    pub(super) indexed: Query,
    pub(super) effort: Effort,
}

impl List<'_> {
    /// The page of this list that `request` asks for; `bytes` is what an item holds.
    pub(super) async fn page<T, K: Clone>(
        self,
        connection: &Connection,
        request: &PageRequest<K>,
        (as_bytes, from_bytes): Key<K>,
        each: impl Fn(&Row) -> Result<T, StoreError>,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<Searched<T, K>, StoreError> {
        let scan = request.scan();
        let wanted = usize::try_from(scan.count).unwrap_or(usize::MAX);
        let (beyond, within, order) = if scan.ascending { (">", "<=", "ASC") } else { ("<", ">=", "DESC") };
        let started = Instant::now();
        let (mut rows, mut held) = (Vec::new(), 0_usize);
        let mut reached = scan.beyond.as_ref().map(|key| *as_bytes(key));
        loop {
            let end = match &self.walk {
                None => None,
                Some(walk) => walk.end_of_piece(connection, self.key, reached, (beyond, order)).await?,
            };
            let mut query = self.query.clone();
            for (comparison, key) in [(beyond, reached), (within, end)] {
                if let Some(key) = key {
                    query.and(&format!("{} {comparison} ?", self.key), key.to_vec());
                }
            }
            let left = (wanted - rows.len(), BYTES_MAX.saturating_sub(held));
            for row in query.rows(connection, &self, order, left).await? {
                let is_full = held >= BYTES_MAX;
                let item = each(&row)?;
                held = held.saturating_add(bytes(&item));
                rows.push(item);
                if is_full || rows.len() == wanted {
                    return Ok(Searched { page: request.gather(rows, bytes), reached: None });
                }
            }
            let (Some(end), Some(walk)) = (end, &self.walk) else {
                return Ok(Searched { page: request.gather(rows, bytes), reached: None });
            };
            if started.elapsed() >= walk.effort.time {
                let page = Page { done: false, ..request.gather(rows, bytes) };
                return Ok(Searched { page, reached: Some(from_bytes(end)) });
            }
            reached = Some(end);
        }
    }
}

impl Walk<'_> {
    /// The key of the piece's last row; `None` if fewer rows than a piece are left.
    async fn end_of_piece(
        &self,
        connection: &Connection,
        key: &str,
        reached: Option<[u8; ID_BYTES]>,
        (beyond, order): (&str, &str),
    ) -> Result<Option<[u8; ID_BYTES]>, StoreError> {
        let mut query = self.indexed.clone();
        if let Some(reached) = reached {
            query.and(&format!("{key} {beyond} ?"), reached.to_vec());
        }
        let (table, conditions) = (self.table, query.conditions.join(" AND "));
        let offset = self.effort.piece.saturating_sub(1);
        let sql = format!(
            "SELECT {key} FROM {table} WHERE {conditions} ORDER BY {key} {order} LIMIT 1 OFFSET {offset}"
        );
        let row = connection.first(&sql, &query.params()).await?;
        row.map(|row| value::bytes(&row, 0)).transpose()
    }
}

/// A value of a condition.
#[derive(Clone)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Text(String),
    Texts(Vec<String>),
    Small(i16),
    Number(i32),
    Large(i64),
}

impl Value {
    fn as_param(&self) -> Param<'_> {
        let param: &(dyn ToSql + Sync) = match self {
            Value::Bytes(value) => value,
            Value::Text(value) => value,
            Value::Texts(value) => value,
            Value::Small(value) => value,
            Value::Number(value) => value,
            Value::Large(value) => value,
        };
        param
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Bytes(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(value: Vec<String>) -> Value {
        Value::Texts(value)
    }
}

impl From<i16> for Value {
    fn from(value: i16) -> Value {
        Value::Small(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Number(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Large(value)
    }
}

/// The conditions of a list, put together; values are bound, never written into the statement.
#[derive(Default, Clone)]
pub(super) struct Query {
    conditions: Vec<String>,
    /// In the order of their `?`; those that the SELECT itself names by number come first.
    values: Vec<Value>,
}

impl Query {
    /// A query whose SELECT names this value as `$1`.
    pub(super) fn with_first(value: impl Into<Value>) -> Query {
        Query { conditions: Vec::new(), values: vec![value.into()] }
    }

    /// A condition with one value, whose place is the one `?`.
    pub(super) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.conditions.push(condition.replace('?', &format!("${}", self.values.len())));
    }

    /// A condition without a value.
    pub(super) fn and_fixed(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// What must hold of the message `m`, and of the time in column `time`.
    pub(super) fn message_filter(&mut self, filter: &MessageFilter, time: &str) {
        if !filter.event_types.is_empty() {
            let names: Vec<String> =
                filter.event_types.iter().map(EventTypeName::as_str).map(str::to_owned).collect();
            self.and("m.event_type = ANY(?)", names);
        }
        if let Some(channel) = &filter.channel {
            self.and("jsonb_exists(m.channels::jsonb, ?)", channel.as_str().to_owned());
        }
        if let Some(tag) = &filter.tag {
            self.and("jsonb_exists(m.tags::jsonb, ?)", tag.as_str().to_owned());
        }
        if let Some(event_id) = &filter.event_id {
            let message = "m.id = (SELECT i.message FROM message_event_id i
                           WHERE i.application = m.application AND i.event_id = ?)";
            self.and(message, event_id.as_str().to_owned());
        }
        if let Some(text) = &filter.text {
            // Both are compared as bytes: a payload need not be text for PostgreSQL.
            self.and(&format!("position(?::bytea IN {PAYLOAD}) > 0"), text.clone().into_bytes());
        }
        if let Some(before) = filter.before {
            self.and(&format!("{time} < ?"), before.as_micros());
        }
        if let Some(after) = filter.after {
            self.and(&format!("{time} > ?"), after.as_micros());
        }
    }

    /// The rows of a list that hold to the conditions, in order: at most so many, and no more than one beyond so many bytes.
    async fn rows(
        mut self,
        connection: &Connection,
        list: &List<'_>,
        order: &str,
        (limit, bytes): (usize, usize),
    ) -> Result<Vec<Row>, StoreError> {
        self.values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        let place = self.values.len();
        let List { columns, tables, key, size, .. } = list;
        let conditions = self.conditions.join(" AND ");
        let rest = format!("FROM {tables} WHERE {conditions} ORDER BY {key} {order} LIMIT ${place}");
        let sql = match size {
            None => format!("SELECT {columns} {rest}"),
            Some(size) => {
                self.values.push(i64::try_from(bytes.max(1)).unwrap_or(i64::MAX).into());
                // The sum of all rows before the last one: a page takes one row more than its bytes, to know that it is full.
                format!(
                    "SELECT * FROM (SELECT {columns}, coalesce(sum({size}) OVER (ORDER BY {key} {order}
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING), 0) AS bytes_before {rest}) AS sized
                     WHERE bytes_before < ${}",
                    place + 1
                )
            }
        };
        connection.query(&sql, &self.params()).await
    }

    fn params(&self) -> Vec<Param<'_>> {
        self.values.iter().map(Value::as_param).collect()
    }
}

/// The times of a filter as conditions on the key, which rises with time: what is far outside is not even walked.
pub(super) fn time_range<K>(
    query: &mut Query,
    filter: &MessageFilter,
    key: &str,
    first_at: fn(Timestamp) -> K,
    bytes: fn(&K) -> &[u8; ID_BYTES],
) {
    if let Some(after) = filter.after {
        query.and(&format!("{key} >= ?"), bytes(&first_at(after)).to_vec());
    }
    if let Some(before) = filter.before {
        // A clock that is set back makes ids that are ahead of it, since ids only rise.
        query.and(&format!("{key} < ?"), bytes(&first_at(before.after(CLOCK_STEP_MAX))).to_vec());
    }
}
