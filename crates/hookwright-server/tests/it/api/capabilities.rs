//! What each capability allows: every operation of the API, asked for with every kind of token.

use std::collections::BTreeSet;

use hookwright::domain::capability::{Capabilities, Capability};
use hookwright::domain::token::{Scope, TokenSettings};
use hookwright_testkit::http::{Client, Method};
use serde_json::{Value, json};

use super::rig::{Rig, text};

/// What an operation needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// No token, or any that is good: not asked here.
    Nothing,
    /// This capability, of an application's token too.
    Capability(Capability),
    /// To read, in the whole organisation.
    OrganisationToRead,
    /// All.
    Everything,
}

/// Every operation must be here: what it needs is a decision.
fn needs(operation: &str) -> Needs {
    use Capability::*;
    match operation {
        "v1.health.get" | "v1.health.ping" | "v1.health.ready" => Needs::Nothing,
        "v1.authentication.whoami" | "v1.authentication.logout" => Needs::Nothing,
        "v1.application.get" | "v1.event-type.list" | "v1.event-type.get" => Needs::Capability(ViewBase),
        "v1.endpoint.list" | "v1.endpoint.get" | "v1.endpoint.get-headers" | "v1.endpoint.get-stats" => {
            Needs::Capability(ViewBase)
        }
        "v1.message.list" | "v1.message.get" => Needs::Capability(ViewBase),
        "v1.message-attempt.list-by-endpoint"
        | "v1.message-attempt.list-by-msg"
        | "v1.message-attempt.get"
        | "v1.message-attempt.list-attempted-messages"
        | "v1.message-attempt.list-attempted-destinations" => Needs::Capability(ViewBase),
        "v1.background-task.list" | "v1.background-task.get" => Needs::Capability(ViewBase),
        "v1.endpoint.get-secret" => Needs::Capability(ViewEndpointSecret),
        "v1.endpoint.rotate-secret" => Needs::Capability(ManageEndpointSecret),
        "v1.endpoint.recover"
        | "v1.endpoint.replay-missing"
        | "v1.endpoint.bulk-replay"
        | "v1.endpoint.send-example"
        | "v1.message-attempt.resend" => Needs::Capability(CreateAttempts),
        "v1.endpoint.create"
        | "v1.endpoint.upsert"
        | "v1.endpoint.patch"
        | "v1.endpoint.delete"
        | "v1.endpoint.set-headers"
        | "v1.endpoint.patch-headers" => Needs::Capability(ManageEndpoint),
        "v1.application.list"
        | "v1.operational-webhook.endpoint.list"
        | "v1.operational-webhook.endpoint.get"
        | "v1.operational-webhook.endpoint.get-headers" => Needs::OrganisationToRead,
        "v1.application.create"
        | "v1.application.upsert"
        | "v1.application.patch"
        | "v1.application.delete"
        | "v1.event-type.create"
        | "v1.event-type.upsert"
        | "v1.event-type.patch"
        | "v1.event-type.delete"
        | "v1.event-type.import-openapi"
        | "v1.message.create"
        | "v1.broadcast.create"
        | "v1.message.expunge-content"
        | "v1.message-attempt.expunge-content"
        | "v1.authentication.app-portal-access"
        | "v1.authentication.dashboard-access"
        | "v1.authentication.expire-all" => Needs::Everything,
        ingest if ingest.starts_with("v1.ingest.") => Needs::Everything,
        operational if operational.starts_with("v1.operational-webhook.endpoint.") => Needs::Everything,
        management if management.starts_with("v1.management.") => Needs::Everything,
        other => panic!("what does {other} need?"),
    }
}

/// The capabilities that allow what needs this one.
fn granted_by(capability: Capability) -> BTreeSet<&'static str> {
    use Capability::*;
    let granting = match capability {
        ViewBase => return Capability::OF_APPLICATION.map(Capability::word).into(),
        ViewEndpointSecret => vec![ViewEndpointSecret, ManageEndpointSecret, ManageEndpoint],
        ManageEndpointSecret => vec![ManageEndpointSecret, ManageEndpoint],
        other => vec![other],
    };
    granting.into_iter().map(Capability::word).collect()
}

async fn token(rig: &Rig, scope: Scope, capabilities: impl IntoIterator<Item = Capability>) -> Client {
    let capabilities = Capabilities::from_iter(capabilities);
    let settings = TokenSettings { capabilities, ..TokenSettings::new("limited", scope) };
    Client::new(&rig.base, rig.hooks.token_create(settings).await.unwrap().text.as_str())
}

/// Method, path and operation id of everything that is served, on this application.
async fn operations(rig: &Rig, application: &str) -> Vec<(Method, String, Needs)> {
    let document = rig.client.get("/api/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let environment = rig.hooks.default_organisation().to_string();
            let path = path.replace("{app_id}", application).replace("{env_id}", &environment);
            let path = path.split('/').map(|part| if part.starts_with('{') { "none" } else { part });
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let needed = needs(&text(&operation["operationId"]));
            operations.push((method, path.collect::<Vec<_>>().join("/"), needed));
        }
    }
    operations
}

