//! Statements on background tasks.

use tokio_postgres::Row;

use crate::domain::attempt::AttemptStatus;
use crate::domain::delivery::DeliveryKey;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId, OrganisationId, TaskId};
use crate::domain::lease::LeaseNumber;
use crate::domain::page::{Page, PageRequest};
use crate::domain::selection::{Reach, Standing};
use crate::domain::task::{Task, TaskFailure, TaskKind, TaskState, TaskStatus};
use crate::store::encoded;
use crate::store::error::StoreError;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::search::{Key, List, Query};
use crate::store::postgres::{Postgres, delivery, message, value};
use crate::store::read::{Reached, TaskFilter};
use crate::store::write::{Changed, Resent, TaskStep};

const COLUMNS: &str = "id, organisation, application, endpoint, kind, parameters, status, failure, sent, up_to, cursor, \
                       created_at, updated_at";

impl Postgres {
    pub(crate) async fn task_get(
        &self,
        organisation: OrganisationId,
        id: TaskId,
    ) -> Result<Option<Task>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM task WHERE organisation = $1 AND id = $2");
        let row = self.reader().await?.first(&sql, &[organisation.as_bytes(), id.as_bytes()]).await?;
        row.map(|row| from_row(&row)).transpose()
    }

    pub(crate) async fn task_list(
        &self,
        organisation: OrganisationId,
        filter: TaskFilter,
        page: PageRequest<TaskId>,
    ) -> Result<Page<Task>, StoreError> {
        let mut query = Query::default();
        query.and("organisation = ?", organisation.as_bytes().to_vec());
        if let Some(application) = filter.application {
            query.and("application = ?", application.as_bytes().to_vec());
        }
        if let Some(kind) = filter.kind {
            query.and("kind = ?", kind.as_str().to_owned());
        }
        if let Some(state) = filter.state {
            query.and("status = ?", state.as_str().to_owned());
        }
        let list = List { columns: COLUMNS, tables: "task", key: "id", size: None, query, walk: None };
        let key: Key<TaskId> = (TaskId::as_bytes, TaskId::from_bytes);
        Ok(list.page(&*self.reader().await?, &page, key, from_row, |_| 0).await?.page)
    }

    pub(crate) async fn task_running(&self, limit: u32) -> Result<Vec<Task>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM task WHERE status = 'running' ORDER BY id LIMIT $1");
        value::all(&self.reader().await?.query(&sql, &[&value::limit(limit)]).await?, from_row)
    }

    pub(crate) async fn message_reach(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        after: MessageId,
        up_to: MessageId,
        limit: u32,
    ) -> Result<Vec<Reached>, StoreError> {
        // The last attempt at this endpoint, and the delivery if it is still pending.
        let sql = format!(
            "SELECT {}, {}, d.message IS NOT NULL, d.due_at, a.status, a.response_code
             FROM message m
             LEFT JOIN delivery d ON d.application = m.application AND d.endpoint = $2 AND d.message = m.id
             LEFT JOIN LATERAL (SELECT l.status, l.response_code FROM attempt l
                 WHERE l.application = m.application AND l.message = m.id AND l.endpoint = $2
                 ORDER BY l.id DESC LIMIT 1) a ON TRUE
             WHERE m.application = $1 AND m.id > $3 AND m.id <= $4 AND NOT EXISTS
                 (SELECT 1 FROM confirmation c WHERE c.application = m.application AND c.message = m.id
                  AND c.verdict <> 'confirmed') ORDER BY m.id LIMIT $5",
            message::COLUMNS,
            message::HAS_PAYLOAD
        );
        let connection = self.reader().await?;
        let limit = value::limit(limit);
        let rows = connection
            .query(
                &sql,
                &[application.as_bytes(), endpoint.as_bytes(), after.as_bytes(), up_to.as_bytes(), &limit],
            )
            .await?;
        value::all(&rows, |row| {
            let pending = match value::get(row, 8)? {
                true => Some(value::time_opt(row, 9)?),
                false => None,
            };
            let last = match value::get::<Option<i16>>(row, 10)? {
                None => None,
                Some(_) => Some(value::code(row, 10, AttemptStatus::from_code, "attempt.status")?),
            };
            let reach = Reach {
                standing: Standing::of(pending, last),
                response_code: value::number_opt(row, 11, "attempt.response_code")?,
                has_payload: value::get(row, 7)?,
            };
            Ok(Reached { message: message::from_row(row, 0, None)?, reach })
        })
    }
}

