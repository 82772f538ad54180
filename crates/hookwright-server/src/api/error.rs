//! What the API answers when it cannot do what was asked: one shape, and one place that maps the engine's errors to it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hookwright::domain::payload_schema::{SchemaError, Violation};
use hookwright::{Error, Thing, UrlError};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request that was not done. Small, because every handler can return it.
pub(crate) struct ApiError(Box<Failure>);

struct Failure {
    status: StatusCode,
    body: Body,
    /// Seconds after which the same request may succeed.
    retry_after: Option<u32>,
    /// For the log alone.
    cause: Option<Cause>,
}

enum Body {
    Problem(Problem),
    Invalid(Vec<FieldError>),
}

/// The body of an answer that says why a request was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = HttpErrorOut)]
pub(crate) struct Problem {
    /// A stable word for programs.
    code: Cow<'static, str>,
    /// A sentence for people.
    detail: Cow<'static, str>,
}

/// The body of an answer that says which values of a request cannot be used.
#[derive(Serialize, ToSchema)]
#[schema(as = HTTPValidationError)]
pub(crate) struct Invalid {
    detail: Vec<FieldError>,
}

/// One value that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidationErrorItem)]
pub(crate) struct FieldError {
    /// Where it is: `body`, `query`, `header` or `path`, then the names down to it.
    #[schema(value_type = Vec<String>)]
    pub(crate) loc: Vec<Cow<'static, str>>,
    /// What is wrong with it.
    pub(crate) msg: String,
    /// A stable word for programs.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
}

