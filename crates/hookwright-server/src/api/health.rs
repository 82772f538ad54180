//! Whether the server is up, and whether it can do its work.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_up>(get(up)).add::<__path_ping>(get(ping)).add::<__path_ready>(get(ready))
}

/// Whether the server can do its work.
#[derive(Serialize, ToSchema)]
struct HealthOut {
    status: &'static str,
}

/// Answers while the server is up.
#[utoipa::path(get, path = "/api/v1/health", operation_id = "v1.health.get", tag = "Health",
    security(()), responses((status = 204, description = "It is up.")))]
pub(in crate::api) async fn up() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Answers while the server is up.
#[utoipa::path(get, path = "/api/v1/health/ping", operation_id = "v1.health.ping", tag = "Health",
    security(()), responses((status = 204, description = "It is up.")))]
pub(in crate::api) async fn ping() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Answers whether the database can be read and written.
#[utoipa::path(get, path = "/api/v1/health/ready", operation_id = "v1.health.ready", tag = "Health",
    security(()),
    responses(
        (status = 200, description = "It can do its work.", body = HealthOut),
        (status = 503, description = "It cannot right now.", body = Problem),
    ))]
pub(in crate::api) async fn ready(State(state): State<AppState>) -> Result<Response, ApiError> {
    state.hooks.ready().await?;
    json(StatusCode::OK, &HealthOut { status: "ready" })
}
