//! Never trust the values sent: the sender is asked, and only what it confirms is forwarded.

use std::time::{Duration, Instant};

use hookwright::domain::source::SourceRef;
use hookwright_testkit::http::Method;
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::{PATH, Provider, forward, log, verdicts};
use crate::api::rig::{Rig, text, wrong_place};
use crate::live::{Live, launch};

/// A server whose retries come at once, and two of them.
async fn quick() -> Rig {
    Rig::start_configured(|config| config.retry.schedule = vec![Duration::from_millis(10); 2]).await
}

fn asking(sender: &Receiver) -> Value {
    json!({
        "name": "Pay", "type": "generic-webhook", "methods": ["GET", "POST"],
        "confirm": {
            "url": sender.url("/users/{query:id}?of={body:/user}"),
            "headers": {"authorization": "Bearer for-the-api"},
            "expect": {"status": 200, "pointer": "/paid", "equals": true},
            "timeout": "2s",
        },
    })
}

fn says(paid: &str) -> Reply {
    Reply::ok().body(format!("{{\"paid\":{paid}}}"))
}

async fn send(provider: &Provider, query: &str, body: &str) {
    let path = format!("{}?{query}", provider.path);
    let started = Instant::now();
    provider.client.request(Method::POST, &path, &[], body.to_owned()).await.expect(200);
    assert!(started.elapsed() < Duration::from_secs(1), "asking never delays the answer");
}

async fn until(rig: &Rig, source: &str, verdict: &str) -> Value {
    eventually(&format!("the verdict {verdict}"), async || {
        let row = log(rig, source).await.remove(0);
        // What is not over yet says so.
        let is_over = !text(&row["error_text"]).contains("yet to be asked");
        if row["verdict"] == verdict && is_over { Ok(row) } else { Err(row) }
    })
    .await
}

