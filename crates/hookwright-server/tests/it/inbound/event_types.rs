//! What happened, as a source's requests say it: in a header or in the body, and what endpoints filter by.

use hookwright_testkit::Receiver;
use serde_json::{Value, json};

use super::{PATH, Provider, forward, github, log};
use crate::api::rig::{Rig, text, wrong_place};

fn of(place: Value) -> Value {
    json!({"name": "Any", "type": "generic-webhook", "eventType": place})
}

fn header(name: &str, value: &str) -> [(String, String); 1] {
    [(name.to_owned(), value.to_owned())]
}

#[tokio::test]
async fn an_event_type_is_read_from_a_header_or_from_the_body() {
    let (rig, paid, all) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    let by_header = Provider::of(&rig, of(json!({"header": "X-Event"}))).await;
    let by_body = Provider::of(&rig, of(json!({"pointer": "/data/0/kind"}))).await;
    for provider in [&by_header, &by_body] {
        let body = json!({"url": paid.url("/"), "filterTypes": ["payment.paid"]});
        let path = format!("{PATH}/{}/endpoint", provider.id);
        let made = rig.client.post(&path, &body).await.expect(201).json();
        assert_eq!(
            (&made["filterTypes"], &made["eventTypes"]),
            (&json!(["payment.paid"]), &json!(["payment.paid"]))
        );
        forward(&rig, &provider.id, &all, &[]).await;
    }
    by_header.post(&header("x-event", "payment.failed"), r#"{"n": 1}"#).await.expect(200);
    by_header.post(&header("x-event", "payment.paid"), r#"{"n": 2}"#).await.expect(200);
    by_body.post(&[], r#"{"n": 3, "data": [{"kind": "payment.failed"}]}"#).await.expect(200);
    by_body.post(&[], r#"{"n": 4, "data": [{"kind": "payment.paid"}]}"#).await.expect(200);
    all.wait_for(4).await;
    let mut numbers: Vec<Value> = paid.wait_for(2).await.iter().map(|it| it.json()["n"].clone()).collect();
    numbers.sort_by_key(Value::as_u64);
    assert_eq!(numbers, [2, 4]);
    let told: Vec<String> = log(&rig, &by_body.id).await.iter().map(|row| text(&row["event_type"])).collect();
    assert_eq!(told, ["payment.paid", "payment.failed"]);
}

#[tokio::test]
async fn what_can_be_no_event_type_goes_on_as_inbound_and_the_log_says_so() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, of(json!({"pointer": "/type"}))).await;
    forward(&rig, &provider.id, &receiver, &["inbound"]).await;
    for (body, why) in [
        (r#"{"type": "not a name"}"#, "\"not a name\" is no event type, it has the character ' '"),
        (r#"{"type": {}}"#, "there is no event type in /type of the body"),
        ("not JSON", "there is no event type in /type of the body"),
    ] {
        provider.post(&[], body).await.expect(200);
        let row = &log(&rig, &provider.id).await[0];
        assert_eq!((&row["verdict"], &row["event_type"]), (&json!("verified"), &json!("inbound")));
        assert!(text(&row["error_text"]).starts_with(why), "{row}");
    }
    assert_eq!(receiver.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn a_kind_has_a_place_of_its_own_and_a_source_may_have_another() {
    let rig = Rig::start().await;
    let shop = json!({"name": "Shop", "type": "shopify", "config": {"secret": "s"}});
    let provider = Provider::of(&rig, shop).await;
    let mut headers = provider.headers("1", b"{}");
    headers.push(("x-shopify-topic".to_owned(), "orders/create".to_owned()));
    provider.post(&headers, "{}").await.expect(200);
    let row = &log(&rig, &provider.id).await[0];
    assert_eq!((&row["event_type"], &row["error_text"]), (&json!("orders.create"), &json!("")));

    let provider = Provider::of(&rig, github()).await;
    let mut headers = provider.headers("1", br#"{"action":"opened"}"#);
    headers.push(("x-github-event".to_owned(), "issues".to_owned()));
    provider.post(&headers, r#"{"action":"opened"}"#).await.expect(200);
    let path = format!("{PATH}/{}", provider.id);
    let patched =
        rig.client.patch(&path, &json!({"eventType": {"pointer": "/action"}})).await.expect(200).json();
    assert_eq!(patched["eventType"], json!({"pointer": "/action"}));
    let mut headers = provider.headers("2", br#"{"action":"opened"}"#);
    headers.push(("x-github-event".to_owned(), "issues".to_owned()));
    provider.post(&headers, r#"{"action":"opened"}"#).await.expect(200);
    let told: Vec<String> =
        log(&rig, &provider.id).await.iter().map(|row| text(&row["event_type"])).collect();
    assert_eq!(told, ["opened", "issues"]);
    let patched = rig.client.patch(&path, &json!({"eventType": null})).await.expect(200).json();
    assert_eq!(patched["eventType"], Value::Null);
}

#[tokio::test]
async fn a_place_that_cannot_be_is_refused() {
    let rig = Rig::start().await;
    for place in [
        json!({}),
        json!({"header": "x-a", "pointer": "/a"}),
        json!({"header": "x a"}),
        json!({"header": "authorization"}),
        json!({"pointer": "type"}),
        json!({"pointer": ""}),
        json!({"pointer": "/a~2"}),
        json!({"heder": "x-a"}),
    ] {
        let refused = rig.client.post(PATH, &of(place.clone())).await.expect(422);
        assert!(wrong_place(&refused).starts_with("body.eventType"), "{place}: {}", refused.text());
    }
}
