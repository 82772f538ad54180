//! What a request that fails is answered with, in the shapes of the Django REST framework: `{"detail": "…"}`, or for a body
//! `{"<field>": ["…"]}`.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use hookwright::{Error, Thing};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::user::{Refusal, RefusalKind};

/// What is wrong with a body, by field.
pub(super) type Wrong = BTreeMap<&'static str, Vec<String>>;

/// What belongs to no field, as the framework names it.
pub(super) const NO_FIELD: &str = "non_field_errors";

/// A request that was not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: serde_json::Value,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: &str) -> Problem {
        Problem { status, body: json!({ "detail": detail }) }
    }

    /// 400: these fields cannot be used.
    pub(super) fn fields(wrong: &Wrong) -> Problem {
        Problem { status: StatusCode::BAD_REQUEST, body: json!(wrong) }
    }

    /// 400: this field cannot be used.
    pub(super) fn field(field: &'static str, why: impl Into<String>) -> Problem {
        Problem::fields(&Wrong::from([(field, vec![why.into()])]))
    }

    /// 404: there is no such hook, or it is somebody else's.
    pub(super) fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "Not found.")
    }

    pub(super) fn wrong_method(method: &Method) -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, &format!("Method \"{method}\" not allowed."))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let status = match refusal.kind {
            RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
            RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, &refusal.detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound(_) => Problem::not_found(),
            Error::UnknownEventType(name) => Problem::field("event", unexpected(name.as_str())),
            Error::Url(refused) => {
                let mut why = format!("{refused}.").replacen("the URL", "The target", 1);
                if why.starts_with("an") {
                    why.insert_str(0, "The target cannot be used: ");
                }
                Problem::field("target", why)
            }
            Error::Taken { thing: Thing::Endpoint, field: "identifier" } => Problem::field(
                "identifier",
                "Another of your hooks for this event has this identifier. Choose another, or change that hook.",
            ),
            error @ (Error::TooManyEndpoints { .. } | Error::EndpointsTooLarge { .. }) => {
                Problem::field(NO_FIELD, format!("You cannot have more hooks: {error}. Delete some first."))
            }
            error @ (Error::Store(_) | Error::NotWritten(_) | Error::ShuttingDown | Error::Busy(_)) => {
                tracing::warn!(%error, "a hook could not be read or written");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "This cannot be done right now. Try again.")
            }
            error => {
                tracing::error!(%error, "a request for hooks failed");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
            }
        }
    }
}

/// What is wrong with an event that is not registered, in the words of the starting contract.
pub(super) fn unexpected(event: &str) -> String {
    format!("Unexpected event {event}")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.status, [(CONTENT_TYPE, json)], self.body.to_string()).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
