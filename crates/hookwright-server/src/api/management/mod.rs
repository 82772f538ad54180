//! `/api/v1/management/authentication/{env_id}/api-token`: access tokens, for those who may do everything.

mod dto;

use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use axum::routing::{get, patch, post, put};
use hookwright::Thing;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::page::Order;
use hookwright::domain::token::{Scope, TokenFilter, TokenSettings};
use hookwright::hooks::ApplicationRef;
use http::StatusCode;
use http::request::Parts;

use crate::api::answer::json;
use crate::api::body::{JsonBody, OptionalJsonBody};
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EnvironmentPath, TokenPath};
use crate::api::query::Query;
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;
use dto::{ApiTokenCensoredOut, ApiTokenExpireIn, ApiTokenIn, ApiTokenOut, ApiTokenPatch, ApiTokenUpdate};

pub(super) fn operations() -> Operations {
    let everything = |route| needs(Capability::ManageOrganisation, route);
    Operations::new()
        .add::<__path_list>(everything(get(list)))
        .add::<__path_create>(everything(post(create)))
        .add::<__path_show>(everything(get(show)))
        .add::<__path_rename>(everything(put(rename)))
        .add::<__path_change>(everything(patch(change)))
        .add::<__path_expire>(everything(post(expire)))
}

/// The organisation that the caller acts for, which the path names too.
pub(in crate::api) struct OwnEnvironment(OrganisationId);

impl FromRequestParts<AppState> for OwnEnvironment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<OwnEnvironment, ApiError> {
        let OrganisationCaller(organisation) = OrganisationCaller::from_request_parts(parts, state).await?;
        let EnvironmentPath(named) = EnvironmentPath::from_request_parts(parts, state).await?;
        if named == organisation {
            Ok(OwnEnvironment(organisation))
        } else {
            Err(ApiError::not_found(Thing::Organisation))
        }
    }
}

/// Lists the tokens of the organisation, oldest first, also those that have ended; never what proves them.
#[utoipa::path(get, path = "/api/v1/management/authentication/{env_id}/api-token",
    operation_id = "v1.management.authentication.list-api-tokens", tag = "Authentication",
    params(
        ("env_id" = String, Path, description = "The organisation's id, as whoami tells it."),
        PageParams,
        ("app_id" = Option<String>, Query,
            description = "The tokens for this application (id or uid) instead of those for the organisation as a whole."),
    ),
    responses((status = 200, body = ListResponse<ApiTokenCensoredOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    query: Query,
) -> Result<Response, ApiError> {
    let filter = match query.parsed("app_id", ApplicationRef::parse)? {
        None => TokenFilter::Organisation,
        Some(named) => TokenFilter::Application(state.hooks.application_get(organisation, &named).await?.id),
    };
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let page = state.hooks.token_list(organisation, filter, request).await?;
    let data = page.items.iter().map(ApiTokenCensoredOut::of).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |token| token.id, data))
}

/// Makes a token for the organisation as a whole. What proves it is shown only now.
#[utoipa::path(post, path = "/api/v1/management/authentication/{env_id}/api-token",
    operation_id = "v1.management.authentication.create-api-token", tag = "Authentication",
    params(("env_id" = String, Path, description = "The organisation's id, as whoami tells it.")),
    request_body = ApiTokenIn,
    responses(
        (status = 200, body = ApiTokenOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    JsonBody(body): JsonBody<ApiTokenIn>,
) -> Result<Response, ApiError> {
    let (name, capabilities) = body.checked()?;
    let scope = Scope::Organisation(organisation);
    let capabilities = capabilities.unwrap_or(scope.capabilities());
    let settings = TokenSettings { capabilities, ..TokenSettings::new(name, scope) };
    let made = state.hooks.token_create(settings).await?;
    json(StatusCode::OK, &ApiTokenOut::of(&made.token, &made.text))
}

/// A token, without what proves it.
#[utoipa::path(get, path = "/api/v1/management/authentication/{env_id}/api-token/{key_id}",
    operation_id = "v1.management.authentication.get-api-token", tag = "Authentication",
    params(
        ("env_id" = String, Path, description = "The organisation's id, as whoami tells it."),
        ("key_id" = String, Path, description = "The token's id."),
    ),
    responses((status = 200, body = ApiTokenCensoredOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    TokenPath(id): TokenPath,
) -> Result<Response, ApiError> {
    json(StatusCode::OK, &ApiTokenCensoredOut::of(&state.hooks.token_get(organisation, id).await?))
}

/// Gives a token another name.
#[utoipa::path(put, path = "/api/v1/management/authentication/{env_id}/api-token/{key_id}",
    operation_id = "v1.management.authentication.update-api-token", tag = "Authentication",
    params(
        ("env_id" = String, Path, description = "The organisation's id, as whoami tells it."),
        ("key_id" = String, Path, description = "The token's id."),
    ),
    request_body = ApiTokenUpdate,
    responses(
        (status = 200, body = ApiTokenCensoredOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn rename(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    TokenPath(id): TokenPath,
    JsonBody(body): JsonBody<ApiTokenUpdate>,
) -> Result<Response, ApiError> {
    let token = state.hooks.token_update(organisation, id, body.checked()?).await?;
    json(StatusCode::OK, &ApiTokenCensoredOut::of(&token))
}

/// Changes what the body names of a token.
#[utoipa::path(patch, path = "/api/v1/management/authentication/{env_id}/api-token/{key_id}",
    operation_id = "v1.management.authentication.patch-api-token", tag = "Authentication",
    params(
        ("env_id" = String, Path, description = "The organisation's id, as whoami tells it."),
        ("key_id" = String, Path, description = "The token's id."),
    ),
    request_body = ApiTokenPatch,
    responses(
        (status = 200, body = ApiTokenCensoredOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    TokenPath(id): TokenPath,
    JsonBody(body): JsonBody<ApiTokenPatch>,
) -> Result<Response, ApiError> {
    let token = state.hooks.token_update(organisation, id, body.checked()?).await?;
    json(StatusCode::OK, &ApiTokenCensoredOut::of(&token))
}

/// Ends a token of the organisation or of one of its applications, at once or after a while.
#[utoipa::path(post, path = "/api/v1/management/authentication/{env_id}/api-token/{key_id}/expire",
    operation_id = "v1.management.authentication.expire-api-token", tag = "Authentication",
    params(
        ("env_id" = String, Path, description = "The organisation's id, as whoami tells it."),
        ("key_id" = String, Path, description = "The token's id."),
    ),
    request_body = ApiTokenExpireIn,
    responses(
        (status = 204, description = "It ends."),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn expire(
    State(state): State<AppState>,
    OwnEnvironment(organisation): OwnEnvironment,
    TokenPath(id): TokenPath,
    OptionalJsonBody(body): OptionalJsonBody<ApiTokenExpireIn>,
) -> Result<StatusCode, ApiError> {
    let after = Duration::from_secs(body.checked()?.into());
    state.hooks.token_expire(organisation, id, after).await?;
    Ok(StatusCode::NO_CONTENT)
}
