//! `/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers`: what is sent with each attempt.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, patch, put};
use hookwright::domain::capability::Capability;
use hookwright::domain::endpoint::{Endpoint, Header};
use hookwright::hooks::EndpointEdit;
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::{EndpointPath, InApplication};
use crate::auth::needs;
use crate::server::AppState;

/// At most so many headers on an endpoint.
const HEADERS_MAX: usize = 50;
/// At most so many bytes in the names and values of an endpoint's headers: servers take 8 KiB and more for all headers.
const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// So many characters of a name that cannot be used are quoted.
const QUOTED_MAX: usize = 80;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_show>(get(show))
        .add::<__path_replace>(needs(Capability::ManageEndpoint, put(replace)))
        .add::<__path_change>(needs(Capability::ManageEndpoint, patch(change)))
}

/// Headers to be sent with each attempt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct EndpointHeadersIn {
    /// Values by name: at most 50, and at most 16 KiB in all.
    headers: BTreeMap<String, String>,
}

impl EndpointHeadersIn {
    /// The headers, each of which may be sent. 422 otherwise.
    pub(in crate::api) fn checked(self) -> Result<Vec<Header>, ApiError> {
        let mut fields = Fields::default();
        let headers = checked_headers(&mut fields, self.headers);
        fields.finish()?;
        Ok(headers)
    }
}

/// What to change about an endpoint's headers; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EndpointHeadersPatchIn {
    /// Values by name; null takes a header away.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    /// Names of headers to take away.
    #[serde(default)]
    delete_headers: Option<Vec<String>>,
}

/// What is sent with each attempt.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct EndpointHeadersOut<'a> {
    /// Values by name, without those that may be credentials.
    headers: BTreeMap<&'a str, &'a str>,
    /// The names of those whose values are not shown.
    sensitive: Vec<&'a str>,
}

/// The headers that are sent with each attempt. Values that may be credentials are not shown.
#[utoipa::path(get, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers",
    operation_id = "v1.endpoint.get-headers", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    responses((status = 200, body = EndpointHeadersOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
) -> Result<Response, ApiError> {
    let endpoint = state.hooks.endpoint_get(application.id, &named).await?;
    json(StatusCode::OK, &EndpointHeadersOut::of(&endpoint))
}

/// Sets the headers that are sent with each attempt.
#[utoipa::path(put, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers",
    operation_id = "v1.endpoint.set-headers", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = EndpointHeadersIn,
    responses(
        (status = 204, description = "They are set."),
        (status = 404, body = Problem),
        (status = 422, description = "A header cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn replace(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<EndpointHeadersIn>,
) -> Result<StatusCode, ApiError> {
    let headers = body.checked()?;
    let set = |edit: &mut EndpointEdit| edit.headers.clone_from(&headers);
    state.hooks.endpoint_update(application.id, &named, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes some of the headers that are sent with each attempt.
#[utoipa::path(patch, path = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers",
    operation_id = "v1.endpoint.patch-headers", tag = "Endpoint",
    params(
        ("app_id" = String, Path, description = "The application's id or uid."),
        ("endpoint_id" = String, Path, description = "The endpoint's id or uid."),
    ),
    request_body = EndpointHeadersPatchIn,
    responses(
        (status = 204, description = "They are changed."),
        (status = 404, body = Problem),
        (status = 422, description = "A header cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    InApplication { application, .. }: InApplication,
    EndpointPath(named): EndpointPath,
    JsonBody(body): JsonBody<EndpointHeadersPatchIn>,
) -> Result<StatusCode, ApiError> {
    let mut fields = Fields::default();
    let mut gone = body.delete_headers.unwrap_or_default();
    for name in
        gone.iter().filter(|name| name.len() > HEADERS_BYTES_MAX || HeaderName::try_from(*name).is_err())
    {
        let name: String = name.chars().take(QUOTED_MAX).flat_map(char::escape_debug).collect();
        fields.refuse_saying("deleteHeaders", format!("{name:?} is not a header's name."));
    }
    let mut set = BTreeMap::new();
    for (name, value) in body.headers {
        match value {
            Some(value) => drop(set.insert(name, value)),
            None => gone.push(name),
        }
    }
    let set = checked_headers(&mut fields, set);
    let there = state.hooks.endpoint_get(application.id, &named).await?.headers;
    check_room(&mut fields, &patched(there, &set, &gone));
    fields.finish()?;
    let patch = |edit: &mut EndpointEdit| {
        edit.headers = patched(std::mem::take(&mut edit.headers), &set, &gone);
    };
    state.hooks.endpoint_update(application.id, &named, patch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The headers `there` without those named in `gone`, and with those in `set`, in their places or at the end.
fn patched(mut there: Vec<Header>, set: &[Header], gone: &[String]) -> Vec<Header> {
    there.retain(|header| !gone.iter().any(|name| name.eq_ignore_ascii_case(&header.name)));
    for header in set {
        match there.iter_mut().find(|old| old.name.eq_ignore_ascii_case(&header.name)) {
            Some(old) => old.clone_from(header),
            None => there.push(header.clone()),
        }
    }
    there
}

/// Headers that may be sent, by the names and values that came in.
pub(in crate::api) fn checked_headers(fields: &mut Fields, values: BTreeMap<String, String>) -> Vec<Header> {
    if values.len() > HEADERS_MAX {
        fields.refuse(
            "headers",
            format_args!("must have at most {HEADERS_MAX} items, and has {}", values.len()),
        );
        return Vec::new();
    }
    let mut headers: Vec<Header> = Vec::with_capacity(values.len());
    for (name, value) in values {
        match Header::parse(&name, &value) {
            Ok(header) if headers.iter().any(|other| other.name.eq_ignore_ascii_case(&header.name)) => {
                fields.refuse_saying(
                    "headers",
                    format!("The header {name} is given twice, in different case."),
                );
            }
            Ok(header) => headers.push(header),
            Err(error) => {
                let name: String = name.chars().take(QUOTED_MAX).flat_map(char::escape_debug).collect();
                fields.refuse_saying("headers", format!("The header {name} {error}."));
            }
        }
    }
    check_room(fields, &headers);
    headers
}

/// Refuses more headers than an endpoint may have.
fn check_room(fields: &mut Fields, headers: &[Header]) {
    let bytes: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if headers.len() > HEADERS_MAX {
        fields.refuse_saying("headers", format!("An endpoint has at most {HEADERS_MAX} headers."));
    } else if bytes > HEADERS_BYTES_MAX {
        let msg =
            format!("An endpoint's headers have at most {HEADERS_BYTES_MAX} bytes in all, and not {bytes}.");
        fields.refuse_saying("headers", msg);
    }
}

impl EndpointHeadersOut<'_> {
    pub(in crate::api) fn of(endpoint: &Endpoint) -> EndpointHeadersOut<'_> {
        let (sensitive, open): (Vec<_>, Vec<_>) =
            endpoint.headers.iter().partition(|header| header.is_sensitive());
        EndpointHeadersOut {
            headers: open.into_iter().map(|header| (header.name.as_str(), header.value.as_str())).collect(),
            sensitive: sensitive.into_iter().map(|header| header.name.as_str()).collect(),
        }
    }
}
