//! `/api/v1/event-type`: event types.

mod dto;
pub(super) mod import; // from the webhooks of an OpenAPI document
mod openapi; // the document
mod visible; // to whom

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, patch, post, put};
use hookwright::domain::event_type::EventType;
use hookwright::domain::names::EventTypeName;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::{Error, Thing};
use http::StatusCode;

use crate::api::answer::{json, upserted};
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{EventTypePath, EventTypeToPut};
use crate::api::query::Query;
use crate::auth::{Caller, OrganisationCaller};
use crate::server::AppState;
pub(super) use visible::{check_filter, is_visible};

use dto::{EventTypeIn, EventTypeOut, EventTypePatch, EventTypeUpsertIn};

pub(super) fn operations() -> Operations {
    Operations::new()
        .add::<__path_list>(get(list))
        .add::<__path_create>(post(create))
        .add::<__path_show>(get(show))
        .add::<__path_upsert>(put(upsert))
        .add::<__path_change>(patch(change))
        .add::<__path_remove>(delete(remove))
        .merge(import::operations())
}

/// Lists the event types, by name.
#[utoipa::path(get, path = "/api/v1/event-type", operation_id = "v1.event-type.list", tag = "Event Type",
    params(
        PageParams,
        ("include_archived" = Option<bool>, Query, description = "Show those that are archived too."),
        ("with_content" = Option<bool>, Query, description = "Show their schemas too."),
    ),
    responses((status = 200, body = ListResponse<EventTypeOut>)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let include_archived = query.flag("include_archived", false)?;
    let with_content = query.flag("with_content", false)?;
    let (request, asked) = PageParams::of(&query)?.request::<EventTypeName>(Order::Ascending)?;
    let all = state.hooks.event_types(caller.organisation()).await?;
    let shown = all.values().filter(|event_type| {
        is_visible(event_type, &caller) && (include_archived || !event_type.settings.archived)
    });
    let bytes = |event_type: &&EventType| if with_content { event_type.weight() } else { 0 };
    let page = request.gather(read(&request, shown), bytes);
    let data = page.items.iter().map(|event_type| EventTypeOut::of(event_type, with_content)).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |event_type| event_type.name.clone(), data))
}

/// Makes an event type.
#[utoipa::path(post, path = "/api/v1/event-type", operation_id = "v1.event-type.create", tag = "Event Type",
    request_body = EventTypeIn,
    responses(
        (status = 201, body = EventTypeOut),
        (status = 409, description = "There is one of that name.", body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    JsonBody(body): JsonBody<EventTypeIn>,
) -> Result<Response, ApiError> {
    let (name, settings) = body.settings()?;
    let event_type = state.hooks.event_type_create(organisation, name, settings).await?;
    json(StatusCode::CREATED, &EventTypeOut::of(&event_type, true))
}

/// An event type.
#[utoipa::path(get, path = "/api/v1/event-type/{event_type_name}", operation_id = "v1.event-type.get",
    tag = "Event Type", params(("event_type_name" = String, Path, description = "Its name.")),
    responses((status = 200, body = EventTypeOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    EventTypePath(name): EventTypePath,
) -> Result<Response, ApiError> {
    let event_type = state.hooks.event_type_get(caller.organisation(), &name).await?;
    if !is_visible(&event_type, &caller) {
        return Err(ApiError::not_found(Thing::EventType));
    }
    json(StatusCode::OK, &EventTypeOut::of(&event_type, true))
}

/// Puts an event type in the place of the one that is there, or makes it.
#[utoipa::path(put, path = "/api/v1/event-type/{event_type_name}", operation_id = "v1.event-type.upsert",
    tag = "Event Type", params(("event_type_name" = String, Path, description = "Its name.")),
    request_body = EventTypeUpsertIn,
    responses(
        (status = 200, description = "It was there.", body = EventTypeOut),
        (status = 201, description = "It was made.", body = EventTypeOut),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn upsert(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    EventTypeToPut(name): EventTypeToPut,
    JsonBody(body): JsonBody<EventTypeUpsertIn>,
) -> Result<Response, ApiError> {
    let settings = body.settings()?;
    let replace = |there: &mut _| settings.clone_into(there);
    let (made, event_type) = match state.hooks.event_type_update(organisation, &name, replace).await {
        Err(Error::NotFound(_)) => (true, state.hooks.event_type_create(organisation, name, settings).await?),
        changed => (false, changed?),
    };
    upserted(made, &EventTypeOut::of(&event_type, true))
}

/// Changes what the body names of an event type.
#[utoipa::path(patch, path = "/api/v1/event-type/{event_type_name}", operation_id = "v1.event-type.patch",
    tag = "Event Type", params(("event_type_name" = String, Path, description = "Its name.")),
    request_body = EventTypePatch,
    responses(
        (status = 200, body = EventTypeOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn change(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    EventTypePath(name): EventTypePath,
    JsonBody(body): JsonBody<EventTypePatch>,
) -> Result<Response, ApiError> {
    let event_type = state.hooks.event_type_update(organisation, &name, body.change()?).await?;
    json(StatusCode::OK, &EventTypeOut::of(&event_type, true))
}

/// Archives an event type, or removes it for good.
#[utoipa::path(delete, path = "/api/v1/event-type/{event_type_name}", operation_id = "v1.event-type.delete",
    tag = "Event Type",
    params(
        ("event_type_name" = String, Path, description = "Its name."),
        ("expunge" = Option<bool>, Query, description = "Remove it for good instead of archiving it."),
    ),
    responses((status = 204, description = "It is archived, or gone."), (status = 404, body = Problem)))]
pub(in crate::api) async fn remove(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    EventTypePath(name): EventTypePath,
    query: Query,
) -> Result<StatusCode, ApiError> {
    if query.flag("expunge", false)? {
        state.hooks.event_type_delete(organisation, &name).await?;
    } else {
        state.hooks.event_type_update(organisation, &name, |settings| settings.archived = true).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes what a page needs from event types that come by name.
fn read<'a>(
    request: &PageRequest<EventTypeName>,
    by_name: impl DoubleEndedIterator<Item = &'a EventType>,
) -> Vec<&'a EventType> {
    let scan = request.scan();
    let count = usize::try_from(scan.count).unwrap_or(usize::MAX);
    let beyond = |event_type: &&EventType| match &scan.beyond {
        None => true,
        Some(mark) if scan.ascending => event_type.name > *mark,
        Some(mark) => event_type.name < *mark,
    };
    if scan.ascending {
        by_name.filter(beyond).take(count).collect()
    } else {
        by_name.rev().filter(beyond).take(count).collect()
    }
}
