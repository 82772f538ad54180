//! `/api/v1/app/{app_id}/endpoint/{endpoint_id}/stats`: how an endpoint has been doing.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use hookwright::EndpointStats;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, InApplication};
use crate::api::query::{Query, refused};
use crate::server::AppState;

/// What is counted unless the caller says otherwise: four weeks.
const SPAN_DEFAULT: Duration = Duration::from_secs(28 * 24 * 3_600);

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_show>(get(show))
}

/// How an endpoint has been doing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EndpointStats)]
struct EndpointStatsOut {
    /// Attempts that it took.
    success: u64,
    /// Messages that wait for a retry.
    pending: u64,
    /// Messages that are being sent, or wait for their turn.
    sending: u64,
    /// Attempts that it did not take.
    fail: u64,
    /// Messages that were called off. None are, so far.
    canceled: u64,
    /// Whether there are more than were counted, which are the newest 10,000 attempts and as many messages.
    is_partial: bool,
}

/// How an endpoint has been doing: its attempts that started from `since` up to `until`, and what is pending of messages
/// from that time.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/stats",
    operation_id = "v1.endpoint.get-stats", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
        ("since" = Option<String>, Query, description = "Counts from then on; four weeks before the end if left out."),
        ("until" = Option<String>, Query, description = "Counts up to then, and no further; up to now if left out."),
    ),
    responses(
        (status = 200, body = EndpointStatsOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    query: Query,
) -> Result<Response, ApiError> {
    // What happens right now counts too, though a step of an id's time is not over yet.
    let now = state.hooks.clock().now().after(Duration::from_secs(1));
    let until = query.time("until")?.unwrap_or(now);
    let since = query.time("since")?.unwrap_or_else(|| until.before(SPAN_DEFAULT));
    if since > until {
        return Err(refused("since", "must not be after until"));
    }
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?.id;
    let stats = state.hooks.endpoint_stats(application.id, endpoint, since, until).await?;
    let EndpointStats { success, fail, pending, sending, is_partial } = stats;
    json(StatusCode::OK, &EndpointStatsOut { success, pending, sending, fail, canceled: 0, is_partial })
}
