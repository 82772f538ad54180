//! What every message makes, collected and written as arrays: messages with their deliveries, and the outcomes of attempts.
//!
//! A batch of hundreds is a few statements in two round trips: first those that may be refused (keys and `eventId`s), then
//! all that follows from what was not. Rows of one statement must not meet each other, so whatever would is written with the
//! next collection. Arrays become rows where rows are selected, and not in `FROM`, where each array would first be copied into a row
//! store of its own.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;

use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::lease::{Held, LeaseNumber};
use crate::domain::names::{Channel, EventId, Tag};
use crate::domain::time::Timestamp;
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::catalog_change::{Guard, Routes};
use crate::store::postgres::commit::Mark;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::lease::{self, DATABASE_NOW};
use crate::store::postgres::notice::Notice;
use crate::store::postgres::pipeline::{Held as Value, Pipeline};
use crate::store::postgres::{appends, message_key, outcomes, value};
use crate::store::write::{Append, Appended, Outcome, RequestKey};

/// Messages and outcomes to write.
#[derive(Default)]
pub(super) struct Hot<'w> {
    appends: Vec<&'w Append>,
    outcomes: Vec<&'w Outcome>,
    keys: HashSet<[u8; 16]>,
    event_ids: HashSet<(ApplicationId, &'w str)>,
    deliveries: HashSet<DeliveryKey>,
    /// Where messages go whose routes must not be old.
    pub(super) routes: Routes,
}

/// How a collection is written.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// It begins the transaction.
    pub(super) begins: bool,
    /// It ends it, under this mark: all is durable when it is written.
    pub(super) commits: Option<Mark>,
    /// What is told with it then.
    pub(super) notice: Notice,
    /// By what its messages were routed.
    pub(super) guard: Guard,
}

