//! `/api/v1/app/{app_id}/endpoint/{endpoint_id}/recover`, `…/replay-missing` and `…/bulk-replay`: many messages once more.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::capability::Capability;
use hookwright::domain::names::{Channel, Tag};
use hookwright::domain::selection::{Selection, Standing};
use hookwright::domain::task::TaskKind;
use hookwright::domain::time::Timestamp;
use hookwright::hooks::EndpointRef;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::background_task::StartedTaskOut;
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, InApplication};
use crate::api::time;
use crate::auth::needs;
use crate::server::AppState;

/// How far back messages are sent again: two weeks.
const AGE_MAX: Duration = Duration::from_secs(14 * 24 * 3_600);
/// How far the clocks of callers may be from ours.
const CLOCKS_APART: Duration = Duration::from_secs(60);

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_recover>(needs(Capability::CreateAttempts, post(recover)))
        .add::<__path_replay_missing>(needs(Capability::CreateAttempts, post(replay_missing)))
        .add::<__path_bulk_replay>(needs(Capability::CreateAttempts, post(bulk_replay)))
}

/// The time in which the messages were accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct RecoverIn {
    /// Accepted then or later; at most 14 days ago.
    #[schema(format = DateTime)]
    since: String,
    /// Accepted then or before; leave it out for all up to now.
    #[serde(default)]
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Which messages to send again; all that is given must hold.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct BulkReplayIn {
    /// Accepted then or later; at most 14 days ago.
    #[schema(format = DateTime)]
    since: String,
    /// Accepted then or before; leave it out for all up to now.
    #[serde(default)]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// One of these event types; none or empty: any.
    #[serde(default)]
    event_types: Option<Vec<String>>,
    /// In this channel.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    channel: Option<String>,
    /// With this tag.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    tag: Option<String>,
    /// 0: the endpoint took it, 1: another attempt follows, 2: it did not take it, 3: it is being sent.
    #[serde(default)]
    #[schema(maximum = 3)]
    status: Option<u8>,
    /// The hundred of the last answer's status code; 0: there was no answer.
    #[serde(default)]
    #[schema(maximum = 500)]
    status_code_class: Option<u16>,
}

/// Sends the messages again that the endpoint should have and did not take, also those it missed while it was disabled.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recover",
    operation_id = "v1.endpoint.recover", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = RecoverIn,
    responses(
        (status = 202, description = "A background task does it.", body = StartedTaskOut),
        (status = 404, body = Problem),
        (status = 409, description = "The endpoint is disabled.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn recover(
    State(state): State<AppState>,
    within: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<RecoverIn>,
) -> Result<Response, ApiError> {
    begin(&state, within, named, TaskKind::Recover, body.checked(state.hooks.clock().now())?).await
}

/// Sends the messages to an endpoint that it wants and that were never sent to it, also those from before it was made.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/replay-missing",
    operation_id = "v1.endpoint.replay-missing", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = RecoverIn,
    responses(
        (status = 202, description = "A background task does it.", body = StartedTaskOut),
        (status = 404, body = Problem),
        (status = 409, description = "The endpoint is disabled.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn replay_missing(
    State(state): State<AppState>,
    within: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<RecoverIn>,
) -> Result<Response, ApiError> {
    begin(&state, within, named, TaskKind::ReplayMissing, body.checked(state.hooks.clock().now())?).await
}

/// Sends messages to an endpoint once more, whatever came of them.
#[utoipa::path(post, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/bulk-replay",
    operation_id = "v1.endpoint.bulk-replay", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = BulkReplayIn,
    responses(
        (status = 202, description = "A background task does it.", body = StartedTaskOut),
        (status = 404, body = Problem),
        (status = 409, description = "The endpoint is disabled.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn bulk_replay(
    State(state): State<AppState>,
    within: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<BulkReplayIn>,
) -> Result<Response, ApiError> {
    begin(&state, within, named, TaskKind::BulkReplay, body.checked(state.hooks.clock().now())?).await
}

async fn begin(
    state: &AppState,
    InApplication { caller, application }: InApplication,
    named: EndpointRef,
    kind: TaskKind,
    selection: Selection,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?;
    let task = state.hooks.task_begin(caller.organisation(), &endpoint, kind, selection).await?;
    json(StatusCode::ACCEPTED, &StartedTaskOut::of(&task))
}

impl RecoverIn {
    pub(in crate::api) fn checked(&self, now: Timestamp) -> Result<Selection, ApiError> {
        let mut fields = Fields::default();
        let selection = range(&mut fields, &self.since, self.until.as_deref(), now);
        fields.finish()?;
        Ok(selection)
    }
}

impl BulkReplayIn {
    pub(in crate::api) fn checked(&self, now: Timestamp) -> Result<Selection, ApiError> {
        let mut fields = Fields::default();
        let range = range(&mut fields, &self.since, self.until.as_deref(), now);
        let selection = Selection {
            event_types: fields.event_type_names(self.event_types.as_deref().unwrap_or_default()),
            channel: self.channel.as_deref().and_then(|text| fields.parsed("channel", text, Channel::parse)),
            tag: self.tag.as_deref().and_then(|text| fields.parsed("tag", text, Tag::parse)),
            standing: self.status.and_then(|code| standing(&mut fields, code)),
            status_class: self.status_code_class.and_then(|class| status_class(&mut fields, class)),
            ..range
        };
        fields.finish()?;
        Ok(selection)
    }
}

fn range(fields: &mut Fields, since: &str, until: Option<&str>, now: Timestamp) -> Selection {
    let mut read = |field: &'static str, text: &str| {
        let read = time::parse(text);
        if read.is_none() {
            fields.refuse(field, time::WANTED);
        }
        read
    };
    let parsed = read("since", since);
    let until = until.and_then(|text| read("until", text));
    let since = parsed.unwrap_or(now);
    if since < now.before(AGE_MAX + CLOCKS_APART) {
        fields.refuse("since", "must be at most 14 days ago");
    } else if since > now.after(CLOCKS_APART) {
        fields.refuse("since", "must not be in the future");
    }
    if parsed.is_some() && until.is_some_and(|until| until < since) {
        fields.refuse("until", "must not be before since");
    }
    Selection { until, ..Selection::since(since) }
}

fn standing(fields: &mut Fields, code: u8) -> Option<Standing> {
    match code {
        0 => Some(Standing::Taken),
        1 => Some(Standing::Waiting),
        2 => Some(Standing::Failed),
        3 => Some(Standing::UnderWay),
        _ => {
            fields.refuse("status", "must be 0, 1, 2 or 3");
            None
        }
    }
}

fn status_class(fields: &mut Fields, class: u16) -> Option<u8> {
    if class > 500 || !class.is_multiple_of(100) {
        fields.refuse("statusCodeClass", "must be 0, 100, 200, 300, 400 or 500");
        return None;
    }
    u8::try_from(class / 100).ok()
}
