//! The description of the API that is served at `/api/openapi.json` and committed as `openapi.json`.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::api::{
    application, attempt, authentication, background_task, endpoint, event_type, health, ingest, management,
    message, operational_webhook,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Hookwright", description = "Webhooks for a product. The paths and shapes are those of the Svix API."),
    security(("token" = [])),
    modifiers(&BearerToken),
    paths(
        health::up, health::ping, health::ready,
        application::list, application::create, application::show, application::upsert, application::change,
        application::remove,
        event_type::list, event_type::create, event_type::show, event_type::upsert, event_type::change,
        event_type::remove, event_type::import::import,
        endpoint::list, endpoint::create, endpoint::show, endpoint::upsert, endpoint::change, endpoint::remove,
        endpoint::secret::show, endpoint::secret::rotate, endpoint::stats::show, endpoint::example::send,
        endpoint::recovery::recover, endpoint::recovery::replay_missing, endpoint::recovery::bulk_replay,
        endpoint::headers::show, endpoint::headers::replace, endpoint::headers::change,
        message::create::create, message::broadcast::create, message::list, message::show, message::content::expunge,
        attempt::list_by_endpoint, attempt::list_by_message, attempt::show, attempt::content::expunge,
        attempt::destination::list_messages, attempt::destination::list_destinations,
        attempt::destination::resend,
        authentication::portal_access::app_portal_access, authentication::portal_access::dashboard_access,
        authentication::expire_all, authentication::logout,
        authentication::whoami::whoami,
        management::list, management::create, management::show, management::rename, management::change,
        management::expire,
        background_task::list, background_task::show,
        operational_webhook::list, operational_webhook::create, operational_webhook::show,
        operational_webhook::upsert, operational_webhook::remove,
        operational_webhook::secret::show, operational_webhook::secret::rotate,
        operational_webhook::headers::show, operational_webhook::headers::replace,
        ingest::list, ingest::create, ingest::show, ingest::upsert, ingest::change, ingest::remove,
        ingest::token::rotate, ingest::log::list, ingest::log::show, ingest::replay::attempts, ingest::replay::resend,
        ingest::replay::recover, ingest::replay::replay_missing, ingest::replay::bulk_replay,
        ingest::endpoint::list, ingest::endpoint::create, ingest::endpoint::show, ingest::endpoint::upsert,
        ingest::endpoint::remove, ingest::endpoint::secret::show, ingest::endpoint::secret::rotate,
        ingest::endpoint::headers::show, ingest::endpoint::headers::replace,
    ),
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The description of the API, as JSON.
pub fn document() -> String {
    let mut json = Document::openapi().to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// `GET /api/openapi.json`
pub(super) async fn show() -> Response {
    static BODY: LazyLock<Bytes> = LazyLock::new(|| document().into());
    ([(CONTENT_TYPE, "application/json")], BODY.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Set to write the file instead of comparing it.
    const UPDATE: &str = "HOOKWRIGHT_UPDATE_OPENAPI";

    #[test]
    fn the_committed_description_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(path, document()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == document(),
            "openapi.json is out of date; run: {UPDATE}=1 cargo test --release -p hookwright-server --lib openapi"
        );
    }

    #[test]
    fn every_operation_that_is_served_is_described_and_the_other_way_round() {
        let json: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let described: BTreeSet<(String, String)> = json["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, operations)| {
                operations.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
            })
            .collect();
        let served = crate::api::operations().served.into_iter();
        let served: BTreeSet<(String, String)> = served
            .chain(message::create::operations().served)
            .map(|(method, path)| (method.to_owned(), path))
            .collect();
        assert_eq!(described, served);
    }
}
