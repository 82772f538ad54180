//! `/api/v1/app/{app_id}/msg/{msg_id}/content`: removing what a message says.

use axum::extract::State;
use axum::routing::delete;
use http::StatusCode;

use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::api::path::{InApplication, MessagePath};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_expunge>(delete(expunge))
}

/// Removes a message's payload for good. What is still to be delivered of it ends as failed, and it cannot be sent again.
#[utoipa::path(delete, path = "/api/v1/app/{app_id}/msg/{msg_id}/content",
    operation_id = "v1.message.expunge-content", tag = "Message",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("msg_id" = String, Path, description = "The message's id or eventId."),
    ),
    responses(
        (status = 204, description = "The payload is gone."),
        (status = 403, description = "An application's token cannot do this.", body = Problem),
        (status = 404, body = Problem),
    ))]
pub(in crate::api) async fn expunge(
    State(state): State<AppState>,
    InApplication { caller, application }: InApplication,
    MessagePath(id): MessagePath,
) -> Result<StatusCode, ApiError> {
    caller.require_organisation()?;
    state.hooks.message_expunge(application.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
