//! Answers: JSON written in one pass, and ids written without a detour.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::{Serialize, Serializer};

use crate::api::error::ApiError;

/// Room for most answers, in bytes, so that writing one does not move it about.
const USUAL_LENGTH: usize = 512;

/// Answers with `value` as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, ApiError> {
    let mut body = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut body, value).map_err(ApiError::internal)?;
    let mut response = body.into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Answers with `value` as JSON: 201 if it was made by this request, 200 if it was there.
pub(crate) fn upserted(made: bool, value: &impl Serialize) -> Result<Response, ApiError> {
    json(if made { StatusCode::CREATED } else { StatusCode::OK }, value)
}

/// Is written as the text it displays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Is written as a list of the texts that its items display; an empty one as null.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a, T>(pub(crate) &'a [T]);

impl<T: Display> Serialize for Names<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.collect_seq(self.0.iter().map(Shown))
    }
}
