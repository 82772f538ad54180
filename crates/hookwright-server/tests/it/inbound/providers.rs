//! From a provider to a receiver behind us.

use hookwright_signature::{Secret, Verifier};
use hookwright_testkit::http::Method;
use hookwright_testkit::{Receiver, Reply};
use serde_json::json;

use super::{PATH, Provider, SIGNS, forward, github, log, verdicts};
use crate::api::rig::{Rig, text};

#[tokio::test]
async fn what_github_sends_is_forwarded_byte_for_byte_signed_and_under_one_id() {
    let (rig, receiver) = (
        Rig::start_configured(|config| {
            config.allow_target_networks = vec!["127.0.0.0/8".parse().unwrap()];
            config.retry.schedule = vec![std::time::Duration::from_millis(10)];
        })
        .await,
        Receiver::start().await,
    );
    let provider = Provider::of(&rig, github()).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    receiver.script([Reply::status(500), Reply::ok()]);
    let body = "{\"zen\":  \"Speak like a human.\", \"n\": 1.0}\n";
    let mut headers = provider.headers("72d3162e", body.as_bytes());
    headers.push(("x-github-event".to_owned(), "push".to_owned()));
    headers.push(("x-forwarded-for".to_owned(), "10.0.0.1".to_owned()));
    headers.push(("authorization".to_owned(), "Bearer between-us".to_owned()));
    headers.push(("webhook-id".to_owned(), "msg_of_somebody_else".to_owned()));
    provider.post(&headers, body).await.expect(200);

    let received = receiver.wait_for(2).await;
    let verifier = Verifier::new(Secret::parse(SIGNS).unwrap());
    for attempt in &received {
        assert_eq!(attempt.body, body.as_bytes());
        assert_eq!(attempt.header("content-type"), Some("application/json"));
        assert_eq!(attempt.header("x-github-event"), Some("push"));
        assert_eq!(attempt.header("x-github-delivery"), Some("72d3162e"));
        for gone in ["x-forwarded-for", "authorization"] {
            assert_eq!(attempt.header(gone), None, "{gone}");
        }
        assert_eq!(attempt.header_all("webhook-id").count(), 1);
        verifier.verify(|name| attempt.header(name), &attempt.body).unwrap();
    }
    assert_eq!(received[0].id(), received[1].id());
    let rows = log(&rig, &provider.id).await;
    assert_eq!((&rows[0]["payload"], &rows[0]["msg_id"]), (&json!(body), &json!(received[0].id())));
    assert_eq!(rows[0]["source_id"], json!(provider.id));
    assert!(text(&rows[0]["id"]).starts_with("log"));
}

#[tokio::test]
async fn a_caller_speaks_neither_in_our_name_nor_in_that_of_the_endpoints_owner() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    let endpoint = forward(&rig, &provider.id, &receiver, &[]).await;
    let path = format!("{PATH}/{}/endpoint/{endpoint}/headers", provider.id);
    rig.client.put(&path, &json!({"headers": {"X-Internal-Auth": "the-real-one"}})).await.expect(204);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let forged = [
        header("x-internal-auth", "forged"),
        header("webhook-attempt", "7"),
        header("hookwright-id", "x"),
        header("x-gitlab-token", "between-us"),
        header("range", "bytes=0-1"),
        header("x-kept", "yes"),
    ];
    provider.post(&forged, "{}").await.expect(200);
    let received = &receiver.wait_for(1).await[0];
    assert_eq!(received.header_all("x-internal-auth").collect::<Vec<_>>(), ["the-real-one"]);
    for gone in ["webhook-attempt", "hookwright-id", "x-gitlab-token", "range"] {
        assert_eq!(received.header(gone), None, "{gone}");
    }
    assert_eq!(received.header("x-kept"), Some("yes"));
    assert_eq!(log(&rig, &provider.id).await[0]["headers"]["x-gitlab-token"], "[redacted]");
}

#[tokio::test]
async fn a_body_that_looks_like_a_description_goes_on_under_its_own_content_type() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    let body = r#"{"method":"eth_call","id":1}"#;
    let headers = [("content-type", "application/json-rpc; charset=utf-8")];
    provider.client.request(Method::POST, &provider.path, &headers, body).await.expect(200);
    let received = &receiver.wait_for(1).await[0];
    assert_eq!(received.header("content-type"), Some("application/json-rpc; charset=utf-8"));
    assert_eq!(received.body, body.as_bytes());
    assert_eq!(log(&rig, &provider.id).await[0]["payload"], body);
}

#[tokio::test]
async fn endpoints_filter_by_the_event_types_of_stripe() {
    let (rig, paid, all) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    let stripe = json!({"name": "Stripe", "type": "stripe", "config": {"secret": "whsec_stripe"}});
    let provider = Provider::of(&rig, stripe).await;
    forward(&rig, &provider.id, &paid, &["invoice.paid"]).await;
    forward(&rig, &provider.id, &all, &[]).await;
    for (id, event_type) in [("evt_1", "charge.failed"), ("evt_2", "invoice.paid")] {
        let body = json!({"id": id, "type": event_type}).to_string();
        provider.send(id, &body).await.expect(200);
    }
    assert_eq!(paid.wait_for(1).await[0].json()["id"], "evt_2");
    all.wait_for(2).await;
    assert_eq!(paid.count(), 1);
    let signature = paid.received()[0].header("stripe-signature").map(str::to_owned);
    assert!(signature.is_some(), "who has the provider's secret can verify too");
}

