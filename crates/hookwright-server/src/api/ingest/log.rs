//! `/ingest/api/v1/source/{source_id}/log`: what came to a source.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwright::domain::capability::Capability;
use hookwright::domain::ids::MessageId;
use hookwright::domain::inbound::Inbound;
use hookwright::domain::page::Order;
use hookwright::domain::short_ids::{InboundId, SourceId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::{Shown, json};
use crate::api::error::{ApiError, Problem};
use crate::api::operations::Operations;
use crate::api::page::{ListResponse, PageParams};
use crate::api::path::{RequestPath, SourcePath};
use crate::api::query::Query;
use crate::api::time::Rfc3339;
use crate::auth::{OrganisationCaller, needs};
use crate::server::AppState;

pub(super) fn operations() -> Operations {
    let whole = |route| needs(Capability::ManageOrganisation, route);
    Operations::new().add::<__path_list>(whole(get(list))).add::<__path_show>(whole(get(show)))
}

/// A request that came to a source.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct IngestLogOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<InboundId>,
    /// The source.
    #[schema(value_type = String)]
    source_id: Shown<SourceId>,
    /// What it was answered with.
    status_code: u16,
    /// `verified`, `duplicate`, `handshake` or `refused`; where the sender is asked, `confirmed`, `unconfirmed` or `refused`.
    verdict: &'static str,
    /// Why it was refused, or whatever else is to be known of it; empty if there is nothing.
    error_text: &'a str,
    /// Its method.
    method: &'a str,
    /// Its path, without the token.
    path: &'a str,
    /// Its query; values of parameters that may be credentials are not shown.
    query: Option<&'a str>,
    /// Its headers; values that may be credentials are not kept.
    headers: BTreeMap<&'a str, String>,
    /// Its body as text; of one that was refused only the beginning, of a copy nothing, unless it has another body than the first.
    payload: Cow<'a, str>,
    /// Its body in base64, if it is no text: what is none of UTF-8 cannot be read from `payload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    /// The message that is forwarded, if it was verified.
    #[schema(value_type = Option<String>)]
    msg_id: Option<Shown<MessageId>>,
    /// The event type of that message.
    event_type: Option<&'a str>,
    /// The request that it is a copy of, if it is one; that may have gone from the log.
    #[schema(value_type = Option<String>)]
    copy_of: Option<Shown<InboundId>>,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl IngestLogOut<'_> {
    fn of(source: SourceId, row: &Inbound) -> IngestLogOut<'_> {
        let mut headers = BTreeMap::new();
        for (name, value) in &row.headers {
            let values: &mut String = headers.entry(name.as_str()).or_default();
            if !values.is_empty() {
                values.push_str(", ");
            }
            values.push_str(value);
        }
        let payload = String::from_utf8_lossy(&row.body);
        let is_text = matches!(payload, Cow::Borrowed(_));
        IngestLogOut {
            id: Shown(row.id),
            source_id: Shown(source),
            status_code: row.status,
            verdict: row.verdict.word(),
            error_text: row.reason.as_deref().unwrap_or_default(),
            method: &row.method,
            path: &row.path,
            query: row.query.as_deref(),
            headers,
            payload,
            payload_base64: (!is_text).then(|| STANDARD.encode(&row.body)),
            msg_id: row.message.map(Shown),
            event_type: row.event_type.as_ref().map(|name| name.as_str()),
            copy_of: row.copy_of.map(Shown),
            created_at: Rfc3339(row.received_at),
            updated_at: Rfc3339(row.received_at),
        }
    }
}

/// Lists the requests that came to a source, newest first, those that were refused too.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/log", operation_id = "v1.ingest.log.list",
    tag = "Ingest Source",
    params(("source_id" = String, Path, description = "The source's id or uid."), PageParams),
    responses((status = 200, body = ListResponse<IngestLogOut>), (status = 404, body = Problem)))]
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
    query: Query,
) -> Result<Response, ApiError> {
    let (request, asked) = PageParams::of(&query)?.request(Order::Descending)?;
    let source = state.hooks.source_get(organisation, &named).await?.source.id;
    let page = state.hooks.source_log(organisation, &named, request).await?;
    let data = page.items.iter().map(|row| IngestLogOut::of(source, row)).collect();
    json(StatusCode::OK, &ListResponse::of(&page, asked, |row| row.id, data))
}

/// A request that came to a source.
#[utoipa::path(get, path = "/ingest/api/v1/source/{source_id}/log/{log_id}", operation_id = "v1.ingest.log.get",
    tag = "Ingest Source",
    params(
        ("source_id" = String, Path, description = "The source's id or uid."),
        ("log_id" = String, Path, description = "The request's id in the log."),
    ),
    responses((status = 200, body = IngestLogOut), (status = 404, body = Problem)))]
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    OrganisationCaller(organisation): OrganisationCaller,
    SourcePath(named): SourcePath,
    RequestPath(request): RequestPath,
) -> Result<Response, ApiError> {
    let source = state.hooks.source_get(organisation, &named).await?.source.id;
    let row = state.hooks.source_log_get(organisation, &named, request).await?;
    json(StatusCode::OK, &IngestLogOut::of(source, &row))
}