impl<'w> Hot<'w> {
    pub(super) fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.outcomes.is_empty()
    }

    /// Whether a message meets none that is collected: then it can be added.
    pub(super) fn takes(&self, append: &Append) -> bool {
        let message = &append.message;
        !append.key.is_some_and(|key| self.keys.contains(&key.hash))
            && !message
                .event_id
                .as_ref()
                .is_some_and(|id| self.event_ids.contains(&(message.application, id.as_str())))
    }

    /// Whether an outcome meets none that is collected.
    pub(super) fn takes_outcome(&self, outcome: &Outcome) -> bool {
        !self.deliveries.contains(&delivery_of(outcome))
    }

    /// Adds a message, and says which one of the collection it is.
    pub(super) fn append(&mut self, append: &'w Append) -> usize {
        if let Some(key) = &append.key {
            self.keys.insert(key.hash);
        }
        if let Some(event_id) = &append.message.event_id {
            self.event_ids.insert((append.message.application, event_id.as_str()));
        }
        self.appends.push(append);
        self.appends.len() - 1
    }

    /// Adds an outcome, without what tells of it.
    pub(super) fn outcome(&mut self, outcome: &'w Outcome) {
        self.deliveries.insert(delivery_of(outcome));
        self.outcomes.push(outcome);
    }

    /// Writes the collection, and notes what becomes of each message before the statements that may commit it are sent. It is
    /// empty afterwards.
    pub(super) async fn write(
        &mut self,
        connection: &Connection,
        held: &Held,
        frame: Frame,
        appended: &mut Vec<Appended>,
    ) -> Result<(), StoreError> {
        let hot = std::mem::take(self);
        if let Some(mark) = frame.commits
            && frame.begins
            && hot.outcomes.is_empty()
            && held.own != LeaseNumber::NONE
            && appends::are_plain(&hot.appends)
            && !frame.notice.is_due()
            && !connection.claimed_keys.is_called_for()
        {
            *appended = hot.appends.iter().map(|_| Appended::Stored).collect();
            let mut pipeline = Pipeline::new(connection);
            appends::add(&mut pipeline, &hot.appends, held.own, mark, frame.guard, &hot.routes).await?;
            if appends::are_written(pipeline.run().await)? {
                return Ok(());
            }
            connection.claimed_keys.met();
        }
        let mut is_guarded = false;
        *appended = if hot.keys.is_empty() && hot.event_ids.is_empty() {
            hot.appends.iter().map(|_| Appended::Stored).collect()
        } else {
            is_guarded = true;
            hot.claim(connection, held.own, frame).await?
        };
        let stored =
            hot.appends.iter().zip(&*appended).filter(|(_, appended)| **appended == Appended::Stored);
        let stored: Vec<&Append> = stored.map(|(append, _)| *append).collect();
        let mut pipeline = Pipeline::new(connection);
        if !is_guarded {
            hot.begin(&mut pipeline, held.own, frame).await?;
        }
        outcomes::add(&mut pipeline, held, &hot.outcomes, &connection.logged_attempts).await?;
        messages(&mut pipeline, held.own, &stored).await?;
        if let Some(mark) = frame.commits {
            frame.notice.add(&mut pipeline).await?;
            mark.commit(&mut pipeline).await?;
        }
        match pipeline.run().await {
            Err(error) if outcomes::are_logged(&error) => {
                connection.logged_attempts.met();
                Err(StoreError::Raced)
            }
            result => result.map(|_| ()),
        }
    }

    /// Adds what comes first: the transaction under this lease, if it begins one, and the guard of the routes.
    async fn begin<'a>(
        &'a self,
        pipeline: &mut Pipeline<'a>,
        lease: LeaseNumber,
        frame: Frame,
    ) -> Result<(), StoreError> {
        if frame.begins {
            lease::begin(pipeline, lease).await?;
        }
        if !self.routes.is_empty() {
            frame.guard.add(pipeline, &self.routes).await?;
        }
        Ok(())
    }

    /// Claims keys and `eventId`s, and says which messages may be stored.
    async fn claim(
        &self,
        connection: &Connection,
        lease: LeaseNumber,
        frame: Frame,
    ) -> Result<Vec<Appended>, StoreError> {
        let mut pipeline = Pipeline::new(connection);
        self.begin(&mut pipeline, lease, frame).await?;
        let keyed: Vec<(&RequestKey, &Append)> =
            self.appends.iter().filter_map(|append| Some((append.key.as_ref()?, *append))).collect();
        if !keyed.is_empty() {
            let now =
                keyed.iter().map(|(_, append)| append.message.created_at).min().unwrap_or(Timestamp::MIN);
            let values: Vec<Value<'_>> = vec![
                column(keyed.iter().map(|(key, _)| key.hash.as_slice())),
                column(keyed.iter().map(|(key, _)| key.request.as_slice())),
                column(keyed.iter().map(|(_, append)| append.message.application.as_bytes().as_slice())),
                column(keyed.iter().map(|(_, append)| append.message.id.as_bytes().as_slice())),
                column(keyed.iter().map(|(key, _)| key.expires_at.as_micros())),
                Box::new(now.as_micros()),
            ];
            pipeline.add(message_key::CLAIM, values).await?;
        }
        let named: Vec<(&EventId, &Append)> = self
            .appends
            .iter()
            .filter_map(|append| Some((append.message.event_id.as_ref()?, *append)))
            .collect();
        if !named.is_empty() {
            let values: Vec<Value<'_>> = vec![
                column(named.iter().map(|(_, append)| append.message.application.as_bytes().as_slice())),
                column(named.iter().map(|(event_id, _)| event_id.as_str())),
                column(named.iter().map(|(_, append)| append.message.id.as_bytes().as_slice())),
            ];
            pipeline.add(CLAIM_EVENT_IDS, values).await?;
        }
        let mut answers = pipeline.run().await?;
        let names = if named.is_empty() { Vec::new() } else { answers.pop().unwrap_or_default() };
        let keys = if keyed.is_empty() { Vec::new() } else { answers.pop().unwrap_or_default() };
        self.judge(connection, &message_key::claimed(&keys)?, &names).await
    }

    /// What becomes of each message, after what it claimed; what it claimed in vain is let go.
    async fn judge(
        &self,
        connection: &Connection,
        keys: &HashSet<[u8; 16]>,
        names: &[Row],
    ) -> Result<Vec<Appended>, StoreError> {
        let names: HashSet<(ApplicationId, &str)> = names
            .iter()
            .map(|row| Ok((value::id(row, 0, ApplicationId::from_bytes)?, value::get(row, 1)?)))
            .collect::<Result<_, StoreError>>()?;
        let lost: Vec<&RequestKey> = self
            .appends
            .iter()
            .filter_map(|append| append.key.as_ref())
            .filter(|key| !keys.contains(&key.hash))
            .collect();
        let kept =
            if lost.is_empty() { HashMap::new() } else { message_key::kept(connection, &lost).await? };
        let mut appended = Vec::with_capacity(self.appends.len());
        for append in &self.appends {
            let message = &append.message;
            let has_key = match &append.key {
                None => true,
                Some(key) => match kept.get(&key.hash).filter(|kept| !kept.is_there) {
                    Some(kept) => message_key::take_over(connection, key, kept.message, message).await?,
                    None => keys.contains(&key.hash),
                },
            };
            let name = message.event_id.as_ref().map(|event_id| (message.application, event_id.as_str()));
            let has_name = name.is_none_or(|name| names.contains(&name));
            if !has_key
                && has_name
                && let Some((application, event_id)) = name
            {
                let sql =
                    "DELETE FROM message_event_id WHERE application = $1 AND event_id = $2 AND message = $3";
                connection.execute(sql, &[application.as_bytes(), &event_id, message.id.as_bytes()]).await?;
            }
            appended.push(match (&append.key, has_key, has_name) {
                (_, true, true) => Appended::Stored,
                (key, true, false) => {
                    if let Some(key) = key {
                        message_key::release(connection, key).await?;
                    }
                    Appended::EventIdTaken
                }
                (Some(key), false, _) => match kept.get(&key.hash) {
                    Some(kept) if !kept.is_there => return Err(StoreError::Raced),
                    Some(kept) if kept.request == key.request => Appended::Replayed(kept.message),
                    Some(_) => Appended::KeyReused,
                    // Whoever had it let go between the two statements.
                    None => return Err(StoreError::Raced),
                },
                (None, false, _) => return Err(StoreError::Raced),
            });
        }
        Ok(appended)
    }
}

