//! What is moved: every table and column that both back ends have, and how they keep it.

use crate::store::sealed_columns;

/// A table that is moved row by row.
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    pub(in crate::store) columns: &'static [Column],
}

/// One of its columns.
pub(in crate::store) struct Column {
    pub(in crate::store) name: &'static str,
    /// Table and column, as secrets are encrypted for and errors name it.
    pub(in crate::store) place: &'static str,
    pub(in crate::store) kind: Kind,
    /// What SQLite reads in its place, where the two do not mean the same.
    pub(in crate::store) instead: Option<&'static str>,
}

/// How PostgreSQL keeps a column. SQLite has numbers, texts and bytes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Bytes,
    /// 64 bits, such as a point in time.
    Long,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    Flag,
    /// A text without NUL: words, names that were checked, JSON, which escapes it, and what is encrypted.
    Text,
    /// A text that people chose freely: PostgreSQL's texts cannot hold NUL, so that it is kept escaped there.
    Free,
}

impl Table {
    /// Where the columns are that secrets of this table are encrypted for; none if it has no secrets.
    pub(in crate::store) fn secrets_are_for(&self) -> Vec<usize> {
        let sealed = sealed_columns::TABLES.iter().find(|table| table.name == self.name);
        let key = sealed.map_or(&[][..], |table| table.key);
        key.iter().filter_map(|name| self.columns.iter().position(|column| column.name == *name)).collect()
    }
}

impl Column {
    /// Whether it is encrypted.
    pub(in crate::store) fn is_sealed(&self) -> bool {
        let mut sealed = sealed_columns::TABLES.iter().flat_map(|table| table.columns);
        sealed.any(|(_, place)| *place == self.place)
    }
}

macro_rules! tables {
    ($($table:ident { $($column:ident: $kind:ident $(= $instead:literal)?),+ $(,)? })+) => {
        &[$(Table {
            name: stringify!($table),
            columns: &[$(Column {
                name: stringify!($column),
                place: concat!(stringify!($table), ".", stringify!($column)),
                kind: Kind::$kind,
                instead: tables!(@instead $($instead)?),
            }),+],
        }),+]
    };
    (@instead) => { None };
    (@instead $instead:literal) => { Some($instead) };
}

/// All that an installation consists of, what is configured first.
///
/// Not moved are `migration`, which each database has of its own, `master_key`, since the secrets are encrypted anew, and `ticket`:
/// whoever was signed in signs in again.
pub(in crate::store) const TABLES: &[Table] = tables! {
    organisation { id: Bytes, created_at: Long }
    application {
        id: Bytes, organisation: Bytes, uid: Text, name: Free, throttle_rate: Int, metadata: Text, created_at: Long,
        updated_at: Long, operational: Flag, source: Flag,
    }
    event_type {
        organisation: Bytes, name: Text, description: Free, archived: Flag, deprecated: Flag, schemas: Free,
        feature_flags: Text, group_name: Text, created_at: Long, updated_at: Long, validated: Flag,
    }
    endpoint {
        application: Bytes, id: Bytes, uid: Text, url: Free, description: Free, throttle_rate: Int, disabled: Text,
        event_types: Text, channels: Text, metadata: Text, headers: Text, secret: Text, old_secrets: Text,
        created_at: Long, updated_at: Long, format: Text, identifier: Text,
    }
    endpoint_health {
        application: Bytes, endpoint: Bytes, first_failure_at: Long, last_span: Long, previous_span: Long,
    }
    subscription { organisation: Bytes, event_type: Text, application: Bytes, endpoint: Bytes }
    source {
        id: Bytes, organisation: Bytes, application: Bytes, uid: Text, name: Free, kind: Free, config: Text,
        settings: Text, metadata: Text, created_at: Long, updated_at: Long,
    }
    source_token { hash: Bytes, source: Bytes, token: Text, ends_at: Long }
    token {
        id: Bytes, hash: Bytes, name: Free, organisation: Bytes, application: Bytes, created_at: Long, expires_at: Long,
        revoked_at: Long, capabilities: Text, feature_flags: Text, session: Text,
    }
    message {
        application: Bytes, id: Bytes, event_type: Text, event_id: Text, channels: Text, tags: Text, created_at: Long,
        payload: Bytes,
    }
    message_event_id { application: Bytes, event_id: Text, message: Bytes }
    message_payload_expiry { application: Bytes, message: Bytes, expires_at: Long }
    message_broadcast { application: Bytes, message: Bytes, broadcast: Bytes }
    // SQLite looks for the message by its id alone. A key whose message is gone is of no application: whoever comes with it
    // finds no message, and takes it over.
    message_key {
        key: Bytes, expires_at: Long, request: Bytes,
        application: Bytes = "coalesce((SELECT m.application FROM message m WHERE m.id = message_key.message), x'')",
        message: Bytes,
    }
    broadcast {
        id: Bytes, organisation: Bytes, event_type: Text, channels: Text, tags: Text, created_at: Long, cursor: Bytes,
        payload: Bytes,
    }
    // One that is ready is in the hands of a node, and here there is none: it is due, since its message came, and so the first
    // node that starts takes it.
    delivery {
        application: Bytes, endpoint: Bytes, message: Bytes, attempts: Int, trigger: Short,
        due_at: Long = "coalesce(due_at, (SELECT m.created_at FROM message m
                            WHERE m.application = delivery.application AND m.id = delivery.message), 0)",
    }
    attempt {
        application: Bytes, message: Bytes, id: Bytes, endpoint: Bytes, number: Int, status: Short, response_code: Int,
        duration_us: Long, trigger: Short, started_at: Long, next_attempt_at: Long, reason: Free, url: Free,
        response: Bytes,
    }
    inbound {
        application: Bytes, id: Bytes, received_at: Long, expires_at: Long, verdict: Text, status: Int, reason: Free,
        method: Free, path: Free, query: Free, headers: Text, message: Bytes, body: Bytes, copy_of: Bytes,
    }
    inbound_key { application: Bytes, key: Bytes, expires_at: Long, request: Bytes }
    confirmation { application: Bytes, message: Bytes, verdict: Text, reason: Free }
    task {
        id: Bytes, organisation: Bytes, application: Bytes, endpoint: Bytes, kind: Text, parameters: Text, status: Text,
        failure: Text, sent: Long, up_to: Bytes, cursor: Bytes, created_at: Long, updated_at: Long,
    }
    idempotency { key: Bytes, request: Bytes, expires_at: Long, answer: Bytes }
    erasure { application: Bytes, deleted_at: Long }
};
