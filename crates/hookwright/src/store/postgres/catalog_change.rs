//! The changes of what is configured, numbered one after the other: how each is noted, and what other nodes read of them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio_postgres::Row;

use crate::domain::ids::{ApplicationId, EndpointId, MessageId, OrganisationId};
use crate::domain::short_ids::SourceId;
use crate::store::change::{Change, Told};
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::pipeline::{Held, Pipeline};
use crate::store::postgres::{Postgres, hot, value};
use crate::store::write::{Append, CatalogWrite, Write};

/// Bytes of a node's own name.
const NAME_BYTES: usize = 16;
/// More changes than these at once are not read one by one.
const READ_MAX: usize = 2_000;
/// What a removed payload makes old, no batch was routed by.
const EXPUNGED: i16 = 9;

/// This node, as far as changes are concerned; its writers and its heartbeat share it.
pub(super) struct Knowledge {
    /// Its name, which no other node has: what it changes itself, it knows.
    node: [u8; NAME_BYTES],
    /// The number of the last change of which it is known what it made old, and that is forgotten.
    up_to: AtomicI64,
}

/// What a batch shows with its messages: whose they are, and what was looked at since they were routed.
#[derive(Clone, Copy)]
pub(super) struct Guard {
    node: [u8; NAME_BYTES],
    looked_up_to: i64,
}

/// What other nodes have changed since a batch was routed.
#[derive(Default)]
pub(super) struct Moved {
    /// Their messages are to be routed again.
    pub(super) applications: HashSet<ApplicationId>,
    /// Of what came later nothing is known.
    up_to: i64,
}

/// Where messages go whose routes must not be old.
pub(super) struct Routes {
    applications: HashSet<ApplicationId>,
    /// What was known when the first of them was routed.
    known: i64,
}

impl Default for Routes {
    fn default() -> Routes {
        Routes { applications: HashSet::new(), known: i64::MAX }
    }
}

impl Routes {
    /// A message is among them, unless it goes where it says.
    pub(super) fn add(&mut self, append: &Append) {
        if let Some(known) = append.routed_by {
            self.applications.insert(append.message.application);
            self.known = self.known.min(known);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.applications.is_empty()
    }
}

/// The messages of an item that may be routed by what is old.
pub(super) fn routed(write: &Write) -> &[Append] {
    match write {
        Write::Append(append) => std::slice::from_ref(append),
        Write::Receive(receive) => receive.message.as_slice(),
        Write::BroadcastStep(step) => &step.messages,
        _ => &[],
    }
}

impl Knowledge {
    /// Of a node with empty memory: all that is committed by now is known.
    pub(super) async fn begin(connection: &Connection) -> Result<Knowledge, StoreError> {
        let mut node = [0; NAME_BYTES];
        getrandom::fill(&mut node).map_err(|_| StoreError::Randomness)?;
        let row = connection.first("SELECT value FROM catalog_sequence", &[]).await?;
        let up_to = row.map(|row| value::get(&row, 0)).transpose()?.unwrap_or_default();
        Ok(Knowledge { node, up_to: AtomicI64::new(up_to) })
    }

    /// Whether another node has changed an application since so much was known.
    pub(super) async fn has_moved(
        &self,
        connection: &Connection,
        application: ApplicationId,
        known: i64,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT FROM catalog_change
                       WHERE sequence > $1 AND node <> $2 AND application = $3 AND kind <> 9)";
        connection.says(sql, &[&known, &self.node, application.as_bytes()]).await
    }

    /// What a batch shows, after what turned out about it so far.
    pub(super) fn guard(&self, moved: &Moved) -> Guard {
        Guard { node: self.node, looked_up_to: moved.up_to }
    }
}