#[tokio::test]
async fn a_request_without_a_body_is_described() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let source =
        json!({"name": "Any", "type": "generic-webhook", "methods": ["GET", "POST"], "body": "json"});
    let provider = Provider::of(&rig, source).await;
    forward(&rig, &provider.id, &receiver, &["inbound"]).await;
    let path = format!("{}?id=7&tag=a&tag=b%20c", provider.path);
    provider.client.request(Method::GET, &path, &[], "").await.expect(200);
    let received = &receiver.wait_for(1).await[0];
    assert_eq!(
        (received.method.as_str(), received.header("content-type")),
        ("POST", Some("application/json"))
    );
    let described = json!({"method": "GET", "path": format!("/in/{}", provider.id), "query": {"id": "7", "tag": ["a", "b c"]}});
    assert_eq!(received.json(), described);
    let rows = log(&rig, &provider.id).await;
    assert_eq!((&rows[0]["payload"], &rows[0]["query"]), (&json!(""), &json!("id=7&tag=a&tag=b%20c")));
}

#[tokio::test]
async fn handshakes_are_answered_and_never_forwarded() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let config = json!({"secret": "app-secret", "verifyToken": "between-us"});
    let provider = Provider::of(&rig, json!({"name": "Meta", "type": "meta", "config": config})).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    let ask = |token: &str| {
        format!("{}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}", provider.path)
    };
    let answer = provider.client.get(&ask("between-us")).await.expect(200);
    assert_eq!(answer.text(), "1158201444");
    provider.client.get(&ask("wrong")).await.expect(403);
    assert_eq!(verdicts(&rig, &provider.id).await, ["refused", "handshake"]);
    assert!(!format!("{:?}", log(&rig, &provider.id).await).contains("between-us"));
    provider.send("1", r#"{"entry":[]}"#).await.expect(200);
    assert_eq!(receiver.wait_for(1).await[0].text(), r#"{"entry":[]}"#);
}

#[tokio::test]
async fn handshakes_that_are_signed_are_answered_and_never_forwarded() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    for (kind, question, event) in [
        (
            "slack",
            json!({"type": "url_verification", "challenge": "3eZbrw1aB"}),
            json!({"type": "event_callback", "event_id": "Ev1"}),
        ),
        (
            "zoom",
            json!({"event": "endpoint.url_validation", "payload": {"plainToken": "q1"}}),
            json!({"event": "meeting.started", "payload": {}}),
        ),
    ] {
        let source = json!({"name": "Any", "type": kind, "config": {"secret": "between-us"}});
        let provider = Provider::of(&rig, source).await;
        forward(&rig, &provider.id, &receiver, &[]).await;
        let question = question.to_string();
        provider.client.request(Method::POST, &provider.path, &[], question.clone()).await.expect(401);
        let answer = provider.send("", &question).await.expect(200);
        match kind {
            "slack" => assert_eq!(answer.text(), "3eZbrw1aB"),
            _ => {
                let answer = answer.json();
                assert_eq!(answer["plainToken"], "q1");
                assert_eq!(answer["encryptedToken"].as_str().map(str::len), Some(64));
            }
        }
        let before = receiver.count();
        provider.send("", &event.to_string()).await.expect(200);
        assert_eq!(receiver.wait_for(before + 1).await[before].text(), event.to_string());
        assert_eq!(verdicts(&rig, &provider.id).await, ["verified", "handshake", "refused"], "{kind}");
        let rows = log(&rig, &provider.id).await;
        assert_eq!((&rows[1]["payload"], &rows[1]["msg_id"]), (&json!(""), &json!(null)), "{kind}");
    }
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn the_answer_is_what_the_source_says_and_json_alone_is_taken_where_it_says_so() {
    let rig = Rig::start().await;
    let mut source = github();
    source["answer"] = json!({"status": 202, "body": "{\"ok\":true}", "contentType": "application/json"});
    source["body"] = json!("json");
    let provider = Provider::of(&rig, source).await;
    let answer = provider.send("1", "{}").await.expect(202);
    assert_eq!(
        (answer.text(), answer.header("content-type")),
        ("{\"ok\":true}".to_owned(), Some("application/json"))
    );
    provider.send("2", "payload=%7B%7D").await.expect(400);
    let rows = log(&rig, &provider.id).await;
    assert_eq!((&rows[0]["verdict"], &rows[0]["payload"]), (&json!("refused"), &json!("payload=%7B%7D")));
    // It was not taken, so that it is no duplicate once it is right.
    provider.send("2", "{\"now\":\"right\"}").await.expect(202);
    assert_eq!(verdicts(&rig, &provider.id).await, ["verified", "refused", "verified"]);
}
