//! Answers a repeated POST as the first one was answered, by its `idempotency-key`.
//!
//! Sending a message does without this layer: its key is kept in the very commit that stores the message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hookwright::hooks::{IdempotencyKey, KeptAnswer};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;

use crate::api::body;
use crate::api::error::ApiError;
use crate::auth::Caller;
use crate::server::AppState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How long a key may be, in characters.
const KEY_LENGTH_MAX: usize = 256;

/// The text of a request's idempotency key, checked; `None` if there is none.
pub(crate) struct IdempotencyHeader(Option<HeaderValue>);

impl IdempotencyHeader {
    fn of(headers: &HeaderMap) -> Result<IdempotencyHeader, ApiError> {
        let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
            return Ok(IdempotencyHeader(None));
        };
        if !(1..=KEY_LENGTH_MAX).contains(&value.len()) || !value.as_bytes().iter().all(u8::is_ascii_graphic)
        {
            return Err(ApiError::field(
                ["header", "idempotency-key"],
                format!("idempotency-key must have 1 to {KEY_LENGTH_MAX} visible ASCII characters."),
                "value_error",
            ));
        }
        Ok(IdempotencyHeader(Some(value.clone())))
    }

    /// The key of a request by `caller` with this method, target and body.
    pub(crate) fn key(
        &self,
        state: &AppState,
        caller: &Caller,
        target: &str,
        body: &[u8],
    ) -> Option<IdempotencyKey> {
        let text = self.0.as_ref()?.to_str().ok()?;
        let (organisation, now) = (caller.organisation(), state.hooks.clock().now());
        match caller.apart() {
            None => Some(IdempotencyKey::new(organisation, "POST", target, text, body, now)),
            Some((tenant, token)) => {
                let [tenant, token] = [tenant.map(|id| id.to_string()), token.map(|id| id.to_string())];
                let target = format!("{} {} {target}", tenant.unwrap_or_default(), token.unwrap_or_default());
                Some(IdempotencyKey::new(organisation, "POST", &target, text, body, now))
            }
        }
    }
}

impl FromRequestParts<AppState> for IdempotencyHeader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<IdempotencyHeader, ApiError> {
        IdempotencyHeader::of(&parts.headers)
    }
}

/// The requests with a key that are under way: a second one with the same key waits for the first.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    gates: Arc<Mutex<Gates>>,
}

/// What requests with the same key pass one at a time, by the key's hash.
type Gates = HashMap<[u8; 16], Gate>;
type Gate = Arc<tokio::sync::Mutex<()>>;

impl InFlight {
    async fn enter(&self, key: [u8; 16]) -> Turn {
        let gate =
            Arc::clone(self.gates.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let guard = Arc::clone(&gate).lock_owned().await;
        Turn { gates: Arc::clone(&self.gates), key, gate, _guard: guard }
    }
}

/// The turn of one request; the next one with the same key follows when it is dropped.
struct Turn {
    gates: Arc<Mutex<Gates>>,
    key: [u8; 16],
    gate: Gate,
    _guard: tokio::sync::OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // The map, this turn and its guard hold the gate; one more is somebody who waits.
        if Arc::strong_count(&self.gate) <= 3 {
            gates.remove(&self.key);
        }
    }
}

/// The layer; see the module.
pub(crate) async fn answer_once(
    State((state, in_flight)): State<(AppState, InFlight)>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    // In a task of its own: should the caller go away, the work that was begun still ends with its answer kept.
    let answered = tokio::spawn(async move {
        answer(&state, &in_flight, request, next).await.unwrap_or_else(IntoResponse::into_response)
    });
    answered.await.unwrap_or_else(|_| ApiError::panicked().into_response())
}

async fn answer(
    state: &AppState,
    in_flight: &InFlight,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let header = IdempotencyHeader::of(&parts.headers)?;
    // Whether it may do this is for the operation to say.
    let caller = state.auth.caller(&parts.headers).await?;
    parts.extensions.insert(caller.clone());
    let body = body::collect(body, &parts.headers, body::LIMIT).await?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let Some(key) = header.key(state, &caller, target, &body) else {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    };
    let turn = in_flight.enter(key.stored().hash).await;
    let response = match state.hooks.answer_kept(&key).await? {
        KeptAnswer::Repeated(kept) => unpack(&kept)?,
        KeptAnswer::OtherRequest => return Err(ApiError::key_reused()),
        KeptAnswer::Nothing => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            keep(state, &key, response).await?
        }
    };
    drop(turn);
    Ok(response)
}

/// Keeps an answer that another try would get again; not one that says "not now" or "who are you".
async fn keep(state: &AppState, key: &IdempotencyKey, response: Response) -> Result<Response, ApiError> {
    let status = response.status();
    let passing = [StatusCode::UNAUTHORIZED, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passing.contains(&status) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(ApiError::internal)?.to_bytes();
    let mut packed = status.as_u16().to_be_bytes().to_vec();
    packed.extend_from_slice(&body);
    if let Err(error) = state.hooks.answer_keep(key, &packed).await {
        // What was asked for is done, so its answer is true, kept or not.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not keep the answer to a request with an idempotency key"
        );
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The answer that [`keep`] packed: two bytes of status, then the body.
fn unpack(kept: &[u8]) -> Result<Response, ApiError> {
    let (status, body) = kept.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).map_err(ApiError::internal)?;
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body)));
    *response.status_mut() = status;
    if !body.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Ok(response)
}