/// Asks for each operation and compares whether it is denied; what is allowed fails in other ways, for want of a body.
async fn check(rig: &Rig, application: &str, client: &Client, allowed: impl Fn(Needs) -> bool, who: &str) {
    for (method, path, needed) in operations(rig, application).await {
        if needed == Needs::Nothing {
            continue;
        }
        let answer = client.request(method.clone(), &path, &[], "").await;
        assert_eq!(answer.status != 403, allowed(needed), "{who}: {method} {path}: {}", answer.text());
        if answer.status == 403 {
            let problem = answer.json();
            assert_eq!(problem["code"], "insufficient_access");
            if let Needs::Capability(capability) = needed {
                let missing = format!("insufficient access: the token lacks the capability {capability}");
                assert_eq!(problem["detail"], missing);
            }
        }
    }
}

#[tokio::test]
async fn an_applications_token_does_what_its_capabilities_allow_and_nothing_else() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await.parse().unwrap();
    let scope = Scope::Application(rig.hooks.default_organisation(), application);
    for held in Capability::OF_APPLICATION {
        let client = token(&rig, scope, [held]).await;
        let allowed = |needed| match needed {
            Needs::Capability(needed) => granted_by(needed).contains(held.word()),
            _ => false,
        };
        check(&rig, "ann", &client, allowed, held.word()).await;
    }
    // Not even if somebody wrote so.
    let client = token(&rig, scope, [Capability::ManageOrganisation]).await;
    let views = |needed| needed == Needs::Capability(Capability::ViewBase);
    check(&rig, "ann", &client, views, "ManageOrganisation on an application").await;
}

#[tokio::test]
async fn an_organisations_token_that_only_reads_reads_everything_but_secrets_and_tokens() {
    let rig = Rig::start().await;
    let scope = Scope::Organisation(rig.hooks.default_organisation());
    let reads =
        |needed| needed == Needs::OrganisationToRead || needed == Needs::Capability(Capability::ViewBase);
    check(&rig, "gone", &token(&rig, scope, []).await, reads, "reads").await;
    let on_call = token(&rig, scope, [Capability::CreateAttempts]).await;
    let resends = |needed| reads(needed) || needed == Needs::Capability(Capability::CreateAttempts);
    check(&rig, "gone", &on_call, resends, "resends").await;
    let all = token(&rig, scope, [Capability::ManageOrganisation]).await;
    check(&rig, "gone", &all, |_| true, "everything").await;
    let denied = token(&rig, scope, []).await.post("/api/v1/app", &json!({"name": "x"})).await.expect(403);
    let detail = text(&denied.json()["detail"]);
    assert_eq!(detail, "insufficient access: the token lacks the capability ManageOrganisation");
}

#[tokio::test]
async fn the_answer_to_one_who_may_is_not_repeated_to_one_who_may_not() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    let endpoint = rig.endpoint(&application, "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/secret/rotate");
    let key = [("idempotency-key", "a-key-that-can-be-guessed")];
    let organisation = rig.hooks.default_organisation();
    let scopes =
        [Scope::Organisation(organisation), Scope::Application(organisation, application.parse().unwrap())];
    for scope in scopes {
        let whole = token(&rig, scope, scope.capabilities().iter()).await;
        let first = whole.request(Method::POST, &path, &key, "{}").await.expect(200);
        let again = whole.request(Method::POST, &path, &key, "{}").await.expect(200);
        assert_eq!(first.json(), again.json());
        for limited in scopes {
            let viewer = token(&rig, limited, []).await;
            viewer.request(Method::POST, &path, &key, "{}").await.expect(403);
        }
    }
}

#[tokio::test]
async fn secrets_are_shown_to_nobody_who_may_not_see_them() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    let body = json!({"url": "http://127.0.0.1:9/", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                      "headers": {"authorization": "Basic hidden-secret"}});
    let made = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201).json();
    let endpoint = text(&made["id"]);
    let scope = Scope::Application(rig.hooks.default_organisation(), application.parse().unwrap());
    let viewer = token(&rig, scope, []).await;
    let mut seen = String::new();
    for path in ["", &format!("/{endpoint}"), &format!("/{endpoint}/headers")] {
        seen += &viewer.get(&format!("/api/v1/app/ann/endpoint{path}")).await.expect(200).text();
    }
    assert!(!seen.contains("MfKQ9r8G") && !seen.contains("hidden-secret"), "{seen}");
    viewer.get(&format!("/api/v1/app/ann/endpoint/{endpoint}/secret")).await.expect(403);
    let sees = token(&rig, scope, [Capability::ViewEndpointSecret]).await;
    let shown = sees.get(&format!("/api/v1/app/ann/endpoint/{endpoint}/secret")).await.expect(200).json();
    assert_eq!(shown["key"], body["secret"]);
}

#[tokio::test]
async fn whoami_tells_what_a_token_is() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    let organisation = rig.hooks.default_organisation().to_string();
    let who = rig.client.get("/api/v1/auth/whoami").await.expect(200).json();
    assert_eq!((&who["envId"], &who["appId"]), (&json!(organisation), &Value::Null));
    let body = json!({"readOnly": true, "sessionId": "user_1@shop"});
    let portal = rig.client.post("/api/v1/auth/app-portal-access/ann", &body).await.expect(200).json();
    let portal = Client::new(&rig.base, text(&portal["token"]));
    let who = portal.get("/api/v1/auth/whoami").await.expect(200).json();
    assert_eq!(
        who,
        json!({"envId": organisation, "appId": application, "permissionSource": "RegionalAuthToken",
               "sessionId": "user_1@shop", "capabilities": ["ViewBase"]})
    );
    Client::anonymous(&rig.base).get("/api/v1/auth/whoami").await.expect(401);
}
