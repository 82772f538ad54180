//! Lists with conditions that no index answers: walked a piece at a time, and for a bounded time.
//!
//! A page that has not found enough by then ends, and tells where the next one goes on. So no list holds up others, however
//! rare what it looks for, and nobody pays for indices at each message.

use std::time::Instant;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::domain::ids::ID_BYTES;
use crate::domain::names::EventTypeName;
use crate::domain::page::{BYTES_MAX, Page, PageRequest, Searched};
use crate::domain::time::Timestamp;
use crate::store::effort::{CLOCK_STEP_MAX, Effort};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::read::MessageFilter;
use crate::store::sqlite::message::PAYLOAD;
use crate::store::sqlite::value;

/// How the id that orders a list is turned to bytes and back.
pub(super) type Key<K> = (fn(&K) -> &[u8; ID_BYTES], fn([u8; ID_BYTES]) -> K);

/// What a list is made of.
pub(super) struct List<'a> {
    /// `SELECT … FROM …`, up to the conditions.
    pub(super) select: &'a str,
    /// The column of an id that orders the list, such as `m.id`.
    pub(super) key: &'a str,
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
    pub(super) fn page<T, K: Clone>(
        self,
        connection: &Connection,
        request: &PageRequest<K>,
        (as_bytes, from_bytes): Key<K>,
        each: impl Fn(&Row<'_>) -> Result<T, StoreError>,
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
                Some(walk) => walk.end_of_piece(connection, self.key, reached, (beyond, order))?,
            };
            let mut query = self.query.clone();
            for (comparison, key) in [(beyond, reached), (within, end)] {
                if let Some(key) = key {
                    query.and(&format!("{} {comparison} ?", self.key), key.to_vec());
                }
            }
            let sql = format!(
                "{} WHERE {} ORDER BY {} {order} LIMIT {}",
                self.select,
                query.conditions.join(" AND "),
                self.key,
                wanted - rows.len()
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut read = statement.query(params_from_iter(query.values))?;
            while let Some(row) = read.next()? {
                let is_full = held >= BYTES_MAX;
                let item = each(row)?;
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
    fn end_of_piece(
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
        value::first(connection, &sql, params_from_iter(query.values), |row| value::get(row, 0))
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
    /// A query whose SELECT names this value as `?1`.
    pub(super) fn with_first(value: impl Into<Value>) -> Query {
        Query { conditions: Vec::new(), values: vec![value.into()] }
    }

    /// A condition with one value, whose place is the one `?`.
    pub(super) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
    }

    /// A condition without a value.
    pub(super) fn and_fixed(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// What must hold of the message `m`, and of the time in column `time`.
    pub(super) fn message_filter(&mut self, filter: &MessageFilter, time: &str) {
        if !filter.event_types.is_empty() {
            let names = encoded::json_names(filter.event_types.iter().map(EventTypeName::as_str));
            self.and("m.event_type IN (SELECT value FROM json_each(?))", names);
        }
        if let Some(channel) = &filter.channel {
            self.and("? IN (SELECT value FROM json_each(m.channels))", channel.as_str().to_owned());
        }
        if let Some(tag) = &filter.tag {
            self.and("? IN (SELECT value FROM json_each(m.tags))", tag.as_str().to_owned());
        }
        if let Some(event_id) = &filter.event_id {
            let message = "m.id = (SELECT i.message FROM message_event_id i
                           WHERE i.application = m.application AND i.event_id = ?)";
            self.and(message, event_id.as_str().to_owned());
        }
        if let Some(text) = &filter.text {
            // Both are compared as bytes: a payload need not be text for SQLite.
            self.and(&format!("instr({PAYLOAD}, ?) > 0"), text.clone().into_bytes());
        }
        if let Some(before) = filter.before {
            self.and(&format!("{time} < ?"), before.as_micros());
        }
        if let Some(after) = filter.after {
            self.and(&format!("{time} > ?"), after.as_micros());
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::ids::MessageId;
    use crate::domain::page::{From, Order};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    /// Every page of a list of the numbers below `count` that `divisor` divides, looking at few rows for each.
    fn walk(
        connection: &Connection,
        divisor: u32,
        piece: u32,
        limit: u16,
        order: Order,
        back: bool,
    ) -> Vec<u32> {
        let id = |n: u32| {
            let mut id = [0; ID_BYTES];
            id[..4].copy_from_slice(&n.to_be_bytes());
            id
        };
        let from = back.then(|| {
            From::Before(MessageId::from_bytes(id(if order == Order::Ascending { u32::MAX } else { 0 })))
        });
        let mut request = PageRequest { limit, order, from };
        let mut seen = Vec::new();
        loop {
            let mut query = Query::default();
            query.and("n % ? = 0", divisor);
            let mut indexed = Query::default();
            indexed.and_fixed("1");
            let effort = Effort { piece, time: Duration::ZERO };
            let walk = Some(Walk { table: "t", indexed, effort });
            let list = List { select: "SELECT n, key FROM t", key: "key", query, walk };
            let keys: Key<MessageId> = (MessageId::as_bytes, MessageId::from_bytes);
            let each = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, MessageId::from_bytes(row.get(1)?)));
            let found = list.page(connection, &request, keys, each, |_| 0).unwrap();
            let items = &found.page.items;
            assert!(items.len() <= usize::from(limit));
            let numbers = items.iter().map(|(n, _)| *n);
            if back {
                seen.splice(0..0, numbers);
            } else {
                seen.extend(numbers);
            }
            if found.page.done {
                return seen;
            }
            let edge = if back { items.first() } else { items.last() };
            let key =
                found.reached.or(edge.map(|(_, key)| *key)).expect("a page that is not the last leads on");
            request.from = Some(if back { From::Before(key) } else { From::After(key) });
        }
    }

    proptest! {
        #[test]
        fn walking_on_from_page_to_page_finds_everything_once(
            count in 0u32..60, divisor in 1u32..20, piece in 1u32..9, limit in 1u16..5,
            ascending in any::<bool>(), back in any::<bool>(),
        ) {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute("CREATE TABLE t (key BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID", []).unwrap();
            for n in 1..=count {
                let mut key = [0; ID_BYTES];
                key[..4].copy_from_slice(&n.to_be_bytes());
                connection.execute("INSERT INTO t VALUES (?1, ?2)", (key, n)).unwrap();
            }
            let order = if ascending { Order::Ascending } else { Order::Descending };
            let mut wanted: Vec<u32> = (1..=count).filter(|n| n % divisor == 0).collect();
            if !ascending {
                wanted.reverse();
            }
            prop_assert_eq!(walk(&connection, divisor, piece, limit, order, back), wanted);
        }
    }
}