impl Guard {
    /// Adds the statement that fails with [`StoreError::CatalogMoved`] if another node has changed one of the applications since
    /// their messages were routed.
    pub(super) async fn add<'a>(
        self,
        pipeline: &mut Pipeline<'a>,
        routes: &'a Routes,
    ) -> Result<(), StoreError> {
        pipeline.add("SELECT catalog_guard($1, $2, $3)", self.values(routes)).await
    }

    /// What the function `catalog_guard` is called with.
    pub(super) fn values(self, routes: &Routes) -> Vec<Held<'_>> {
        let applications = routes.applications.iter().map(|id| id.as_bytes().as_slice());
        let up_to = routes.known.max(self.looked_up_to);
        vec![Box::new(up_to), Box::new(self.node), hot::column(applications)]
    }

    /// Finds out which of these applications are not as they were when the batch was routed.
    pub(super) async fn look(
        self,
        connection: &Connection,
        routes: &Routes,
        moved: &mut Moved,
    ) -> Result<(), StoreError> {
        // One statement, so one state of the database: what is counted as known was looked at.
        let sql = "SELECT (SELECT coalesce(max(sequence), 0) FROM catalog_change), ARRAY(
                       SELECT DISTINCT application FROM catalog_change
                       WHERE sequence > $1 AND node <> $2 AND application = ANY ($3) AND kind <> 9)";
        let applications: Vec<&[u8]> =
            routes.applications.iter().map(|id| id.as_bytes().as_slice()).collect();
        let up_to = routes.known.max(self.looked_up_to);
        let row = connection.first(sql, &[&up_to, &self.node, &applications]).await?;
        let row = row.ok_or(StoreError::Value { column: "catalog_change.sequence" })?;
        moved.up_to = moved.up_to.max(value::get(&row, 0)?);
        for application in value::get::<Vec<&[u8]>>(&row, 1)? {
            let id = application.try_into().map_err(|_| StoreError::Value { column: "an id" })?;
            moved.applications.insert(ApplicationId::from_bytes(id));
        }
        Ok(())
    }
}

/// A change that is being made: it has its number, and nobody else changes anything until it is committed.
pub(super) struct Noted {
    sequence: i64,
    change: Change,
}

/// Gives a write its number, if it is a change: before all else, so that changes wait for each other here and nowhere else. Whoever
/// reads the number in a transaction knows all that was committed before.
pub(super) async fn begin(connection: &Connection, write: &Write) -> Result<Option<Noted>, StoreError> {
    let Some(mut change) = Change::of(write) else { return Ok(None) };
    let sql = "UPDATE catalog_sequence SET value = value + 1 RETURNING value";
    let row = connection.first(sql, &[]).await?;
    let row = row.ok_or(StoreError::Value { column: "catalog_sequence.value" })?;
    if let (Write::Catalog(CatalogWrite::SourceDelete(..)), Change::Source(source, application)) =
        (write, &mut change)
    {
        let found =
            connection.first("SELECT application FROM source WHERE id = $1", &[source.as_bytes()]).await?;
        *application = found.map(|row| value::id(&row, 0, ApplicationId::from_bytes)).transpose()?;
    }
    Ok(Some(Noted { sequence: value::get(&row, 0)?, change }))
}

impl Noted {
    /// Tells the other nodes what the change has made old, if it took effect; and removes what nobody reads any more.
    pub(super) async fn end(
        self,
        connection: &Connection,
        knowledge: &Knowledge,
        took_effect: bool,
    ) -> Result<(), StoreError> {
        let change = if took_effect { self.change } else { Change::Nothing };
        let (kind, organisation, application, subject, at) = columns(&change);
        // Few go at a time, and no more is looked at: as many as come in the long run.
        let sql = "WITH old AS (
                       DELETE FROM catalog_change WHERE sequence IN (
                           SELECT sequence FROM (
                               SELECT sequence, written_at FROM catalog_change ORDER BY sequence LIMIT 4) AS first
                           WHERE written_at < now() - interval '1 hour'))
                   INSERT INTO catalog_change (sequence, node, kind, organisation, application, subject, at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        connection
            .execute(
                sql,
                &[&self.sequence, &knowledge.node, &kind, &organisation, &application, &subject, &at],
            )
            .await?;
        Ok(())
    }
}

impl Postgres {
    /// The number of the last change of which all is forgotten that it made old.
    pub(crate) fn catalog_known(&self) -> i64 {
        self.knowledge.up_to.load(Ordering::SeqCst)
    }

    /// All is forgotten that changes up to this one made old.
    pub(crate) fn catalog_is_known(&self, up_to: i64) {
        self.knowledge.up_to.store(up_to, Ordering::SeqCst);
    }
}

