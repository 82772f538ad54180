//! `/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content`: removing what an endpoint answered.

use axum::extract::State;
use axum::routing::delete;
use http::StatusCode;

use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::api::path::{AttemptPath, InApplication, MessagePath};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_expunge>(delete(expunge))
}

/// Removes what an endpoint answered to an attempt for good; `EXPUNGED` is shown in its place.
#[utoipa::path(delete, path = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content",
    operation_id = "v1.message-attempt.expunge-content", tag = "Message Attempt",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
        ("attempt_id" = String, Path, description = "The attempt's id."),
    ),
    responses(
        (status = 204, description = "What was answered is gone."),
        (status = 403, description = "An application's token cannot do this.", body = Problem),
        (status = 404, body = Problem),
    ))]
pub(in crate::api) async fn expunge(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    MessagePath(message): MessagePath,
    AttemptPath(id): AttemptPath,
) -> Result<StatusCode, ApiError> {
    caller.require_organisation()?;
    state.hooks.attempt_expunge(application.id, message, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
