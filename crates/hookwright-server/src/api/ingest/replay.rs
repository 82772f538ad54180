//! Sending what came to a source once more: one request of its log, or many of them to one endpoint.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use hookwright::AttemptFilter;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::{AttemptId, EndpointId, OrganisationId};
use hookwright::domain::page::Order;
use hookwright::domain::selection::Selection;
use hookwright::domain::source::SourceRef;
use hookwright::domain::task::TaskKind;
use hookwright::hooks::{EndpointRef, SourceResent};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::{Shown, json};
use crate::api::attempt::MessageAttemptOut;
use crate::api::background_task::StartedTaskOut;
use crate::api::body::{JsonBody, OptionalJsonBody};
use crate::api::endpoint::recovery::{BulkReplayIn, RecoverIn};
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EndpointPath, RequestPath, SourcePath};
use crate::api::query::Query;
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    let whole = |route| needs(Capability::ManageOrganisation, route);
    Operations::new()
        .add::<__path_attempts>(whole(get(attempts)))
        .add::<__path_resend>(whole(post(resend)))
        .add::<__path_recover>(whole(post(recover)))
        .add::<__path_replay_missing>(whole(post(replay_missing)))
        .add::<__path_bulk_replay>(whole(post(bulk_replay)))
}

/// Where a request is sent once more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct IngestResendIn {
    /// To this endpoint of the source alone, by its id or uid; without it to all that want it as they are now.
    #[serde(default)]
    endpoint_id: Option<String>,
}

/// What follows from sending a request once more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct IngestResendOut {
    /// The endpoints that it is on its way to.
    #[schema(value_type = Vec<String>)]
    endpoint_ids: Vec<Shown<EndpointId>>,
    /// Whether its sender is asked again first, since it has not confirmed it.
    asking_again: bool,
}

/// Lists the attempts to forward a request, newest first.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/log/{log_id}/attempt",
    operation_id = "v1.ingest.log.list-attempts", tag = "Ingest Source",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("log_id" = String, Path, description = "The request's id in the log."),
        PageParams,
    ),
    responses(
        (status = 200, body = ListResponse<MessageAttemptOut>),
        (status = 404, body = Problem),
        (status = 409, description = "Nothing is forwarded of such a request.", body = Problem),
    ))]
pub(in crate::api) async fn attempts(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    RequestPath(request): RequestPath,
    query: Query,
) -> Result<Response, ApiError> {
    let (page, asked) = PageParams::of(&query)?.request::<AttemptId>(Order::Descending)?;
    let filter = AttemptFilter::default();
    let found = state.hooks.source_log_attempts(organisation, &source, request, filter, page).await?;
    let data = found.page.items.iter().map(|attempt| MessageAttemptOut::of(attempt, true, None)).collect();
    json(StatusCode::OK, &ListResponse::searched(&found, asked, |attempt| attempt.id, data))
}

/// Forwards a request once more; one whose sender has not confirmed it is asked about again.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/log/{log_id}/resend",
    operation_id = "v1.ingest.log.resend", tag = "Ingest Source",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("log_id" = String, Path, description = "The request's id in the log."),
    ),
    request_body = IngestResendIn,
    responses(
        (status = 202, description = "It is on its way.", body = IngestResendOut),
        (status = 400, description = "It is not stored any more.", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "Nothing is forwarded of such a request, or the endpoint is disabled.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn resend(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    RequestPath(request): RequestPath,
    OptionalJsonBody(body): OptionalJsonBody<IngestResendIn>,
) -> Result<Response, ApiError> {
    let named = body.endpoint_id.as_deref().map(EndpointRef::parse).transpose().map_err(|error| {
        ApiError::field(["body", "endpointId"], format!("endpointId {error}."), "value_error")
    })?;
    let resent = state.hooks.source_resend(organisation, &source, request, named.as_ref()).await?;
    let (endpoints, asking_again) = match resent {
        SourceResent::To(endpoints) => (endpoints, false),
        SourceResent::AskingAgain => (Vec::new(), true),
    };
    let endpoint_ids = endpoints.into_iter().map(Shown).collect();
    json(StatusCode::ACCEPTED, &IngestResendOut { endpoint_ids, asking_again })
}

/// Forwards what an endpoint should have and did not take, also what it missed while it was disabled.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/recover",
    operation_id = "v1.ingest.endpoint.recover", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
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
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<RecoverIn>,
) -> Result<Response, ApiError> {
    let selection = body.checked(state.hooks.clock().now())?;
    begin(&state, organisation, &source, &named, TaskKind::Recover, selection).await
}

/// Forwards to an endpoint what it wants and never got, also from before it was made.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/replay-missing",
    operation_id = "v1.ingest.endpoint.replay-missing", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
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
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<RecoverIn>,
) -> Result<Response, ApiError> {
    let selection = body.checked(state.hooks.clock().now())?;
    begin(&state, organisation, &source, &named, TaskKind::ReplayMissing, selection).await
}

/// Forwards what came to an endpoint once more, whatever became of it.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/endpoint/{endpoint_id}/bulk-replay",
    operation_id = "v1.ingest.endpoint.bulk-replay", tag = "Ingest Endpoint",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
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
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(source): SourcePath,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<BulkReplayIn>,
) -> Result<Response, ApiError> {
    let selection = body.checked(state.hooks.clock().now())?;
    begin(&state, organisation, &source, &named, TaskKind::BulkReplay, selection).await
}

async fn begin(
    state: &AppState,
    organisation: OrganisationId,
    source: &SourceRef,
    named: &EndpointRef,
    kind: TaskKind,
    selection: Selection,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.source_endpoint_get(organisation, source, named).await?;
    let task = state.hooks.task_begin(organisation, &endpoint, kind, selection).await?;
    json(StatusCode::ACCEPTED, &StartedTaskOut::of(&task))
}