/// What was changed after `known`, up to `up_to`; `None` if that is not known in full.
pub(super) async fn read(
    connection: &Connection,
    knowledge: &Knowledge,
    known: i64,
    up_to: i64,
) -> Result<Option<Vec<Told>>, StoreError> {
    let Some(numbers) = up_to.checked_sub(known).filter(|numbers| *numbers >= 0) else { return Ok(None) };
    if numbers > 50 * i64::try_from(READ_MAX).unwrap_or(i64::MAX) {
        return Ok(None);
    }
    let sql = "SELECT count(*) FROM catalog_change WHERE sequence > $1 AND sequence <= $2";
    let row = connection.first(sql, &[&known, &up_to]).await?;
    // A number without a row is of a node that writes none, or was too long ago.
    if row.map(|row| value::get::<i64>(&row, 0)).transpose()? != Some(numbers) {
        return Ok(None);
    }
    let sql = "SELECT kind, organisation, application, subject, at, node FROM catalog_change
               WHERE sequence > $1 AND sequence <= $2 AND kind <> 0 ORDER BY sequence LIMIT $3";
    let limit = i64::try_from(READ_MAX + 1).unwrap_or(i64::MAX);
    let rows = connection.query(sql, &[&known, &up_to, &limit]).await?;
    if rows.len() > READ_MAX {
        return Ok(None);
    }
    let read = |row: &Row| {
        let is_own = value::get::<&[u8]>(row, 5)? == knowledge.node;
        Ok(change(row)?.map(|change| Told { change, is_own }))
    };
    // One that this program does not know is of a newer one.
    Ok(value::all(&rows, read)?.into_iter().collect())
}

type Columns<'c> = (i16, Option<&'c [u8]>, Option<&'c [u8]>, Option<&'c [u8]>, Option<i64>);

/// How a change is kept.
fn columns(change: &Change) -> Columns<'_> {
    match change {
        Change::Nothing => (0, None, None, None, None),
        Change::Application(application) => (1, None, Some(application.as_bytes()), None, None),
        Change::Endpoint(application, endpoint) => {
            (2, None, Some(application.as_bytes()), Some(endpoint.as_bytes()), None)
        }
        Change::EndpointOff(application, endpoint, at) => {
            (3, None, Some(application.as_bytes()), Some(endpoint.as_bytes()), Some(at.as_micros()))
        }
        Change::Operational(organisation) => (4, Some(organisation.as_bytes()), None, None, None),
        Change::EventTypes(organisation) => (5, Some(organisation.as_bytes()), None, None, None),
        Change::Source(source, application) => {
            let application = application.as_ref().map(|id| id.as_bytes().as_slice());
            (6, None, application, Some(source.as_bytes()), None)
        }
        Change::Tokens => (7, None, None, None, None),
        Change::Expunged(application, message) => {
            (EXPUNGED, None, Some(application.as_bytes()), Some(message.as_bytes()), None)
        }
    }
}

/// A change as it was kept; `None` if it is of a kind that is not known here.
fn change(row: &Row) -> Result<Option<Change>, StoreError> {
    let application = || value::id(row, 2, ApplicationId::from_bytes);
    let organisation = || value::id(row, 1, OrganisationId::from_bytes);
    let endpoint = || value::id(row, 3, EndpointId::from_bytes);
    Ok(Some(match value::get::<i16>(row, 0)? {
        0 => Change::Nothing,
        1 => Change::Application(application()?),
        2 => Change::Endpoint(application()?, endpoint()?),
        3 => Change::EndpointOff(application()?, endpoint()?, value::time(row, 4)?),
        4 => Change::Operational(organisation()?),
        5 => Change::EventTypes(organisation()?),
        6 => {
            let source = SourceId::from_bytes(value::bytes(row, 3)?);
            Change::Source(source, value::id_opt(row, 2, ApplicationId::from_bytes)?)
        }
        7 => Change::Tokens,
        EXPUNGED => Change::Expunged(application()?, value::id(row, 3, MessageId::from_bytes)?),
        _ => return Ok(None),
    }))
}
