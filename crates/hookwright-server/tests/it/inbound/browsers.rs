//! What a browser sends along by itself is no credential, and takes none away: `/in/…` and `/api/…` are judged by theirs alone.

use hookwright_server::server::login_link;
use hookwright_testkit::http::{Answer, Client, Method};
use serde_json::{Value, json};

use super::{PATH, Provider, github, verdicts};
use crate::api::rig::{Rig, TOKEN};

const PUSH: &str = r#"{"ref": "main"}"#;

/// A server, and the cookie of an operator who is signed in at its page.
async fn signed_in() -> (Rig, String) {
    let rig = Rig::start().await;
    let link = login_link(&rig.hooks).await.unwrap();
    let answer = Client::anonymous(&rig.base).request(Method::POST, &link, &[], "").await.expect(303);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    // It is good where it belongs.
    Client::anonymous(&rig.base).request(Method::GET, "/", &[("cookie", &cookie)], "").await.expect(200);
    (rig, cookie)
}

/// What a page of another site makes a browser send.
fn foreign(cookie: &str) -> Vec<(&str, &str)> {
    vec![
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/attack"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "cors"),
        ("cookie", cookie),
    ]
}

/// What the answer says, but for what differs from one to the next by itself.
fn said(answer: &Answer) -> (u16, Option<String>, String) {
    (answer.status, answer.header("content-type").map(str::to_owned), answer.text())
}

#[tokio::test]
async fn a_source_takes_what_is_proven_and_nothing_that_only_a_browser_vouches_for() {
    let (rig, cookie) = signed_in().await;
    let provider = Provider::of(&rig, github()).await;
    let client = Client::anonymous(&rig.base);
    let send = async |id: Option<&str>, more: &[(&str, &str)]| {
        let signed = id.map(|id| provider.headers(id, PUSH.as_bytes())).unwrap_or_default();
        let mut headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (&**name, &**value)).collect();
        headers.extend(more);
        client.request(Method::POST, &provider.path, &headers, PUSH).await
    };
    let foreign = foreign(&cookie);
    assert_eq!(said(&send(Some("1"), &[]).await.expect(200)), said(&send(Some("2"), &foreign).await));
    assert_eq!(said(&send(None, &[]).await.expect(401)), said(&send(None, &foreign).await));
    assert_eq!(verdicts(&rig, &provider.id).await, ["refused", "refused", "verified", "verified"]);
    // Nor does it answer what a browser asks before it sends: no other site is let in.
    let asked = client
        .request(
            Method::OPTIONS,
            &provider.path,
            &[("origin", "https://evil.example"), ("access-control-request-method", "POST")],
            "",
        )
        .await
        .expect(405);
    assert_eq!(asked.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn the_api_asks_for_a_token_and_looks_at_nothing_that_a_browser_adds() {
    let (rig, cookie) = signed_in().await;
    let client = Client::anonymous(&rig.base);
    let bearer = format!("Bearer {TOKEN}");
    let foreign = foreign(&cookie);
    let count =
        async || rig.client.get("/api/v1/app").await.expect(200).json()["data"].as_array().unwrap().len();
    for (path, body) in [
        ("/api/v1/app", json!({"name": "Acme"})),
        (PATH, json!({"name": "GitHub", "type": "github", "config": {"secret": "s"}})),
    ] {
        let send = async |token: Option<&str>, more: &[(&str, &str)]| {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(token.map(|token| ("authorization", token)));
            headers.extend(more);
            client.request(Method::POST, path, &headers, body.to_string()).await
        };
        let keys = |answer: Answer| match answer.json() {
            Value::Object(fields) => fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
            other => panic!("{other}"),
        };
        let plain = send(Some(&bearer), &[]).await.expect(201);
        assert_eq!(keys(plain), keys(send(Some(&bearer), &foreign).await.expect(201)), "{path}");
        let before = count().await;
        assert_eq!(said(&send(None, &[]).await.expect(401)), said(&send(None, &foreign).await), "{path}");
        assert_eq!(count().await, before, "{path}: the cookie is no credential here");
    }
    // Reading and deleting neither.
    let get = async |more: &[(&str, &str)]| client.request(Method::GET, "/api/v1/app", more, "").await;
    assert_eq!(said(&get(&[]).await.expect(401)), said(&get(&foreign).await));
    let mut known = vec![("authorization", bearer.as_str())];
    known.extend(&foreign);
    assert_eq!(said(&rig.client.get("/api/v1/app").await.expect(200)), said(&get(&known).await));
}
