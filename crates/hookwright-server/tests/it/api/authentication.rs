//! Tokens for an application's customers: made, ended one by one, and ended all at once.

use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::time::Timestamp;
use hookwright::domain::token::TokenFilter;
use hookwright_testkit::http::{Client, Method};
use serde_json::{Value, json};

use super::rig::{Rig, text, wrong_place};

async fn access(rig: &Rig, application: &str, body: Value) -> (String, Client) {
    let path = format!("/api/v1/auth/app-portal-access/{application}");
    let answer = rig.client.post(&path, &body).await.expect(200).json();
    (text(&answer["url"]), Client::new(&rig.base, text(&answer["token"])))
}

/// In how many seconds the newest token expires.
async fn expires_in(rig: &Rig) -> u64 {
    let newest = PageRequest::first(1, Order::Descending);
    let tokens =
        rig.hooks.token_list(rig.hooks.default_organisation(), TokenFilter::All, newest).await.unwrap();
    let expires_at: Timestamp = tokens.items[0].settings.expires_at.unwrap();
    expires_at.since(rig.hooks.clock().now()).as_secs()
}

#[tokio::test]
async fn a_token_for_the_portal_is_the_applications_and_expires() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    rig.application("bob").await;
    let (url, tenant) = access(&rig, "ann", json!({})).await;
    assert_eq!(url, format!("{}/app-portal/{application}", rig.base));
    tenant.get("/api/v1/app/ann/endpoint").await.expect(200);
    tenant.get("/api/v1/app/bob/endpoint").await.expect(404);
    tenant.get("/api/v1/app").await.expect(403);
    let week = 7 * 24 * 3_600;
    assert!((week - 60..=week).contains(&expires_in(&rig).await));
    access(&rig, &application, json!({"expiry": 3_600, "sessionId": "s", "featureFlags": []})).await;
    assert!((3_540..=3_600).contains(&expires_in(&rig).await));
    let page = Client::anonymous(&rig.base).get(&format!("/app-portal/{application}")).await.expect(200);
    assert!(page.text().contains("The portal is not there yet"), "{}", page.text());

    let inline = json!({"application": {"name": "New"}});
    let (_, newcomer) = access(&rig, "newcomer", inline.clone()).await;
    assert_eq!(newcomer.get("/api/v1/app/newcomer").await.expect(200).json()["name"], "New");
    rig.client.post("/api/v1/auth/app-portal-access/nobody", &json!({})).await.expect(404);
    tenant.post("/api/v1/auth/app-portal-access/ann", &json!({})).await.expect(403);
}

#[tokio::test]
async fn what_a_token_for_the_portal_cannot_be_is_refused() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let path = "/api/v1/auth/app-portal-access/ann";
    for (body, place) in [
        (json!({"expiry": 0}), "body.expiry"),
        (json!({"expiry": 2_592_001}), "body.expiry"),
        (json!({"expiry": -1}), "body.expiry"),
        (json!({"readOnly": true, "capabilities": ["ViewBase", "ManageEndpoint"]}), "body.readOnly"),
        (json!({"readonly": true}), "body.readonly"),
        (json!({"capabilities": ["ManageEndpoint"]}), "body.capabilities"),
        (json!({"capabilities": ["ViewBase", "ManageOrganisation"]}), "body.capabilities"),
        (json!({"capabilities": []}), "body.capabilities"),
        (json!({"featureFlags": ["a b"]}), "body.featureFlags.0"),
        (json!({"featureFlags": vec!["a"; 26]}), "body.featureFlags"),
        (json!({"sessionId": ""}), "body.sessionId"),
        (json!({"sessionId": "a.b"}), "body.sessionId"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(path, &body).await.expect(422)), place, "{body}");
    }
    let all = [
        "ViewBase",
        "ViewEndpointSecret",
        "ManageEndpointSecret",
        "ManageTransformations",
        "CreateAttempts",
        "ManageEndpoint",
    ];
    let body = json!({"expiry": 2_592_000, "readOnly": false, "capabilities": all});
    rig.client.post(path, &body).await.expect(200);
    // Without a body, as some clients send it.
    rig.client.request(Method::POST, path, &[], "").await.expect(200);
}

#[tokio::test]
async fn a_token_that_logs_out_is_good_for_nothing_and_others_stay() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let (_, first) = access(&rig, "ann", json!({})).await;
    let (_, second) = access(&rig, "ann", json!({})).await;
    assert_eq!(first.post("/api/v1/auth/logout", &json!({})).await.expect(204).text(), "");
    first.get("/api/v1/app/ann").await.expect(401);
    first.post("/api/v1/auth/logout", &json!({})).await.expect(401);
    second.get("/api/v1/app/ann").await.expect(200);
    let refused = rig.client.post("/api/v1/auth/logout", &json!({})).await.expect(400);
    assert_eq!(refused.json()["code"], "token_not_revocable");
    rig.client.get("/api/v1/app/ann").await.expect(200);
}

#[tokio::test]
async fn all_tokens_of_an_application_end_at_once_or_after_a_while() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    rig.application("bob").await;
    let (_, portal) = access(&rig, "ann", json!({})).await;
    let made = rig.tenant(&application).await;
    let (_, bob) = access(&rig, "bob", json!({})).await;
    let path = "/api/v1/auth/app/ann/expire-all";
    portal.post(path, &json!({})).await.expect(403);
    for (body, place) in [
        (json!({"expiry": 259_201}), "body.expiry"),
        (json!({"sessionIds": ["s", "s s"]}), "body.sessionIds.1"),
        (json!({"sessionId": "s"}), "body.sessionId"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(path, &body).await.expect(422)), place, "{body}");
    }
    rig.client.post(path, &json!({"expiry": 259_200})).await.expect(204);
    for tenant in [&portal, &made] {
        tenant.get("/api/v1/app/ann").await.expect(200);
    }
    assert_eq!(rig.client.post(path, &json!({})).await.expect(204).text(), "");
    for tenant in [&portal, &made] {
        tenant.get("/api/v1/app/ann").await.expect(401);
    }
    bob.get("/api/v1/app/bob").await.expect(200);
    let (_, later) = access(&rig, "ann", json!({})).await;
    later.get("/api/v1/app/ann").await.expect(200);
    rig.client.post("/api/v1/auth/app/nobody/expire-all", &json!({})).await.expect(404);
}

#[tokio::test]
async fn the_tokens_of_some_sessions_end_and_others_stay() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.application("bob").await;
    let (_, first) = access(&rig, "ann", json!({"sessionId": "one"})).await;
    let (_, second) = access(&rig, "ann", json!({"sessionId": "two"})).await;
    let (_, without) = access(&rig, "ann", json!({})).await;
    let (_, bob) = access(&rig, "bob", json!({"sessionId": "one"})).await;
    let path = "/api/v1/auth/app/ann/expire-all";
    rig.client.post(path, &json!({"sessionIds": ["one", "nobody"]})).await.expect(204);
    first.get("/api/v1/app/ann").await.expect(401);
    second.get("/api/v1/app/ann").await.expect(200);
    without.get("/api/v1/app/ann").await.expect(200);
    bob.get("/api/v1/app/bob").await.expect(200);
    rig.client.post(path, &json!({"sessionIds": []})).await.expect(204);
    second.get("/api/v1/app/ann").await.expect(401);
    without.get("/api/v1/app/ann").await.expect(401);
}