/// Why a request failed on our side; goes into the log and never into an answer.
#[derive(Clone)]
pub(crate) struct Cause(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

impl ApiError {
    /// An answer with this status, code and detail.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> ApiError {
        let body = Body::Problem(Problem { code: code.into(), detail: detail.into() });
        ApiError(Box::new(Failure { status, body, retry_after: None, cause: None }))
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is wrong, for people.
    pub(crate) fn in_words(&self) -> Cow<'static, str> {
        match &self.0.body {
            Body::Problem(problem) => problem.detail.clone(),
            Body::Invalid(fields) => fields.first().map(|field| field.msg.clone().into()).unwrap_or_default(),
        }
    }

    /// 422: these values cannot be used.
    pub(crate) fn invalid(fields: Vec<FieldError>) -> ApiError {
        let (status, body) = (StatusCode::UNPROCESSABLE_ENTITY, Body::Invalid(fields));
        ApiError(Box::new(Failure { status, body, retry_after: None, cause: None }))
    }

    /// 422: the value at `loc` cannot be used.
    pub(crate) fn field<const N: usize>(
        loc: [&'static str; N],
        msg: impl Into<String>,
        kind: &'static str,
    ) -> ApiError {
        let loc = loc.into_iter().map(Cow::Borrowed).collect();
        ApiError::invalid(vec![FieldError { loc, msg: msg.into(), kind }])
    }

    /// 404: there is no such thing, or it is somebody else's.
    pub(crate) fn not_found(thing: Thing) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {thing}."))
    }

    /// 409: the idempotency key came before with another request.
    pub(crate) fn key_reused() -> ApiError {
        ApiError::new(
            StatusCode::CONFLICT,
            "idempotency_key_reused",
            "The idempotency key was used before with another request. Send each request with a key of its own.",
        )
    }

    /// 413: the body, or the payload in it, is larger than `limit` bytes.
    pub(crate) fn too_large(what: &'static str, limit: usize) -> ApiError {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            format!("The {what} is larger than {limit} bytes, which is the limit here."),
        )
    }

    /// 501: an operation of the Svix API that is not there yet.
    pub(crate) fn not_implemented() -> ApiError {
        ApiError::new(StatusCode::NOT_IMPLEMENTED, "not_implemented", "This operation is not there yet.")
    }

    /// 500: our fault; the cause goes into the log.
    pub(crate) fn internal(cause: impl StdError + Send + Sync + 'static) -> ApiError {
        let mut error = ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "");
        error.0.cause = Some(Cause(Arc::new(cause)));
        error
    }

    /// 500: a handler panicked.
    pub(crate) fn panicked() -> ApiError {
        ApiError::internal(Panicked)
    }

    /// What is answered for every error on our side: where to look for the cause, and nothing of it.
    pub(crate) fn internal_answer(request_id: &str) -> Response {
        let detail = format!(
            "Something went wrong on our side. The server's log has the cause, under the request id {request_id}."
        );
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail).into_response()
    }

    /// What is answered for an error of the engine. With `hints`, a refused URL comes with how to allow it.
    pub(crate) fn from_engine(error: Error, hints: bool) -> ApiError {
        match error {
            Error::NotFound(thing) => ApiError::not_found(thing),
            Error::Taken { thing, field } => ApiError::new(
                StatusCode::CONFLICT,
                "conflict",
                format!("The {field} is taken by another {thing}."),
            ),
            Error::TooManyEndpoints { max } => ApiError::new(
                StatusCode::CONFLICT,
                "too_many_endpoints",
                format!(
                    "The application has {max} endpoints, which is as many as it may have. Delete some first."
                ),
            ),
            Error::EndpointsTooLarge { max_bytes } => ApiError::new(
                StatusCode::CONFLICT,
                "endpoints_too_large",
                format!(
                    "What is set on the application's endpoints takes {} KiB in all, which is as much as it may take. \
                     Delete some first, or shorten their metadata, descriptions, headers or event types.",
                    max_bytes / 1024
                ),
            ),
            Error::UnknownEventType(name) => ApiError::field(
                ["body", "eventTypes"],
                format!("The event type {name} is not registered. Create it first, or leave it out."),
                "event_type_not_registered",
            ),
            error @ Error::UnknownOperationalEventType(_) => {
                ApiError::field(["body", "eventTypes"], sentence(&error), "event_type_not_registered")
            }
            error @ Error::SourceKind { .. } => {
                ApiError::field(["body", "type"], sentence(&error), "value_error")
            }
            Error::SourceConfig { field, why } => {
                let loc = vec![Cow::Borrowed("body"), Cow::Borrowed("config"), Cow::Owned(field.clone())];
                ApiError::invalid(vec![FieldError {
                    loc,
                    msg: format!("{field}: {why}."),
                    kind: "value_error",
                }])
            }
            Error::SourceSetting { field, why } => {
                ApiError::field(["body", field], format!("{field}: {why}."), "value_error")
            }
            Error::NotForwarded => ApiError::new(
                StatusCode::CONFLICT,
                "not_forwarded",
                "Nothing is forwarded of this request: it was refused, a handshake, or a copy of another.",
            ),
            Error::NotConfirmed => ApiError::new(
                StatusCode::CONFLICT,
                "not_confirmed",
                "The sender has not said that this request is true, so it is not sent on. Resend it from the log to ask again.",
            ),
            Error::Url(refused) => {
                let mut msg = format!("{refused}.").replacen("the URL", "The endpoint URL", 1);
                if let (UrlError::Address(kind), true) = (&refused, hints) {
                    msg.push_str(&format!(
                        " For development run \"hookwright dev\", or allow it with HOOKWRIGHT_ALLOW_TARGET_NETWORKS={}.",
                        kind.example_network()
                    ));
                }
                ApiError::field(["body", "url"], msg, "url_refused")
            }
            Error::PayloadRefused { violations, .. } => {
                let told = |violation: Violation| {
                    let path = violation.path.into_iter().map(Cow::Owned);
                    FieldError {
                        loc: ["body", "payload"].map(Cow::Borrowed).into_iter().chain(path).collect(),
                        msg: violation.message,
                        kind: "schema_violation",
                    }
                };
                ApiError::invalid(violations.into_iter().map(told).collect())
            }
            Error::Schema(SchemaError::Missing) => ApiError::field(
                ["body", "validatePayload"],
                "Payloads can be validated only against a schema. Give one in schemas, or leave validatePayload out.",
                "value_error",
            ),
            Error::Schema(unusable) => {
                let msg = format!("For validatePayload there must be a usable JSON Schema: {unusable}.");
                ApiError::field(["body", "schemas"], msg, "value_error")
            }
            Error::KeyReused => ApiError::key_reused(),
            Error::PayloadGone => ApiError::new(
                StatusCode::BAD_REQUEST,
                "missing_payload",
                "The message's payload is no longer stored, so it cannot be sent again.",
            ),
            Error::Busy(_) => ApiError::unavailable(
                "busy",
                "The same thing is being changed by others at the same time. Try again.",
                error,
            ),
            Error::EndpointDisabled => ApiError::new(
                StatusCode::CONFLICT,
                "endpoint_disabled",
                "The endpoint is disabled, so whatever is sent to it ends at once. Enable it first: \
                 what it missed can be recovered then.",
            ),
            Error::ShuttingDown => {
                ApiError::unavailable("shutting_down", "The server is shutting down. Try again.", error)
            }
            Error::Store(_) | Error::NotWritten(_) => ApiError::unavailable(
                "database_unavailable",
                "The database cannot be used right now. Try again.",
                error,
            ),
            other => ApiError::internal(other),
        }
    }

    fn unavailable(code: &'static str, detail: &'static str, cause: Error) -> ApiError {
        let mut error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        error.0.retry_after = Some(1);
        error.0.cause = Some(Cause(Arc::new(cause)));
        error
    }
}

/// A library's message as a whole sentence: it has no capital at its beginning and no full stop at its end.
pub(crate) fn sentence(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| format!("{}{}.", first.to_uppercase(), chars.as_str())).unwrap_or_default()
}

impl From<Error> for ApiError {
    fn from(error: Error) -> ApiError {
        ApiError::from_engine(error, false)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Failure { status, body, retry_after, cause } = *self.0;
        let body = match body {
            Body::Problem(problem) => serde_json::to_vec(&problem),
            Body::Invalid(detail) => serde_json::to_vec(&Invalid { detail }),
        };
        let mut response = (status, body.unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
