//! Parts of bodies that are neither kept nor forwarded; what is proven is the body as it came.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::Method;
use serde_json::json;

use super::{PATH, Provider, forward, github, log};
use crate::api::rig::{Rig, text, wrong_place};

#[tokio::test]
async fn the_proof_is_of_the_body_as_it_came_and_what_is_kept_and_forwarded_is_redacted() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let mut source = github();
    source["redact"] = json!(["/card/number", "/people/0"]);
    let provider = Provider::of(&rig, source).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    let body = "{ \"card\": {\"number\": 4242424242424242, \"exp\":  \"12/30\"}, \"n\": 1.0 }\n";
    let kept = "{ \"card\": {\"number\": \"[redacted]\", \"exp\":  \"12/30\"}, \"n\": 1.0 }\n";
    provider.send("1", body).await.expect(200);
    assert_eq!(receiver.wait_for(1).await[0].text(), kept);
    let rows = log(&rig, &provider.id).await;
    assert_eq!((text(&rows[0]["payload"]).as_str(), &rows[0]["verdict"]), (kept, &json!("verified")));
    // A copy is known by what came.
    provider.send("1", body).await.expect(200);
    let rows = log(&rig, &provider.id).await;
    assert_eq!((text(&rows[0]["payload"]).as_str(), &rows[0]["verdict"]), ("", &json!("duplicate")));
    assert_eq!(rows[0]["error_text"], "", "its body is no other, as it is kept");
    // What proves nothing is redacted as well.
    provider.post(&[], body).await.expect(401);
    assert_eq!(text(&log(&rig, &provider.id).await[0]["payload"]), kept);
    let shown = rig.client.get(&format!("{PATH}/{}", provider.id)).await.expect(200).json();
    assert_eq!(shown["redact"], json!(["/card/number", "/people/0"]));
}

#[tokio::test]
async fn a_body_that_cannot_be_looked_into_is_refused_and_nothing_of_it_is_kept() {
    let rig = Rig::start().await;
    let source =
        json!({"name": "Any", "type": "generic-webhook", "redact": ["/card"], "methods": ["POST", "GET"]});
    let provider = Provider::of(&rig, source).await;
    for body in ["card=4242", "{\"card\": 4242", "{\"card\": 4242} x", "<card>4242</card>"] {
        provider.post(&[], body).await.expect(400);
        let row = &log(&rig, &provider.id).await[0];
        assert_eq!((&row["verdict"], &row["payload"]), (&json!("refused"), &json!("[redacted]")), "{body}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    provider.client.request(Method::POST, &provider.path, &form, "a=1&card=4242").await.expect(200);
    assert_eq!(log(&rig, &provider.id).await[0]["payload"], "a=1&card=%5Bredacted%5D");
    // JSON is looked into whatever it is called, and what is called JSON and is a form is refused.
    provider.client.request(Method::POST, &provider.path, &form, r#"{"card":4242}"#).await.expect(200);
    assert_eq!(log(&rig, &provider.id).await[0]["payload"], r#"{"card":"[redacted]"}"#);
    // Nothing is nothing to redact.
    provider.client.request(Method::GET, &provider.path, &[], "").await.expect(200);
}

#[tokio::test]
async fn what_is_needed_elsewhere_cannot_be_redacted() {
    let rig = Rig::start().await;
    let of = |redact: &[&str], event_type: &str, asks: &str| {
        json!({"name": "Any", "type": "generic-webhook", "redact": redact, "eventType": {"pointer": event_type},
               "confirm": {"url": format!("https://a.example/{{body:{asks}}}")}})
    };
    for wrong in [
        of(&["/a"], "/a/type", "/b"),
        of(&["/a/b"], "/type", "/a"),
        of(&["a"], "/type", "/b"),
        of(&["/a", ""], "/type", "/b"),
        of(&vec!["/a"; 51], "/type", "/b"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(PATH, &wrong).await.expect(422)), "body.redact", "{wrong}");
    }
    let made = rig.client.post(PATH, &of(&["/card"], "/type", "/user/id")).await.expect(201).json();
    let path = format!("{PATH}/{}", text(&made["id"]));
    let refused = rig.client.patch(&path, &json!({"redact": ["/user"]})).await.expect(422);
    assert_eq!(wrong_place(&refused), "body.redact");
    rig.client.patch(&path, &json!({"redact": []})).await.expect(200);
}

#[tokio::test]
async fn the_urls_own_token_is_neither_kept_nor_forwarded_whichever_header_it_comes_in() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    let token = provider.path.rsplit('/').next().unwrap();
    let (whole, shouted) = (format!("https://a.example{}", provider.path), token.to_uppercase());
    let headers = [
        ("x-original-uri", &*provider.path),
        ("x-forwarded-uri", &shouted),
        ("x-came-by", &whole),
        ("x-kept", "1"),
    ];
    provider.client.request(Method::POST, &provider.path, &headers, "{}").await.expect(200);
    let got = &receiver.wait_for(1).await[0];
    assert_eq!(
        (got.header("x-kept"), got.header("x-original-uri"), got.header("x-came-by")),
        (Some("1"), None, None)
    );
    let row = log(&rig, &provider.id).await.remove(0).to_string();
    assert!(row.contains("x-original-uri") && !row.to_lowercase().contains(token), "{row}");
}
