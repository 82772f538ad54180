//! `/in/{source}/{token}`: where providers send. Credentials alone decide here: neither cookies nor origins are looked at, and the
//! token is in no log, which has routes alone.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use hookwright::domain::short_ids::SourceId;
use hookwright::domain::source::SourceToken;
use hookwright::{InboundHead, InboundReply};
use http::StatusCode;
use url::Url;

use crate::api::body::collect;
use crate::api::error::ApiError;
use crate::server::AppState;

/// What every path of providers begins with.
pub(crate) const PREFIX: &str = "/in/";

pub(crate) fn routes() -> Router<AppState> {
    // One route for whatever stands there, so that what cannot be a source is answered as one that is not there.
    Router::new().route("/in/{*source}", any(receive))
}

/// The URL that a source's provider sends to.
pub(crate) fn ingest_url(public_url: &Url, source: SourceId, token: &SourceToken) -> String {
    format!("{}{PREFIX}{source}/{}", public_url.as_str().trim_end_matches('/'), token.expose())
}

async fn receive(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // As they came: neither has a character that would be escaped.
    let named = parts.uri.path().strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
    let Some((source, token)) = named else { return Ok(response(InboundReply::not_found())) };
    let public_url = state.options.public_url.as_str().trim_end_matches('/');
    let called = parts.uri.path_and_query().map(|called| called.as_str()).unwrap_or_default();
    let url = format!("{public_url}{called}");
    let head = InboundHead {
        source,
        token,
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query(),
        url: Some(&url),
        headers: &parts.headers,
    };
    let door = match state.hooks.source_open(head).await? {
        Ok(door) => door,
        Err(reply) => return Ok(response(reply)),
    };
    let limit = state.options.inbound_body_limit;
    let reply = match collect(body, &parts.headers, limit).await {
        Ok(body) => door.take(body).await?,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => door.too_large(limit).await?,
        Err(error) => door.unread(error.status().as_u16(), &error.in_words()).await?,
    };
    Ok(response(reply))
}

fn response(reply: InboundReply) -> Response {
    http::Response::from(reply).map(Body::from)
}
