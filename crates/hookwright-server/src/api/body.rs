//! Bodies of requests: read within a limit and a time, and parsed so that an error names the field.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::error::ApiError;
use crate::api::{nesting, unreadable};
use crate::server::AppState;

/// How large a body may be, in bytes, where there is no payload in it.
pub(crate) const LIMIT: usize = 1024 * 1024;
/// How long a client may take to send a body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON body, parsed.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body, parsed; without one, the default.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<JsonBody<T>, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body, &parts.headers, LIMIT).await?;
        let parsed = parse(&bytes)?;
        check_nesting(&bytes)?;
        Ok(JsonBody(parsed))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<AppState> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<OptionalJsonBody<T>, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = collect(body, &parts.headers, LIMIT).await?;
        if bytes.is_empty() {
            Ok(OptionalJsonBody(T::default()))
        } else {
            let parsed = parse(&bytes)?;
            check_nesting(&bytes)?;
            Ok(OptionalJsonBody(parsed))
        }
    }
}

/// Reads a whole body: 413 if it has more than `limit` bytes, 408 if it takes too long.
pub(crate) async fn collect(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, ApiError> {
    // Refused before it is sent, if it says so itself.
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(ApiError::too_large("request body", limit));
    }
    let mut read = std::pin::pin!(Limited::new(body, limit).collect());
    // Most bodies have arrived together with their head: then no timer is needed.
    let ready = std::future::poll_fn(|context| std::task::Poll::Ready(read.as_mut().poll(context))).await;
    let read = match ready {
        std::task::Poll::Ready(read) => read,
        std::task::Poll::Pending => tokio::time::timeout(READ_TIMEOUT, read).await.map_err(|_| {
            ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                format!("The request body did not arrive within {} seconds.", READ_TIMEOUT.as_secs()),
            )
        })?,
    };
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::too_large("request body", limit)),
        Err(_) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "incomplete_body",
            "The request body ended early or was not well framed.",
        )),
    }
}

/// Parses a JSON body. The error, a 422, names the field, or the line and column.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    // All of it, fields that nobody reads too: what is no text is no JSON.
    let text = std::str::from_utf8(body).map_err(|error| unreadable::not_utf8(&error))?;
    // serde would take an array for a struct too, its items for the fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(unreadable::not_an_object(text));
    }
    serde_json::from_str(text).map_err(|error| unreadable::located::<T>(text, &error))
}

/// Refuses a body, or a field in it that nobody reads, that is nested too deep.
pub(crate) fn check_nesting(body: &[u8]) -> Result<(), ApiError> {
    if nesting::is_bounded_within_an_object(body) {
        return Ok(());
    }
    Err(ApiError::field(["body"], format!("What is in the body {}.", nesting::REFUSAL), "value_error"))
}
