//! `/api/v1/app`: applications.

mod dto;
mod filter;
mod named;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::page::{Order, Searched};
use hookwright::hooks::ApplicationRef;
use hookwright::{ApplicationFilter, Error};
use http::StatusCode;

use crate::api::answer::{json, upserted};
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{ApplicationPath, ApplicationToPut, InApplication};
use crate::api::query::Query;
use crate::auth::OrganisationCaller;
use crate::server::AppState;
use dto::{ApplicationOut, ApplicationPatch};
use filter::ApplicationFilterParams;

pub(super) use dto::ApplicationIn;
pub(super) use named::make_named;

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list>(get(list))
        .add::<__path_create>(post(create))
        .add::<__path_show>(get(show))
        .add::<__path_upsert>(put(upsert))
        .add::<__path_change>(patch(change))
        .add::<__path_remove>(delete(remove))
}

/// Lists the applications, oldest first.
///
/// With a filter each page looks at 10,000 applications at most: it may then have few items or none and yet not be the last.
#[utoipa::path(get, path = "/api/v1/app", operation_id = "v1.application.list", tag = "Application",
    params(PageParams, ApplicationFilterParams),
    responses((status = 200, body = ListResponse<ApplicationOut>)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    query: Query,
) -> Result<Response, ApiError> {
    let filter = ApplicationFilterParams::of(&query)?.into_filter();
    let (request, asked) = PageParams::of(&query)?.request(Order::Ascending)?;
    let found = if filter == ApplicationFilter::default() {
        Searched { page: state.hooks.application_list(organisation, request).await?, reached: None }
    } else {
        state.hooks.application_search(organisation, filter, request).await?
    };
    let data = found.page.items.iter().map(ApplicationOut::of).collect();
    json(StatusCode::OK, &ListResponse::searched(&found, asked, |application| application.id, data))
}

/// Makes an application.
#[utoipa::path(post, path = "/api/v1/app", operation_id = "v1.application.create", tag = "Application",
    params(("get_if_exists" = Option<bool>, Query, description = "Answer with the one that has this uid, if there is one.")),
    request_body = ApplicationIn,
    responses(
        (status = 200, description = "It was there.", body = ApplicationOut),
        (status = 201, description = "It was made.", body = ApplicationOut),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    query: Query,
    JsonBody(body): JsonBody<ApplicationIn>,
) -> Result<Response, ApiError> {
    let get_if_exists = query.flag("get_if_exists", false)?;
    let settings = body.settings()?;
    let named = settings.uid.clone().filter(|_| get_if_exists).map(ApplicationRef::Uid);
    match (state.hooks.application_create(organisation, settings).await, named) {
        (Err(Error::Taken { .. }), Some(named)) => {
            let application = state.hooks.application_get(organisation, &named).await?;
            json(StatusCode::OK, &ApplicationOut::of(&application))
        }
        (made, _) => json(StatusCode::CREATED, &ApplicationOut::of(&made?)),
    }
}

/// An application.
#[utoipa::path(get, path = "/api/v1/app/{app_id}", operation_id = "v1.application.get", tag = "Application",
    params(("app_id" = String, Path, description = "Its id or uid.")),
    responses((status = 200, body = ApplicationOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    InApplication { application, .. }: InApplication,
) -> Result<Response, ApiError> {
    json(StatusCode::OK, &ApplicationOut::of(&application))
}

/// Puts an application in the place of the one that is there, or makes it.
#[utoipa::path(put, path = "/api/v1/app/{app_id}", operation_id = "v1.application.upsert", tag = "Application",
    params(("app_id" = String, Path, description = "Its id or uid.")),
    request_body = ApplicationIn,
    responses(
        (status = 200, description = "It was there.", body = ApplicationOut),
        (status = 201, description = "It was made.", body = ApplicationOut),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    ApplicationToPut(named): ApplicationToPut,
    JsonBody(body): JsonBody<ApplicationIn>,
) -> Result<Response, ApiError> {
    let mut settings = body.settings()?;
    let uid = named.as_uid();
    if let ApplicationRef::Uid(_) = &named {
        // Otherwise the same request sent again would not find it.
        settings.uid = settings.uid.or_else(|| uid.clone());
    }
    let replace = |there: &mut ApplicationSettings| {
        let is_named_by_uid = there.uid == uid;
        settings.clone_into(there);
        if is_named_by_uid && there.uid.is_none() {
            there.uid.clone_from(&uid);
        }
    };
    let (made, application) = match state.hooks.application_update(organisation, &named, replace).await {
        Err(Error::NotFound(_)) => {
            // An id of another server becomes the uid.
            settings.uid = settings.uid.or(uid);
            (true, state.hooks.application_create(organisation, settings).await?)
        }
        changed => (false, changed?),
    };
    upserted(made, &ApplicationOut::of(&application))
}

/// Changes what the body names of an application.
#[utoipa::path(patch, path = "/api/v1/app/{app_id}", operation_id = "v1.application.patch", tag = "Application",
    params(("app_id" = String, Path, description = "Its id or uid.")),
    request_body = ApplicationPatch,
    responses(
        (status = 200, body = ApplicationOut),
        (status = 404, body = Problem),
        (status = 409, description = "Another one has this uid.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    ApplicationPath(named): ApplicationPath,
    JsonBody(body): JsonBody<ApplicationPatch>,
) -> Result<Response, ApiError> {
    let application = state.hooks.application_update(organisation, &named, body.change()?).await?;
    json(StatusCode::OK, &ApplicationOut::of(&application))
}

/// Deletes an application with its endpoints, messages and attempts.
#[utoipa::path(delete, path = "/api/v1/app/{app_id}", operation_id = "v1.application.delete", tag = "Application",
    params(("app_id" = String, Path, description = "Its id or uid.")),
    responses((status = 204, description = "It is gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    ApplicationPath(named): ApplicationPath,
) -> Result<StatusCode, ApiError> {
    state.hooks.application_delete(organisation, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}
