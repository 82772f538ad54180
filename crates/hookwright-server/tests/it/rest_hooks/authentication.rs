//! Who may see and change which hooks.

use base64::Engine;
use hookwright_testkit::Launch;
use hookwright_testkit::http::{Answer, Client, Method};
use serde_json::{Value, json};

use super::library;
use crate::api::rig::{Rig, TOKEN, text};
use crate::cli::hookwright;

fn hook() -> Value {
    json!({"target": "http://127.0.0.1:9/", "event": "book.added"})
}

/// A token of this application, as text.
async fn token(rig: &Rig, application: &str) -> String {
    let path = format!("/api/v1/auth/app-portal-access/{application}");
    text(&rig.client.post(&path, &json!({})).await.expect(200).json()["token"])
}

async fn get(rig: &Rig, path: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", *value)).collect();
    Client::anonymous(&rig.base).request(Method::GET, path, &headers, "").await
}

#[tokio::test]
async fn a_user_may_say_who_calls_in_three_ways() {
    let (rig, _) = library().await;
    let key = token(&rig, "ann").await;
    let escaped: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let query = format!("?username=ann&api_key={escaped}");
    let anonymous = Client::anonymous(&rig.base);
    let made = anonymous.post(&format!("/api/hooks{query}"), &hook()).await.expect(201).json();
    let one = format!("/api/hooks/{}", text(&made["id"]));
    for (path, header) in [
        (format!("{one}{query}"), None),
        (format!("{one}/{query}"), None),
        (one.clone(), Some(format!("ApiKey ann:{key}"))),
        (one.clone(), Some(format!("apikey ann:{key}"))),
        (one.clone(), Some(format!("Bearer {key}"))),
    ] {
        assert_eq!(get(&rig, &path, header.as_deref()).await.expect(200).json(), made, "{header:?}");
    }
}

#[tokio::test]
async fn whoever_does_not_prove_it_is_nobody() {
    let (rig, ann) = library().await;
    let bob_id = rig.application("bob").await;
    let (anns, bobs) = (token(&rig, "ann").await, token(&rig, "bob").await);
    let made = ann.post("/api/hooks", &hook()).await.expect(201).json();
    let one = format!("/api/hooks/{}", text(&made["id"]));
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("ann:{anns}"));
    for header in [
        None,
        Some("ApiKey ann:wrong".to_owned()),
        Some(format!("ApiKey ann:{bobs}")),
        Some(format!("ApiKey bob:{anns}")),
        Some(format!("ApiKey nobody:{anns}")),
        Some(format!("ApiKey :{anns}")),
        Some("ApiKey ann:".to_owned()),
        Some("ApiKey ann".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {TOKEN}")),
        Some(format!("ApiKey ann:{TOKEN}")),
        Some(format!("Basic {basic}")),
    ] {
        for path in ["/api/hooks", &one, "/api/hooks/no-such-id"] {
            let answer = get(&rig, path, header.as_deref()).await.expect(401);
            assert!(answer.json()["detail"].is_string(), "{header:?}");
            assert_eq!(answer.header("www-authenticate"), Some("ApiKey"));
        }
    }
    for query in ["?username=ann", "?api_key=x", "?username=ann&api_key=wrong", "?username=&api_key="] {
        get(&rig, &format!("{one}{query}"), None).await.expect(401);
    }
    let anonymous = Client::anonymous(&rig.base);
    anonymous.delete(&format!("{one}?username=ann&api_key={bobs}")).await.expect(401);
    anonymous.post("/api/hooks?username=ann&api_key=wrong", &hook()).await.expect(401);

    let bob = rig.tenant(&bob_id).await;
    assert_eq!(bob.get("/api/hooks").await.expect(200).json(), json!([]));
    bob.get(&one).await.expect(404);
    bob.put(&one, &hook()).await.expect(404);
    bob.delete(&one).await.expect(404);
    assert_eq!(ann.get(&one).await.expect(200).json(), made, "nobody else changed it");
}

#[tokio::test]
async fn a_token_that_may_only_look_changes_nothing() {
    let (rig, ann) = library().await;
    let made = ann.post("/api/hooks", &hook()).await.expect(201).json();
    let body = json!({"readOnly": true});
    let looking = rig.client.post("/api/v1/auth/app-portal-access/ann", &body).await.expect(200).json();
    let looking = Client::new(&rig.base, text(&looking["token"]));
    assert_eq!(looking.get("/api/hooks").await.expect(200).json(), json!([made]));
    let one = format!("/api/hooks/{}", text(&made["id"]));
    looking.post("/api/hooks", &hook()).await.expect(403);
    looking.put(&one, &hook()).await.expect(403);
    looking.delete(&one).await.expect(403);
}

#[tokio::test]
async fn an_event_behind_a_flag_that_the_token_lacks_is_unexpected() {
    let (rig, ann) = library().await;
    let beta = json!({"name": "book.beta", "description": "", "featureFlags": ["beta"]});
    rig.client.post("/api/v1/event-type", &beta).await.expect(201);
    let body = json!({"target": "http://127.0.0.1:9/", "event": "book.beta"});
    let answer = ann.post("/api/hooks", &body).await.expect(400).json();
    assert_eq!(answer, json!({"event": ["Unexpected event book.beta"]}));
    let access = json!({"featureFlags": ["beta"]});
    let access = rig.client.post("/api/v1/auth/app-portal-access/ann", &access).await.expect(200).json();
    Client::new(&rig.base, text(&access["token"])).post("/api/hooks", &body).await.expect(201);
}

#[tokio::test]
async fn a_key_in_a_query_is_in_no_log_however_much_is_logged() {
    let launch: Launch = hookwright("serve --listen 127.0.0.1:0 --log trace");
    let server = launch.env("HOOKWRIGHT_API_TOKEN", TOKEN).start();
    let line = server.wait_for_line(|line| line.starts_with("listening: "), "listening").await;
    let base = &line["listening: ".len()..];
    let operator = Client::new(base, TOKEN);
    operator.post("/api/v1/app", &json!({"name": "ann", "uid": "ann"})).await.expect(201);
    let access = operator.post("/api/v1/auth/app-portal-access/ann", &json!({})).await.expect(200).json();
    let good = text(&access["token"]);
    let anonymous = Client::anonymous(base);
    anonymous.get(&format!("/api/hooks?username=ann&api_key={good}")).await.expect(200);
    anonymous.get("/api/hooks?username=ann&api_key=a-key-that-is-wrong").await.expect(401);
    anonymous.get("/api/hooks/x/y?username=ann&api_key=a-key-that-is-wrong").await.expect(404);
    // Lines come in order: what was asked before this one is there when this one is.
    anonymous.get("/api/v1/no-such-path").await.expect(404);
    server.wait_for_line(|line| line.contains("/api/hooks") && line.contains("401"), "the refusal").await;
    for line in server.lines() {
        assert!(!line.text.contains(&good) && !line.text.contains("a-key-that-is"), "{line:?}");
    }
}
