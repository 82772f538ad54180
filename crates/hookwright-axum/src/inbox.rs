//! An inbox behind axum: a route for one of its sources, or a router for all.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use hookwright::Inbox;
use http::header::CONTENT_LENGTH;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Takes what comes at a route to the source of this name. The body is read only as far as the inbox takes it, and not before
/// method and rate were looked at.
///
/// ```
/// # fn router(inbox: hookwright::Inbox) -> axum::Router {
/// axum::Router::new().route("/webhooks/stripe", hookwright_axum::inbox_route(inbox, "payments"))
/// # }
/// ```
pub fn inbox_route<S>(inbox: Inbox, source: &str) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let source = source.to_owned();
    any(async move |request: Request| take(&inbox, &source, request).await)
}

/// A route for each source, by its name: `/payments`. Other names are answered with 404, and logged nowhere: strangers try many.
pub fn inbox_router<S>(inbox: Inbox) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    // What is no text is no source's name.
    let one = async move |source: Result<Path<String>, PathRejection>, request: Request| match source {
        Ok(Path(source)) if inbox.has_source(&source) => take(&inbox, &source, request).await,
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    Router::new().route("/{source}", any(one))
}

async fn take(inbox: &Inbox, source: &str, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // A router that is nested takes its own part of the path away.
    if let Some(OriginalUri(uri)) = parts.extensions.get::<OriginalUri>() {
        parts.uri = Uri::clone(uri);
    }
    let url = inbox.called(&parts);
    let entrance = match inbox.enter(source, &parts, url.as_deref()).await {
        Ok(entrance) => entrance,
        Err(response) => return response.map(Body::from),
    };
    let limit = entrance.body_limit();
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return entrance.too_large().await.map(Body::from);
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => entrance.take(body.to_bytes()).await.map(Body::from),
        Err(error) if error.is::<LengthLimitError>() => entrance.too_large().await.map(Body::from),
        Err(_) => entrance.broke_off().await.map(Body::from),
    }
}
