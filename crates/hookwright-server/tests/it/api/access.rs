//! Who may do what: bad tokens, tenants, organisations, and Svix-style tokens.

use hookwright::domain::ids::{ApplicationId, OrganisationId};
use hookwright_testkit::http::{Client, Method};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::rig::{JWT_SECRET, Rig, text};

fn jwt(secret: &str, algorithm: Algorithm, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .unwrap()
}

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let path = "/api/v1/app/ann";
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic b3BlcmF0b3I6",
        "Bearer wrong",
        "Bearer a.b.c",
        "operator-token-of-the-tests",
    ] {
        let answer =
            Client::anonymous(&rig.base).request(Method::GET, path, &[("authorization", header)], "").await;
        let answer = answer.expect(401);
        assert_eq!(answer.json()["code"], "authentication_failed", "{header}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let anonymous = Client::anonymous(&rig.base);
    anonymous.get(path).await.expect(401);
    anonymous.get("/api/v1/app/nobody").await.expect(401);
    anonymous.post("/api/v1/app/ann/msg", &json!({})).await.expect(401);
    anonymous.post("/api/v1/app", &json!({})).await.expect(401);
}

#[tokio::test]
async fn a_tenant_looks_after_its_own_application_and_sees_no_other() {
    let rig = Rig::start().await;
    let (ann, bob) = (rig.application("ann").await, rig.application("bob").await);
    let endpoint = rig.endpoint(&bob, "http://127.0.0.1:9/").await;
    let message = rig.send(&bob, "a.b", json!({})).await;
    let tenant = rig.tenant(&ann).await;

    for own in [ann.as_str(), "ann"] {
        tenant.get(&format!("/api/v1/app/{own}")).await.expect(200);
        tenant.get(&format!("/api/v1/app/{own}/msg")).await.expect(200);
        tenant
            .post(&format!("/api/v1/app/{own}/endpoint"), &json!({"url": "http://127.0.0.1:9/"}))
            .await
            .expect(201);
    }
    tenant.get("/api/v1/event-type").await.expect(200);
    for path in ["", "/endpoint", "/msg", &format!("/endpoint/{endpoint}"), &format!("/msg/{message}")] {
        for other in [bob.as_str(), "bob"] {
            let answer = tenant.get(&format!("/api/v1/app/{other}{path}")).await.expect(404);
            assert_eq!(answer.json()["code"], "not_found");
        }
    }
    // Nor by the way of its own application.
    tenant.get(&format!("/api/v1/app/ann/endpoint/{endpoint}")).await.expect(404);
    tenant.get(&format!("/api/v1/app/ann/endpoint/{endpoint}/secret")).await.expect(404);
    tenant.get(&format!("/api/v1/app/ann/msg/{message}")).await.expect(404);
    tenant.delete(&format!("/api/v1/app/ann/endpoint/{endpoint}")).await.expect(404);
}

#[tokio::test]
async fn a_tenant_does_nothing_that_is_the_organisations() {
    let rig = Rig::start().await;
    let ann = rig.application("ann").await;
    let tenant = rig.tenant(&ann).await;
    let message = json!({"eventType": "a.b", "payload": {}});
    let event_type = json!({"name": "a.b", "description": ""});
    let application = json!({"name": "x"});
    let denied = [
        tenant.get("/api/v1/app").await,
        tenant.post("/api/v1/app", &application).await,
        tenant.put("/api/v1/app/ann", &application).await,
        tenant.patch("/api/v1/app/ann", &application).await,
        tenant.delete("/api/v1/app/ann").await,
        tenant.post("/api/v1/app/ann/msg", &message).await,
        tenant.post("/api/v1/event-type", &event_type).await,
        tenant.put("/api/v1/event-type/a.b", &event_type).await,
        tenant.delete("/api/v1/event-type/a.b").await,
    ];
    for answer in denied {
        assert_eq!(answer.expect(403).json()["detail"], "insufficient access");
    }
}

#[tokio::test]
async fn svix_style_tokens_open_their_organisation_or_their_application() {
    let rig = Rig::start().await;
    let organisation = OrganisationId::from_bytes([5; 20]).to_string();
    let other = OrganisationId::from_bytes([6; 20]).to_string();
    let client = |claims: Value| Client::new(&rig.base, jwt(JWT_SECRET, Algorithm::HS256, &claims));
    let whole =
        client(json!({"iss": "svix-server", "sub": organisation, "iat": 1, "exp": 4_000_000_000_u64}));
    let made = whole.post("/api/v1/app", &json!({"name": "Ann", "uid": "ann"})).await.expect(201).json();
    whole.get("/api/v1/app/ann").await.expect(200);
    // Another organisation, and the default one, are other worlds.
    client(json!({"iss": "svix-server", "sub": other})).get("/api/v1/app/ann").await.expect(404);
    rig.client.get(&format!("/api/v1/app/{}", text(&made["id"]))).await.expect(404);
    rig.application("ann").await;

    let tenant = client(json!({"iss": "svix-server", "sub": made["id"], "org": organisation}));
    tenant.get("/api/v1/app/ann").await.expect(200);
    tenant.get("/api/v1/app").await.expect(403);
    let lost = ApplicationId::from_bytes([9; 20]).to_string();
    client(json!({"iss": "svix-server", "sub": lost, "org": organisation}))
        .get("/api/v1/app/ann")
        .await
        .expect(404);
}

#[tokio::test]
async fn svix_style_tokens_that_are_not_good_are_refused() {
    let rig = Rig::start().await;
    let organisation = OrganisationId::from_bytes([5; 20]).to_string();
    let good = json!({"iss": "svix-server", "sub": organisation});
    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        claims
    };
    let none = format!(
        "{}.{}.",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
        jwt(JWT_SECRET, Algorithm::HS256, &good).split('.').nth(1).unwrap()
    );
    for token in [
        jwt("other secret", Algorithm::HS256, &good),
        jwt(JWT_SECRET, Algorithm::HS384, &good),
        jwt(JWT_SECRET, Algorithm::HS256, &with("iss", json!("somebody"))),
        jwt(JWT_SECRET, Algorithm::HS256, &with("exp", json!(1_000_000_000))),
        jwt(JWT_SECRET, Algorithm::HS256, &with("nbf", json!(4_000_000_000_u64))),
        jwt(JWT_SECRET, Algorithm::HS256, &with("sub", json!("usr_1"))),
        jwt(JWT_SECRET, Algorithm::HS256, &with("org", json!("org_1"))),
        jwt(JWT_SECRET, Algorithm::HS256, &json!({"sub": organisation})),
        none,
    ] {
        Client::new(&rig.base, token).get("/api/v1/app").await.expect(401);
    }
    Client::new(&rig.base, jwt(JWT_SECRET, Algorithm::HS256, &good)).get("/api/v1/app").await.expect(200);
}

#[tokio::test]
async fn an_id_that_another_organisation_has_too_names_the_own_thing_that_has_it_as_uid() {
    let rig = Rig::start().await;
    let theirs = rig.application("ann").await;
    let organisation = OrganisationId::from_bytes([7; 20]).to_string();
    let claims = json!({"iss": "svix-server", "sub": organisation, "exp": 4_000_000_000_u64});
    let client = Client::new(&rig.base, jwt(JWT_SECRET, Algorithm::HS256, &claims));
    let path = format!("/api/v1/app/{theirs}");
    client.get(&path).await.expect(404);
    let ours = client.put(&path, &json!({"name": "Ours"})).await.expect(201).json();
    assert_eq!(ours["uid"], json!(theirs));
    assert_ne!(ours["id"], json!(theirs));
    client.put(&path, &json!({"name": "Ours, changed"})).await.expect(200);
    let seen = client.get(&path).await.expect(200).json();
    assert_eq!((&seen["id"], &seen["name"]), (&ours["id"], &json!("Ours, changed")));
    assert_eq!(rig.client.get(&path).await.expect(200).json()["name"], "ann");
    client.delete(&path).await.expect(204);
    rig.client.get(&path).await.expect(200);
}