#[tokio::test]
async fn what_the_sender_confirms_is_forwarded_and_nothing_else() {
    let (rig, sender, receiver) = (quick().await, Receiver::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, asking(&sender)).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    sender.reply_with(|asked| says(if asked.path().starts_with("/users/7%2F8") { "true" } else { "false" }));
    send(&provider, "id=6", r#"{"user":"a&b"}"#).await;
    let row = until(&rig, &provider.id, "refused").await;
    assert_eq!(row["error_text"], "the sender says something else at /paid");
    assert_eq!(row["status_code"], 200, "that is what its caller was told");
    send(&provider, "id=7%2F8", r#"{"user":"a&b"}"#).await;
    until(&rig, &provider.id, "confirmed").await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].text(), r#"{"user":"a&b"}"#);
    let asked = &sender.received()[1];
    assert_eq!((asked.method.as_str(), asked.header("authorization")), ("GET", Some("Bearer for-the-api")));
    assert_eq!(asked.target, "/users/7%2F8?of=a%26b");
    // What cannot be asked about is not asked about.
    let before = sender.count();
    for (query, body) in
        [("", r#"{"user":1}"#), ("id=1&id=2", r#"{"user":1}"#), ("id=..", r#"{"user":1}"#), ("id=1", "{}")]
    {
        send(&provider, query, body).await;
        until(&rig, &provider.id, "refused").await;
    }
    assert_eq!((sender.count(), receiver.count()), (before, 1));
}

#[tokio::test]
async fn a_sender_that_does_not_answer_is_asked_on_the_schedule_and_then_given_up() {
    let (rig, sender, receiver) = (quick().await, Receiver::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, asking(&sender)).await;
    let endpoint = forward(&rig, &provider.id, &receiver, &[]).await;
    sender.script([Reply::status(500), Reply::status(401), says("true")]);
    send(&provider, "id=1", r#"{"user":1}"#).await;
    until(&rig, &provider.id, "confirmed").await;
    receiver.wait_for(1).await;
    sender.reply_with(|_| Reply::status(503));
    send(&provider, "id=2", r#"{"user":2}"#).await;
    sender.wait_for(6).await;
    let row = until(&rig, &provider.id, "unconfirmed").await;
    assert_eq!(row["error_text"], "the sender answered 503 Service Unavailable");
    // It is over, and nothing sends it: not even a recovery of what the endpoint missed.
    let organisation = rig.hooks.default_organisation();
    let source = SourceRef::parse(&provider.id).unwrap();
    let named = hookwright::hooks::EndpointRef::parse(&endpoint).unwrap();
    let endpoint = rig.hooks.source_endpoint_get(organisation, &source, &named).await.unwrap();
    let selection = hookwright::domain::selection::Selection::since(hookwright::domain::time::Timestamp::MIN);
    let kind = hookwright::domain::task::TaskKind::BulkReplay;
    rig.hooks.task_begin(organisation, &endpoint, kind, selection).await.unwrap();
    let received = receiver.wait_for(2).await;
    assert_eq!(received[1].text(), r#"{"user":1}"#, "only what was confirmed");
    sender.reply_with(|_| says("true"));
    send(&provider, "id=3", r#"{"user":3}"#).await;
    let received = receiver.wait_for(3).await;
    assert_eq!(received[2].text(), r#"{"user":3}"#);
}

#[tokio::test]
async fn what_is_answered_with_200_is_asked_about_after_a_kill() {
    let (sender, receiver) = (Receiver::start().await, Receiver::start().await);
    sender.reply_with(|_| Reply::status(503));
    let launch = launch("100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms");
    let mut server = Live::start(&launch).await;
    let made = server.client.post(PATH, &asking(&sender)).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &asking(&sender), None);
    let endpoint = json!({"url": receiver.url("/")});
    server.client.post(&format!("{PATH}/{}/endpoint", provider.id), &endpoint).await.expect(201);
    for number in 0..10 {
        send(&provider, &format!("id={number}"), &json!({"user": number}).to_string()).await;
    }
    server.process.kill9().await;
    assert_eq!(receiver.count(), 0);
    sender.reply_with(|_| says("true"));
    let mut server = Live::start(&launch).await;
    receiver
        .wait_until(
            |all| (0..10).all(|number| all.iter().any(|it| it.json()["user"] == number)),
            "all that was answered with 200",
        )
        .await;
    server.process.kill9().await;
}

#[tokio::test]
async fn a_product_may_say_itself_what_is_true() {
    let (rig, receiver) = (quick().await, Receiver::start().await);
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    rig.hooks.confirm_source(provider.id.parse().unwrap(), |request| async move {
        match request.body.as_ref() {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err("I cannot say"),
        }
    });
    for (body, verdict, why) in [
        ("true", "confirmed", ""),
        ("false", "refused", "the product's own confirmation says no"),
        ("other", "unconfirmed", "I cannot say"),
    ] {
        provider.post(&[], body).await.expect(200);
        let row = until(&rig, &provider.id, verdict).await;
        assert_eq!(row["error_text"], why);
    }
    assert_eq!(receiver.wait_for(1).await[0].text(), "true");
    assert_eq!(verdicts(&rig, &provider.id).await, ["unconfirmed", "refused", "confirmed"]);
}

#[tokio::test]
async fn its_headers_never_come_back_and_its_url_is_under_the_policy() {
    let (rig, sender) = (Rig::start().await, Receiver::start().await);
    let made = rig.client.post(PATH, &asking(&sender)).await.expect(201);
    assert!(!made.text().contains("for-the-api"), "{}", made.text());
    let made = made.json();
    assert_eq!(made["confirm"]["headerNames"], json!(["authorization"]));
    assert_eq!(
        (&made["confirm"]["timeout"], &made["confirm"]["expect"]["equals"]),
        (&json!("2s"), &json!(true))
    );
    let path = format!("{PATH}/{}", text(&made["id"]));
    for answer in [rig.client.get(&path).await, rig.client.get(PATH).await] {
        assert!(!answer.expect(200).text().contains("for-the-api"));
    }
    let renamed = rig.client.patch(&path, &json!({"name": "Renamed"})).await.expect(200).json();
    assert_eq!(renamed["confirm"], made["confirm"]);
    for (field, value) in [
        ("url", json!("https://{query:host}/")),
        ("url", json!("https://a.example/{query:id}#x")),
        ("url", json!("https://a.example/{header:cookie}")),
        ("url", json!("https://a.example/{id}")),
        ("url", json!("https://user:secret@a.example/")),
        ("url", json!("http://10.0.0.1/{query:id}")),
        ("url", json!("ftp://a.example/")),
        ("timeout", json!("5m")),
        ("expect", json!({"pointer": "/paid"})),
        ("expect", json!({"pointer": "paid", "equals": 1})),
        ("expect", json!({"status": 20})),
        ("headers", json!({"host": "b.example"})),
        ("headers", json!({"x a": "b"})),
    ] {
        let mut wrong = asking(&sender);
        wrong["confirm"][field] = value.clone();
        for refused in [
            rig.client.post(PATH, &wrong).await,
            rig.client.patch(&path, &json!({"confirm": wrong["confirm"]})).await,
        ] {
            assert_eq!(wrong_place(&refused.expect(422)), "body.confirm", "{field} {value}");
        }
    }
    let patched = rig.client.patch(&path, &json!({"confirm": null})).await.expect(200).json();
    assert_eq!(patched["confirm"], Value::Null);
}
