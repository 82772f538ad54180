//! The API: the paths and shapes of the Svix API. Its modules follow the URL tree.

mod application;
mod attempt;
mod authentication;
mod background_task;
mod dev_sent;
mod endpoint;
mod event_type;
mod health; // by path
mod ingest;
mod management;
mod message;
mod missing;
mod operational_webhook;

mod answer; // what they all use
pub(crate) mod body;
mod capabilities;
pub(crate) mod error;
mod fields;
mod nesting;
pub mod openapi;
mod operations;
mod page;
mod path;
pub(crate) mod query;
mod time;
mod unreadable;

pub use dev_sent::SentWebhooks;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::api::error::ApiError;
use crate::api::operations::Operations;
use crate::middleware::{InFlight, answer_once};
use crate::server::AppState;

/// The content type of the Prometheus text format, version 0.0.4.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The API, its description, and metrics. Whatever else is asked for is answered with 404 in JSON.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let once = from_fn_with_state((state.clone(), InFlight::default()), answer_once);
    operations()
        .router
        .route_layer(once)
        .merge(message::create::operations().router)
        .merge(missing::routes())
        .merge(dev_sent::routes(state.options.sent.clone()))
        .route("/api/openapi.json", get(openapi::show))
        .route("/metrics", get(metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
}

/// All operations but that which sends messages, which has its own way with idempotency keys.
fn operations() -> Operations {
    health::operations()
        .merge(application::operations())
        .merge(event_type::operations())
        .merge(endpoint::operations())
        .merge(message::operations())
        .merge(attempt::operations())
        .merge(authentication::operations())
        .merge(management::operations())
        .merge(operational_webhook::operations())
        .merge(background_task::operations())
        .merge(ingest::operations())
}

async fn metrics(State(state): State<AppState>) -> Response {
    match &state.options.metrics {
        Some(metrics) => {
            state.hooks.snapshot().record();
            ([(CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render()).into_response()
        }
        None => ApiError::new(StatusCode::NOT_FOUND, "not_found", "Metrics are turned off.").into_response(),
    }
}

async fn unknown_path() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
}

/// What is answered to a method that a path does not have.
pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method; the header Allow says which it takes.",
    )
}
