//! `/api/v1/background-task`: what goes on in the background, and what came of it.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hookwright::domain::ids::TaskId;
use hookwright::domain::page::{Order, Page};
use hookwright::domain::task::{Task, TaskFailure, TaskKind, TaskState};
use hookwright::{TaskFilter, Thing};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::{Shown, json};
use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::TaskPath;
use crate::api::query::Query;
use crate::api::time::Rfc3339;
use crate::auth::Caller;
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_list>(get(list)).add::<__path_show>(get(show))
}

/// A background task that has just begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct StartedTaskOut {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<TaskId>,
    /// `running`, `finished` or `failed`.
    status: &'static str,
    /// What it does: `endpoint.recover`, `endpoint.replay` or `endpoint.bulk-replay`.
    task: &'static str,
    /// When it last went a step further.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

/// A background task.
#[derive(Serialize, ToSchema)]
struct BackgroundTaskOut {
    #[serde(flatten)]
    task: StartedTaskOut,
    data: TaskData,
}

/// What a task has done so far.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TaskData {
    /// How many messages it has sent.
    messages_sent: u64,
    /// Why it ended before its end, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Which tasks a list shows; what is given must hold.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct TaskFilterParams {
    /// `running`, `finished` or `failed`.
    #[param(value_type = Option<String>)]
    status: Option<TaskState>,
    /// The kind of task. Those that other servers have and this one does not are taken, and match nothing.
    #[param(value_type = Option<String>)]
    task: Option<AskedKind>,
}

/// A kind of task, as it is asked for.
#[derive(Clone, Copy)]
enum AskedKind {
    Ours(TaskKind),
    /// One of the Svix API that there are no tasks of here.
    Other,
}

/// Kinds of the Svix API that there are no tasks of here.
const OTHER_KINDS: [&str; 5] = [
    "application.stats",
    "message.broadcast",
    "sdk.generate",
    "event-type.aggregate",
    "application.purge_content",
];

impl StartedTaskOut {
    pub(super) fn of(task: &Task) -> StartedTaskOut {
        StartedTaskOut {
            id: Shown(task.id),
            status: task.status.state().as_str(),
            task: task.kind.as_str(),
            updated_at: Rfc3339(task.updated_at),
        }
    }
}

impl BackgroundTaskOut {
    fn of(task: &Task) -> BackgroundTaskOut {
        let error = task.status.failure().map(TaskFailure::in_words);
        BackgroundTaskOut {
            task: StartedTaskOut::of(task),
            data: TaskData { messages_sent: task.sent, error },
        }
    }
}

impl TaskFilterParams {
    fn of(query: &Query) -> Result<TaskFilterParams, ApiError> {
        let state = |word: &str| TaskState::from_word(word).ok_or("must be running, finished or failed");
        let kind = |word: &str| match TaskKind::from_word(word) {
            Some(kind) => Ok(AskedKind::Ours(kind)),
            None if OTHER_KINDS.contains(&word) => Ok(AskedKind::Other),
            None => Err("must be endpoint.recover, endpoint.replay or endpoint.bulk-replay"),
        };
        Ok(TaskFilterParams { status: query.parsed("status", state)?, task: query.parsed("task", kind)? })
    }
}

/// Lists background tasks, newest first. A token for one application sees those of its application.
#[utoipa::path(get, path = "/api/v1/background-task", operation_id = "v1.background-task.list",
    tag = "Background Task", params(PageParams, TaskFilterParams),
    responses((status = 200, body = ListResponse<BackgroundTaskOut>)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let TaskFilterParams { status, task } = TaskFilterParams::of(&query)?;
    let (request, asked) = PageParams::of(&query)?.request(Order::Descending)?;
    let kind = match task {
        Some(AskedKind::Other) => None,
        Some(AskedKind::Ours(kind)) => Some(Some(kind)),
        None => Some(None),
    };
    let page = match kind {
        None => Page { items: Vec::new(), done: true },
        Some(kind) => {
            let filter = TaskFilter { application: caller.tenant(), kind, state: status };
            state.hooks.task_list(caller.organisation(), filter, request).await?
        }
    };
    let data = page.items.iter().map(BackgroundTaskOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |task| task.id, data))
}

/// A background task.
#[utoipa::path(get, path = "/api/v1/background-task/{task_id}", operation_id = "v1.background-task.get",
    tag = "Background Task", params(("task_id" = String, Path, description = "The task's id.")),
    responses((status = 200, body = BackgroundTaskOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    TaskPath(id): TaskPath,
) -> Result<Response, ApiError> {
    let task = state.hooks.task_get(caller.organisation(), id).await?;
    if caller.tenant().is_some_and(|tenant| tenant != task.application) {
        return Err(ApiError::not_found(Thing::Task));
    }
    json(StatusCode::OK, &BackgroundTaskOut::of(&task))
}
