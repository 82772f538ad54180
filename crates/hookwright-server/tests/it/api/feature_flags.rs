//! Event types behind feature flags: who sees them, and who may filter by them.

use hookwright::domain::ids::OrganisationId;
use hookwright_testkit::http::Client;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::rig::{JWT_SECRET, Rig, column, text, wrong_place};

/// `open` to all, `beta` and `wide` to those with the flag beta, `wide` to those with gold too.
async fn event_types(client: &Client) {
    for (name, flags) in [("open", json!(null)), ("beta", json!(["beta"])), ("wide", json!(["gold", "beta"]))]
    {
        let body = json!({"name": name, "description": "", "featureFlags": flags});
        client.post("/api/v1/event-type", &body).await.expect(201);
    }
}

async fn portal(rig: &Rig, flags: Value) -> Client {
    let body = json!({"featureFlags": flags});
    let made = rig.client.post("/api/v1/auth/app-portal-access/ann", &body).await.expect(200).json();
    Client::new(&rig.base, text(&made["token"]))
}

async fn sees(client: &Client, wanted: &[&str]) {
    assert_eq!(column(&client.get("/api/v1/event-type").await.expect(200), "name"), wanted);
    for name in ["open", "beta", "wide"] {
        let status = if wanted.contains(&name) { 200 } else { 404 };
        client.get(&format!("/api/v1/event-type/{name}")).await.expect(status);
    }
}

#[tokio::test]
async fn an_applications_token_sees_what_its_flags_open_and_an_organisation_sees_all() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    event_types(&rig.client).await;
    sees(&rig.client, &["beta", "open", "wide"]).await;
    sees(&portal(&rig, json!([])).await, &["open"]).await;
    sees(&portal(&rig, json!(["other", "gold"])).await, &["open", "wide"]).await;
    sees(&portal(&rig, json!(["beta"])).await, &["beta", "open", "wide"]).await;
    // Pages hold only what is seen.
    let page = portal(&rig, json!(["gold"])).await.get("/api/v1/event-type?limit=1").await.expect(200);
    assert_eq!((column(&page, "name"), &page.json()["done"]), (vec![json!("open")], &json!(false)));
}

#[tokio::test]
async fn a_filter_by_what_is_not_seen_is_refused_as_if_it_were_not_registered() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    event_types(&rig.client).await;
    let (none, gold) = (portal(&rig, json!([])).await, portal(&rig, json!(["gold"])).await);
    let list = "/api/v1/app/ann/endpoint";
    let body = |types: &[&str]| json!({"url": "http://127.0.0.1:9/", "eventTypes": types});
    let unknown = none.post(list, &body(&["open", "nowhere"])).await.expect(422).json();
    let hidden = none.post(list, &body(&["open", "wide"])).await.expect(422);
    assert_eq!(wrong_place(&hidden), "body.eventTypes");
    assert_eq!(hidden.text().replace("wide", "nowhere"), unknown.to_string());
    none.put(&format!("{list}/new"), &body(&["wide"])).await.expect(422);
    gold.put(&format!("{list}/new"), &body(&["wide"])).await.expect(201);

    // What it filters by already may be written back and taken away, but not added.
    let one = format!("{list}/new");
    none.put(&one, &body(&["wide", "open"])).await.expect(200);
    none.patch(&one, &json!({"eventTypes": ["wide", "beta"]})).await.expect(422);
    none.patch(&one, &json!({"description": "x"})).await.expect(200);
    none.patch(&one, &json!({"eventTypes": ["open"]})).await.expect(200);
    none.patch(&one, &json!({"eventTypes": ["wide"]})).await.expect(422);
    none.patch(&format!("{list}/nobody"), &json!({"eventTypes": ["wide"]})).await.expect(404);
    rig.client.patch(&one, &json!({"eventTypes": ["beta"]})).await.expect(200);
}

#[tokio::test]
async fn no_example_is_sent_of_what_is_not_seen() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    event_types(&rig.client).await;
    let endpoint = rig.endpoint(&application, "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/send-example");
    let body = json!({"eventType": "beta"});
    let refused = portal(&rig, json!(["gold"])).await.post(&path, &body).await.expect(422);
    assert_eq!(wrong_place(&refused), "body.eventType");
    portal(&rig, json!(["beta"])).await.post(&path, &body).await.expect(202);
}

#[tokio::test]
async fn svix_style_tokens_hold_the_flags_that_they_were_signed_with() {
    let rig = Rig::start().await;
    let organisation = OrganisationId::from_bytes([5; 20]).to_string();
    let client = |claims: Value| {
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        Client::new(&rig.base, jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
    };
    let whole = client(json!({"iss": "svix-server", "sub": organisation}));
    event_types(&whole).await;
    let application = whole.post("/api/v1/app", &json!({"name": "Ann"})).await.expect(201).json();
    let tenant = |flags| {
        client(json!({"iss": "svix-server", "sub": application["id"], "org": organisation,
                      "feature_flags": flags}))
    };
    sees(&whole, &["beta", "open", "wide"]).await;
    sees(&tenant(json!(["gold", "no flag"])), &["open", "wide"]).await;
    sees(&tenant(json!(null)), &["open"]).await;
}
