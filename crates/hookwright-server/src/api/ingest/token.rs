//! `/ingest/api/v1/source/{source_id}/token/rotate`: another URL for a source.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use hookwright::domain::capability::Capability;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::json;
use crate::api::body::OptionalJsonBody;
use crate::api::error::{ApiError, Invalid, Problem};
use crate::api::fields::Fields;
use crate::api::operations::Operations;
use crate::api::path::SourcePath;
use crate::auth::{OrganisationCaller, needs};
use crate::inbound::ingest_url;
use crate::server::AppState;

/// How long a replaced URL is good, unless the caller says otherwise: two days.
const GRACE_SECONDS_DEFAULT: u32 = 48 * 3_600;
/// How long a replaced URL may be good: a week.
const GRACE_SECONDS_MAX: u32 = 7 * 24 * 3_600;

pub(super) fn operations() -> Operations {
    Operations::new().add::<__path_rotate>(needs(Capability::ManageOrganisation, post(rotate)))
}

/// How a source's URL is replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct RotateTokenIn {
    /// How many seconds the old URL is good.
    #[serde(default)]
    #[schema(maximum = 604800, default = 172800)]
    grace_period_seconds: Option<u32>,
}

/// A source's new URL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct RotateTokenOut {
    /// Where its provider sends from now on.
    ingest_url: String,
}

/// Gives a source another URL; the old one is good for a while.
#[utoipa::path(post, path = "/ingest/api/v1/source/{source_id}/token/rotate",
    operation_id = "v1.ingest.source.rotate-token", tag = "Ingest Source",
    params(("source_id" = String, Path, description = "Its id or uid.")),
    request_body = RotateTokenIn,
    responses(
        (status = 200, description = "The new URL.", body = RotateTokenOut),
        (status = 404, body = Problem),
        (status = 422, description = "A value cannot be used.", body = Invalid),
    ))]
pub(in crate::api) async fn rotate(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
    OptionalJsonBody(body): OptionalJsonBody<RotateTokenIn>,
) -> Result<Response, ApiError> {
    let grace = body.grace_period_seconds.unwrap_or(GRACE_SECONDS_DEFAULT);
    let mut fields = Fields::default();
    if grace > GRACE_SECONDS_MAX {
        fields.refuse("gracePeriodSeconds", format_args!("must be at most {GRACE_SECONDS_MAX}"));
    }
    fields.finish()?;
    let grace = Duration::from_secs(grace.into());
    let rotated = state.hooks.source_rotate_token(organisation, &named, grace).await?;
    let ingest_url = ingest_url(&state.options.public_url, rotated.source.id, &rotated.token);
    json(StatusCode::OK, &RotateTokenOut { ingest_url })
}
