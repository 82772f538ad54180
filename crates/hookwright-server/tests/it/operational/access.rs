//! Whose operational webhooks are, and that nobody reaches the application they belong to.

use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::ids::OrganisationId;
use hookwright::hooks::NewEndpoint;
use hookwright_testkit::http::Client;
use hookwright_testkit::{Receiver, eventually};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{PATH, listen, types};
use crate::api::rig::{JWT_SECRET, Rig, column, text};

/// A client of an organisation of its own.
fn of_organisation(rig: &Rig, number: u8) -> Client {
    let organisation = OrganisationId::from_bytes([number; 20]).to_string();
    let claims = json!({"iss": "svix-server", "sub": organisation, "exp": 4_000_000_000_u64});
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    Client::new(&rig.base, jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
}

#[tokio::test]
async fn an_organisation_is_told_of_its_own_alone() {
    let (rig, ours, theirs) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    let other = of_organisation(&rig, 5);
    let id = text(&listen(&rig, &ours, &[]).await["id"]);
    other.post(PATH, &json!({"url": theirs.url("/"), "uid": "theirs"})).await.expect(201);
    assert_eq!(column(&other.get(PATH).await.expect(200), "uid"), ["theirs"]);
    other.get(&format!("{PATH}/{id}")).await.expect(404);
    other.delete(&format!("{PATH}/{id}")).await.expect(404);
    rig.client.get(&format!("{PATH}/theirs")).await.expect(404);

    other.post("/api/v1/app", &json!({"name": "Bob", "uid": "bob"})).await.expect(201);
    other.post("/api/v1/app/bob/endpoint", &json!({"url": "http://127.0.0.1:9/"})).await.expect(201);
    theirs.wait_for(1).await;
    rig.application("ann").await;
    rig.endpoint("ann", "http://127.0.0.1:9/").await;
    assert_eq!(ours.wait_for(1).await[0].json()["data"]["appUid"], "ann");
    assert_eq!((types(&ours).len(), types(&theirs).len()), (1, 1));
}

#[tokio::test]
async fn the_application_behind_them_is_in_no_list_and_at_no_path() {
    let (rig, own) = (Rig::start().await, Receiver::start().await);
    let organisation = rig.hooks.default_organisation();
    let settings = EndpointSettings { url: own.url("/"), ..EndpointSettings::default() };
    let new = NewEndpoint { settings, ..NewEndpoint::default() };
    // Over the API nobody learns its id; the crate knows it.
    let made = rig.hooks.operational_endpoint_create(organisation, new).await.unwrap();
    rig.application("ann").await;
    rig.endpoint("ann", "http://127.0.0.1:9/").await;
    own.wait_for(1).await;

    let hidden = made.application;
    for query in ["", "?order=descending", "?exclude_apps_with_no_endpoints=true"] {
        let listed = rig.client.get(&format!("/api/v1/app{query}")).await.expect(200);
        assert_eq!(column(&listed, "uid"), ["ann"], "{query}");
    }
    let app = format!("/api/v1/app/{hidden}");
    for path in [
        "",
        "/endpoint",
        "/msg",
        &format!("/endpoint/{}", made.id),
        &format!("/attempt/endpoint/{}", made.id),
    ] {
        rig.client.get(&format!("{app}{path}")).await.expect(404);
    }
    rig.client.post(&format!("{app}/msg"), &json!({"eventType": "a.b", "payload": {}})).await.expect(404);
    rig.client.post(&format!("{app}/endpoint"), &json!({"url": "http://127.0.0.1:9/"})).await.expect(404);
    rig.client.post(&format!("/api/v1/auth/app-portal-access/{hidden}"), &json!({})).await.expect(404);
    rig.client.patch(&app, &json!({"name": "mine"})).await.expect(404);
    rig.client.delete(&app).await.expect(404);
    // Nor by a token that claims to be for it.
    let tenant = rig.tenant(&hidden.to_string()).await;
    tenant.get(&app).await.expect(404);
    tenant.get(PATH).await.expect(403);

    // It is not among what the operator looks at either.
    let recent = eventually("the customer's message", async || {
        rig.send("ann", "book.added", json!({})).await;
        let recent = rig.hooks.message_recent(organisation, 10).await.unwrap();
        if recent.is_empty() { Err(()) } else { Ok(recent) }
    })
    .await;
    assert!(recent.iter().all(|it| it.message.application != hidden), "{recent:?}");
}
