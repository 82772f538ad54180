//! `POST /api/v1/event-type/import/openapi`: event types from the webhooks of an OpenAPI document.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::names::EventTypeName;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::{SnippetMode, UserMessageFormatter};
use utoipa::ToSchema;

use super::openapi::{Webhook, webhooks};
use crate::api::answer::json;
use crate::api::body::JsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::nesting;
use crate::api::operations::Operations;
use crate::auth::OrganisationCaller;
use crate::server::AppState;

/// How much is told of why a document cannot be read, in characters.
const WHY_MAX: usize = 300;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_import>(post(import))
}

/// An OpenAPI document with webhooks.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct EventTypeImportOpenApiIn {
    /// Only tell what would change.
    #[serde(default)]
    dry_run: Option<bool>,
    /// Archive the event types that are not in the document.
    #[serde(default)]
    replace_all: Option<bool>,
    /// The document as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    spec: Option<Value>,
    /// The document as text, YAML or JSON.
    #[serde(default)]
    spec_raw: Option<String>,
}

/// What was changed, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct EventTypeImportOpenApiOut {
    data: EventTypeImportOpenApiOutData,
}

/// What was changed, or would be.
#[derive(Serialize, ToSchema)]
pub(super) struct EventTypeImportOpenApiOutData {
    /// The names of the event types that were made, changed or archived.
    modified: Vec<String>,
    /// What would be made or changed, at a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_modify: Option<Vec<EventTypeFromOpenApi>>,
}

/// An event type as the document describes it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventTypeFromOpenApi {
    name: String,
    description: String,
    /// The JSON Schema of its payload.
    #[schema(value_type = Option<Object>)]
    schemas: Option<Value>,
    deprecated: bool,
    group_name: Option<String>,
    feature_flags: Option<Vec<String>>,
}

/// Makes and changes event types as the webhooks of an OpenAPI document describe them.
///
/// What is the same already is left alone. With `dryRun` nothing is changed. Each schema becomes the version 1 of its event type.
#[utoipa::path(post, path = "/api/v1/event-type/import/openapi", operation_id = "v1.event-type.import-openapi",
    tag = "Event Type", request_body = EventTypeImportOpenApiIn,
    responses(
        (status = 200, body = EventTypeImportOpenApiOut),
        (status = 400, description = "There is no document, or there are two.", body = Problem),
        (status = 422, description = "The document cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn import(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    JsonBody(body): JsonBody<EventTypeImportOpenApiIn>,
) -> Result<Response, ApiError> {
    let (dry_run, replace_all) = (body.dry_run.unwrap_or(false), body.replace_all.unwrap_or(false));
    let field = if body.spec.is_some() { "spec" } else { "specRaw" };
    let webhooks = webhooks(&document(body.spec, body.spec_raw)?, field)?;
    let there = state.hooks.event_types(organisation).await?;
    let changed = |webhook: &&Webhook| match there.get(&webhook.name) {
        None => true,
        Some(before) => {
            let mut after = before.settings.clone();
            webhook.apply(&mut after);
            !is_same(&before.settings, &after)
        }
    };
    let changes: Vec<&Webhook> = webhooks.iter().filter(changed).collect();
    let described: BTreeSet<&EventTypeName> = webhooks.iter().map(|webhook| &webhook.name).collect();
    let to_archive = there.values().filter(|event_type| {
        replace_all && !event_type.settings.archived && !described.contains(&event_type.name)
    });
    if !dry_run {
        for webhook in &changes {
            let mut settings = EventTypeSettings::default();
            webhook.apply(&mut settings);
            match there.contains_key(&webhook.name) {
                true => {
                    let change = |settings: &mut _| webhook.apply(settings);
                    state.hooks.event_type_update(organisation, &webhook.name, change).await?;
                }
                false => {
                    state.hooks.event_type_create(organisation, webhook.name.clone(), settings).await?;
                }
            }
        }
        for event_type in to_archive.clone() {
            state.hooks.event_type_update(organisation, &event_type.name, |it| it.archived = true).await?;
        }
    }
    let names =
        changes.iter().map(|webhook| &webhook.name).chain(to_archive.map(|event_type| &event_type.name));
    let modified = names.map(|name| name.as_str().to_owned()).collect();
    let to_modify =
        dry_run.then(|| changes.iter().map(|webhook| EventTypeFromOpenApi::of(webhook)).collect());
    json(
        StatusCode::OK,
        &EventTypeImportOpenApiOut { data: EventTypeImportOpenApiOutData { modified, to_modify } },
    )
}

impl EventTypeFromOpenApi {
    fn of(webhook: &Webhook) -> EventTypeFromOpenApi {
        let flags: Vec<String> = webhook.feature_flags.iter().map(|flag| flag.as_str().to_owned()).collect();
        EventTypeFromOpenApi {
            name: webhook.name.as_str().to_owned(),
            description: webhook.description.clone(),
            schemas: webhook.schema.clone(),
            deprecated: webhook.deprecated,
            group_name: webhook.group_name.as_ref().map(|name| name.as_str().to_owned()),
            feature_flags: (!flags.is_empty()).then_some(flags),
        }
    }
}

/// Whether the settings mean the same: schemas are compared as what they say, not by their spaces.
fn is_same(before: &EventTypeSettings, after: &EventTypeSettings) -> bool {
    let said = |settings: &EventTypeSettings| {
        settings.schemas.as_deref().and_then(|schemas| serde_json::from_str::<Value>(schemas).ok())
    };
    let others = |settings: &EventTypeSettings| EventTypeSettings { schemas: None, ..settings.clone() };
    others(before) == others(after) && said(before) == said(after)
}

fn document(spec: Option<Value>, raw: Option<String>) -> Result<Value, ApiError> {
    match (spec, raw) {
        (Some(document), None) => Ok(document),
        (None, Some(text)) => {
            let unreadable = |msg: String| ApiError::field(["body", "specRaw"], msg, "value_error");
            let document: Value = serde_saphyr::from_str(&text).map_err(|error| {
                let why = in_one_sentence(&error);
                unreadable(format!("specRaw is neither YAML nor JSON that can be read: {why}."))
            })?;
            match nesting::is_bounded(document.to_string().as_bytes()) {
                true => Ok(document),
                false => Err(unreadable(format!("specRaw {}.", nesting::REFUSAL))),
            }
        }
        _ => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "invalid_spec",
            "Give the OpenAPI document either in spec, as JSON, or in specRaw, as text in YAML or JSON.",
        )),
    }
}

/// Why a document cannot be read, and where. The parser's own account would be a drawing of the place over several lines.
fn in_one_sentence(error: &serde_saphyr::Error) -> String {
    let told = error.render_with_options(serde_saphyr::render_options! {
        formatter: &UserMessageFormatter,
        snippets: SnippetMode::Off,
    });
    // It ends with the place, and may quote a part of the document, which may be of any length.
    let (why, place) = told.split_at(told.rfind(" at line ").unwrap_or(told.len()));
    let short: String = why.chars().take(WHY_MAX).collect();
    let cut = if short.len() < why.len() { "…" } else { "" };
    format!("{short}{cut}{place}")
}