/// Stores a task, unless its application is gone.
pub(super) async fn begin(connection: &Connection, task: &Task) -> Result<Changed, StoreError> {
    let sql = format!(
        "INSERT INTO task ({COLUMNS}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         WHERE EXISTS (SELECT 1 FROM application WHERE id = $3 FOR KEY SHARE)"
    );
    let rows = connection
        .execute(
            &sql,
            &[
                task.id.as_bytes(),
                task.organisation.as_bytes(),
                task.application.as_bytes(),
                task.endpoint.as_bytes(),
                &task.kind.as_str(),
                &encoded::selection_to_json(&task.selection),
                &task.status.state().as_str(),
                &task.status.failure().map(TaskFailure::as_str),
                &i64::try_from(task.sent).unwrap_or(i64::MAX),
                task.up_to.as_bytes(),
                task.cursor.as_bytes(),
                &task.created_at.as_micros(),
                &task.updated_at.as_micros(),
            ],
        )
        .await?;
    Ok(if rows == 1 { Changed::Yes } else { Changed::Missing })
}

/// Takes a step of a task and says which deliveries it made ready; `None` if the task had moved since, or is gone.
pub(super) async fn step(
    connection: &Connection,
    lease: LeaseNumber,
    step: &TaskStep,
) -> Result<Option<Vec<MessageId>>, StoreError> {
    let before = &step.before;
    let sql = "UPDATE task SET cursor = $3, status = $4, failure = $5, updated_at = $6
               WHERE id = $1 AND cursor = $2 AND status = 'running'";
    let rows = connection
        .execute(
            sql,
            &[
                before.id.as_bytes(),
                before.cursor.as_bytes(),
                step.cursor.as_bytes(),
                &step.status.state().as_str(),
                &step.status.failure().map(TaskFailure::as_str),
                &step.now.as_micros(),
            ],
        )
        .await?;
    if rows == 0 {
        return Ok(None);
    }
    let mut ready = Vec::with_capacity(step.messages.len());
    for message in &step.messages {
        let key =
            DeliveryKey { application: before.application, endpoint: before.endpoint, message: *message };
        // One that was made ready by somebody else meanwhile goes anyway, and one may have become too old.
        if delivery::resend(connection, lease, &key).await? == Resent::Ready {
            ready.push(*message);
        }
    }
    if !ready.is_empty() {
        let sent = i64::try_from(ready.len()).unwrap_or(i64::MAX);
        connection
            .execute("UPDATE task SET sent = sent + $2 WHERE id = $1", &[before.id.as_bytes(), &sent])
            .await?;
    }
    Ok(Some(ready))
}

fn from_row(row: &Row) -> Result<Task, StoreError> {
    let failure = value::word(row, 7, TaskFailure::from_word, "task.failure")?;
    let state = value::word(row, 6, TaskState::from_word, "task.status")?;
    let kind = value::word(row, 4, TaskKind::from_word, "task.kind")?;
    Ok(Task {
        id: value::id(row, 0, TaskId::from_bytes)?,
        organisation: value::id(row, 1, OrganisationId::from_bytes)?,
        application: value::id(row, 2, ApplicationId::from_bytes)?,
        endpoint: value::id(row, 3, EndpointId::from_bytes)?,
        kind: kind.ok_or(StoreError::Value { column: "task.kind" })?,
        selection: encoded::selection_from_json(value::get(row, 5)?)?,
        status: match (state, failure) {
            (Some(TaskState::Running), None) => TaskStatus::Running,
            (Some(TaskState::Finished), None) => TaskStatus::Finished,
            (Some(TaskState::Failed), Some(failure)) => TaskStatus::Failed(failure),
            _ => return Err(StoreError::Value { column: "task.status" }),
        },
        sent: value::count(row, 8)?,
        up_to: value::id(row, 9, MessageId::from_bytes)?,
        cursor: value::id(row, 10, MessageId::from_bytes)?,
        created_at: value::time(row, 11)?,
        updated_at: value::time(row, 12)?,
    })
}
