//! What is answered to a request that is no proven webhook.

use axum::response::{IntoResponse, Response};
use hookwright_signature::provider::{Answer, Refused};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};

/// What is answered to a request that is not proven: whoever called learns no more.
const UNPROVEN: &str = "The request is not proven to come from its provider.";

/// Why a handler does not see a request. As a response it says what its caller may know; the rest is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unverified {
    /// 500: nobody said what proves requests here.
    #[error(
        "no `Proof` was found for this route: add `.layer(Extension(proof))`, or put it where its `FindProof` looks"
    )]
    NoProof,
    /// 405: the method is another one.
    #[error("the method is not taken here")]
    Method {
        /// Those that are.
        allowed: Vec<Method>,
    },
    /// 413: the body is too large.
    #[error("the body has more than {limit} bytes, which is the limit here")]
    TooLarge {
        /// So many bytes are read.
        limit: usize,
    },
    /// 400: the body did not come to its end.
    #[error("the body broke off")]
    BrokeOff,
    /// 401, or 403 if a plain token is wrong: the request is not proven.
    #[error(transparent)]
    Refused(Refused),
    /// As it says: the provider asked whether somebody is there, and this is the answer.
    #[error("the request is a handshake, and no event")]
    Handshake(Answer),
    /// 400: it is proven, and its body is not what the handler takes.
    #[error("the body is not what this handler takes: {0}")]
    NotJson(#[source] serde_json::Error),
}

impl Unverified {
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Unverified::NoProof => StatusCode::INTERNAL_SERVER_ERROR,
            Unverified::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Unverified::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Unverified::BrokeOff | Unverified::NotJson(_) => StatusCode::BAD_REQUEST,
            Unverified::Refused(refused) => {
                StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::UNAUTHORIZED)
            }
            Unverified::Handshake(answer) => StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
        }
    }
}

impl IntoResponse for Unverified {
    fn into_response(self) -> Response {
        let status = self.status();
        match self {
            Unverified::Handshake(Answer { content_type, body, .. }) => {
                return (status, [(CONTENT_TYPE, HeaderValue::from_static(content_type))], body)
                    .into_response();
            }
            Unverified::Method { allowed } => {
                let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                let allowed = allowed.join(", ");
                let sentence = format!("{allowed} is taken here.");
                return match HeaderValue::try_from(allowed) {
                    Ok(allowed) => (status, [(ALLOW, allowed)], sentence).into_response(),
                    Err(_) => (status, sentence).into_response(),
                };
            }
            Unverified::NoProof => tracing::error!("a webhook was refused: {self}"),
            // Its provider is genuine: that it cannot be read is somebody's mistake.
            Unverified::NotJson(_) => tracing::warn!("a genuine webhook was refused: {self}"),
            _ => tracing::info!(http.status = status.as_u16(), "a webhook was refused: {self}"),
        }
        let told = match &self {
            Unverified::NoProof => "This cannot be done right now.".to_owned(),
            Unverified::Refused(refused @ Refused::WrongToken { .. }) => refused.to_string(),
            Unverified::Refused(_) => UNPROVEN.to_owned(),
            Unverified::TooLarge { limit } => {
                format!("The body has more than {limit} bytes, which is the limit here.")
            }
            // What exactly serde did not like may quote the body, which its sender knows.
            Unverified::NotJson(error) => format!("The body is not the JSON that is taken here: {error}."),
            _ => "The body broke off.".to_owned(),
        };
        (status, told).into_response()
    }
}
