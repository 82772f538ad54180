//! A body as fields: JSON, or a form.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::problem::{NO_FIELD, Problem};

/// How large a body may be, in bytes: four times what a hook can hold.
const LIMIT: usize = 128 * 1024;
/// How long a client may take to send a body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the fields of a body, of whichever kind its content type says.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let kind = content_type.unwrap_or("application/json").split(';').next().unwrap_or_default().trim();
    let is_json = kind.eq_ignore_ascii_case("application/json");
    if !is_json && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let shown: String = kind.chars().take(100).collect();
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &format!("Unsupported media type \"{shown}\" in request. Send application/json."),
        ));
    }
    let bytes = collect(body).await?;
    if is_json { json(&bytes) } else { Ok(form(&bytes)) }
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(READ_TIMEOUT, Limited::new(body, LIMIT).collect()).await;
    match read {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("The request body is larger than {LIMIT} bytes, which is the limit here."),
        )),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "The request body ended early.")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time.")),
    }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Problem::field(
            NO_FIELD,
            "Invalid data. Expected a dictionary, as {\"target\": …, \"event\": …}.",
        )),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, &format!("JSON parse error - {error}."))),
    }
}

fn form(bytes: &[u8]) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(bytes);
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}