/// In order, so that two nodes that claim the same ones never wait for each other.
const CLAIM_EVENT_IDS: &str = "INSERT INTO message_event_id (application, event_id, message)
     SELECT * FROM (
         SELECT unnest($1::bytea[]) AS application, unnest($2::text[]) AS event_id, unnest($3::bytea[])) AS u
     ORDER BY application, event_id COLLATE \"C\"
     ON CONFLICT DO NOTHING RETURNING application, event_id";

/// Adds the statements that store messages with all they have.
async fn messages<'a>(
    pipeline: &mut Pipeline<'a>,
    lease: LeaseNumber,
    appends: &[&'a Append],
) -> Result<(), StoreError> {
    if appends.is_empty() {
        return Ok(());
    }
    let of = || appends.iter().map(|append| &*append.message);
    let values: Vec<Value<'a>> = vec![
        column(of().map(|message| message.application.as_bytes().as_slice())),
        column(of().map(|message| message.id.as_bytes().as_slice())),
        column(of().map(|message| message.event_type.as_str())),
        column(of().map(|message| message.event_id.as_ref().map(EventId::as_str))),
        column(of().map(|message| encoded::json_names_or_null(message.channels.iter().map(Channel::as_str)))),
        column(of().map(|message| encoded::json_names_or_null(message.tags.iter().map(Tag::as_str)))),
        column(of().map(|message| message.created_at.as_micros())),
        // What is shared is stored once.
        column(
            appends
                .iter()
                .map(|append| if append.broadcast.is_some() { &[] } else { append.message.payload.as_ref() }),
        ),
    ];
    pipeline
        .add(
            "INSERT INTO message (application, id, event_type, event_id, channels, tags, created_at, payload)
             SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
                 unnest($6::text[]), unnest($7::bigint[]), unnest($8::bytea[])",
            values,
        )
        .await?;
    let shared: Vec<_> =
        appends.iter().filter_map(|append| Some((append, append.broadcast.as_ref()?))).collect();
    if !shared.is_empty() {
        let values: Vec<Value<'a>> = vec![
            column(shared.iter().map(|(append, _)| append.message.application.as_bytes().as_slice())),
            column(shared.iter().map(|(append, _)| append.message.id.as_bytes().as_slice())),
            column(shared.iter().map(|(_, broadcast)| broadcast.as_bytes().as_slice())),
        ];
        let sql = "INSERT INTO message_broadcast (application, message, broadcast)
                   SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[])";
        pipeline.add(sql, values).await?;
    }
    let expiring: Vec<_> =
        appends.iter().filter_map(|append| Some((append, append.payload_expires_at?))).collect();
    if !expiring.is_empty() {
        let values: Vec<Value<'a>> = vec![
            column(expiring.iter().map(|(append, _)| append.message.application.as_bytes().as_slice())),
            column(expiring.iter().map(|(append, _)| append.message.id.as_bytes().as_slice())),
            column(expiring.iter().map(|(_, expires_at)| expires_at.as_micros())),
        ];
        let sql = "INSERT INTO message_payload_expiry (application, message, expires_at)
                   SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bigint[])";
        pipeline.add(sql, values).await?;
    }
    let deliveries: Vec<(&Append, &EndpointId)> = appends
        .iter()
        .flat_map(|append| append.endpoints.iter().map(|endpoint| (*append, endpoint)))
        .collect();
    if deliveries.is_empty() {
        return Ok(());
    }
    let values: Vec<Value<'a>> = vec![
        column(deliveries.iter().map(|(append, _)| append.message.application.as_bytes().as_slice())),
        column(deliveries.iter().map(|(_, endpoint)| endpoint.as_bytes().as_slice())),
        column(deliveries.iter().map(|(append, _)| append.message.id.as_bytes().as_slice())),
    ];
    let mut values = values;
    // Whoever delivers nothing leaves them to others, as what is due.
    let sql = if lease == LeaseNumber::NONE {
        format!(
            "INSERT INTO delivery (application, endpoint, message, attempts, trigger, due_at)
             SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[]), 0, 0, {DATABASE_NOW}"
        )
    } else {
        values.push(Box::new(lease::as_column(lease)));
        "INSERT INTO delivery (application, endpoint, message, attempts, trigger, lease)
         SELECT unnest($1::bytea[]), unnest($2::bytea[]), unnest($3::bytea[]), 0, 0, $4"
            .to_owned()
    };
    pipeline.add(&sql, values).await
}

fn delivery_of(outcome: &Outcome) -> DeliveryKey {
    let attempt = &outcome.attempt;
    DeliveryKey { application: attempt.application, endpoint: attempt.endpoint, message: attempt.message }
}

/// One column of the rows, as an array.
pub(super) fn column<'a, T>(values: impl Iterator<Item = T>) -> Value<'a>
where
    T: tokio_postgres::types::ToSql + Sync + Send + 'a,
{
    Box::new(values.collect::<Vec<T>>())
}
