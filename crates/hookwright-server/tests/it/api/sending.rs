//! Sending messages: the payload byte for byte, what is answered, what is refused.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::{Answer, Method};
use serde_json::{Value, json};

use super::rig::{Rig, text, wrong_place};

const PATH: &str = "/api/v1/app/ann/msg";

async fn post(rig: &Rig, body: impl Into<String>) -> Answer {
    rig.client.request(Method::POST, PATH, &[("content-type", "application/json")], body.into()).await
}

#[tokio::test]
async fn the_payload_reaches_the_receiver_byte_for_byte() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.application("ann").await;
    rig.endpoint("ann", &receiver.url("/")).await;
    let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    let long = format!("{{\"long\":\"{}\"}}", "x".repeat(100_000));
    let payloads = [
        r#"{ "b":1,  "a" : 12345678901234567890123456789.000, "é":"\u00e9\/\ud83d\ude00" }"#,
        r#"{"a":1,"a":2}"#,
        "[1, 2,\t3]",
        "\"text\"",
        "-0.0e+10",
        "null",
        deep.as_str(),
        long.as_str(),
    ];
    for (index, payload) in payloads.into_iter().enumerate() {
        let name = if index % 2 == 0 { "payload" } else { "data" };
        let body = format!(" {{\"{name}\" :  {payload} , \"eventType\":\"a.b\"}}\n");
        let sent = post(&rig, body).await.expect(202);
        assert!(sent.text().contains(payload), "{}", sent.text());
        let received = receiver.wait_for(index + 1).await;
        assert_eq!(received[index].body, payload.as_bytes());
        // The deepest payload makes an answer that is too deep for the tests' own parser.
        let answer = sent.text();
        let id = answer.split('"').find(|word| word.starts_with("msg_")).unwrap();
        let shown = rig.client.get(&format!("{PATH}/{id}")).await.expect(200);
        assert_eq!(shown.body, sent.body);
    }
}

#[tokio::test]
async fn the_answer_has_the_message_and_its_payload_only_on_request() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body =
        json!({"eventType": "a.b", "eventId": "e-1", "payload": {"x": 1}, "channels": ["c"], "tags": ["t"]});
    let sent = rig.client.post("/api/v1/app/ann/msg?with_content=false", &body).await.expect(202).json();
    for (field, value) in [
        ("eventType", json!("a.b")),
        ("eventId", json!("e-1")),
        ("payload", json!({})),
        ("channels", json!(["c"])),
        ("tags", json!(["t"])),
    ] {
        assert_eq!(sent[field], value, "{field}");
    }
    assert!(text(&sent["id"]).starts_with("msg_") && text(&sent["timestamp"]).ends_with('Z'));
    assert_eq!(rig.client.post(PATH, &body).await.expect(409).json()["code"], "conflict");
    let plain = json!({"eventType": "a.b", "payload": {"x": 1}});
    let sent = rig.client.post("/api/v1/app/ann/msg/?with_content=true", &plain).await.expect(202).json();
    assert_eq!((&sent["payload"], &sent["eventId"]), (&json!({"x": 1}), &Value::Null));
}

#[tokio::test]
async fn a_message_brings_its_application_along() {
    let rig = Rig::start().await;
    let body =
        |uid: &str| json!({"eventType": "a.b", "payload": {}, "application": {"name": "New", "uid": uid}});
    assert_eq!(wrong_place(&rig.client.post(PATH, &body("bob")).await.expect(422)), "body.application.uid");
    rig.client.post(PATH, &json!({"eventType": "a.b", "payload": {}})).await.expect(404);
    rig.client.post(PATH, &body("ann")).await.expect(202);
    rig.client.post(PATH, &body("ann")).await.expect(202);
    assert_eq!(rig.client.get("/api/v1/app/ann").await.expect(200).json()["name"], "New");
}

#[tokio::test]
async fn malformed_messages_are_refused_and_the_field_named() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let too_deep = format!(r#"{{"eventType":"a","payload":{}{}}}"#, "[".repeat(129), "]".repeat(129));
    for (body, place) in [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        (r#"{"eventType":"a.b","payload":{}} x"#, "body"),
        (r#"{"eventType":"a.b","payload":{"a":}}"#, "body"),
        (r#"{"eventType":"a.b"}"#, "body.payload"),
        (r#"{"payload":{}}"#, "body.eventType"),
        (r#"{"eventType":"a.b","payload":{},"payload":{}}"#, "body.payload"),
        (r#"{"eventType":"a.b","payload":{},"data":{}}"#, "body.payload"),
        (r#"{"eventType":"a.b","eventType":"c","payload":{}}"#, "body.eventType"),
        (r#"{"eventType":5,"payload":{}}"#, "body.eventType"),
        (r#"{"eventType":"a b","payload":{}}"#, "body.eventType"),
        (r#"{"eventType":"","payload":{}}"#, "body.eventType"),
        (r#"{"eventType":"a.b","payload":{},"eventId":"a b"}"#, "body.eventId"),
        (r#"{"eventType":"a.b","payload":{},"channels":"c"}"#, "body.channels"),
        (r#"{"eventType":"a.b","payload":{},"channels":["ok","not ok"]}"#, "body.channels.1"),
        (r#"{"eventType":"a.b","payload":{},"channels":[1]}"#, "body.channels.0"),
        (r#"{"eventType":"a.b","payload":{},"tags":["1","2","3","4","5","6"]}"#, "body.tags"),
        (r#"{"eventType":"a.b","payload":{},"application":{"uid":"ann"}}"#, "body.application.name"),
        (r#"{"eventType":"a.b","payload":{},"deliverAt":"2030-01-01T00:00:00Z"}"#, "body.deliverAt"),
        (r#"{"eventType":"a","payload":{},"payloadRetentionPeriod":0}"#, "body.payloadRetentionPeriod"),
        (r#"{"eventType":"a","payload":{},"payloadRetentionPeriod":91}"#, "body.payloadRetentionPeriod"),
        (r#"{"eventType":"a","payload":{},"payloadRetentionPeriod":"1"}"#, "body.payloadRetentionPeriod"),
        (r#"{"eventType":"a","payload":{},"payloadRetentionHours":2161}"#, "body.payloadRetentionHours"),
        (
            r#"{"eventType":"a","payload":{},"payloadRetentionPeriod":1,"payloadRetentionHours":1}"#,
            "body.payloadRetentionHours",
        ),
        (too_deep.as_str(), "body.payload"),
    ] {
        let refused = post(&rig, body).await.expect(422);
        assert_eq!(wrong_place(&refused), place, "{body}: {}", refused.text());
    }
    let refused = post(&rig, "{\"eventType\":\"a\",\n \"payload\":{]}").await.expect(422);
    assert!(refused.text().contains("line 2 column"), "{}", refused.text());
    let not_utf8 = [b"{\"eventType\":\"a\",\"payload\":\"\xff\"}".as_slice()].concat();
    let refused = rig.client.request(Method::POST, PATH, &[], not_utf8).await.expect(422);
    assert_eq!(wrong_place(&refused), "body");
}

#[tokio::test]
async fn a_payload_that_comes_as_a_text_is_sent_as_it_is() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.application("ann").await;
    rig.endpoint("ann", &receiver.url("/")).await;
    let raw = " {\"b\" : 1.50, \"a\":\"\\u00fc\",\n\"b\":2 }\n";
    let message = |params: Value| json!({"eventType": "a.b", "payload": {}, "transformationsParams": params});
    for (sent, params) in [
        json!({"rawPayload": raw}),
        json!({"rawPayload": raw, "headers": {"content-type": "application/json"}}),
        json!({"rawPayload": raw, "headers": {"Content-Type": "Application/JSON; charset=utf-8", "x": "y"}}),
    ]
    .into_iter()
    .enumerate()
    {
        let made = post(&rig, message(params).to_string()).await.expect(202);
        assert!(made.text().contains(raw.trim()), "{}", made.text());
        assert_eq!(receiver.wait_for(sent + 1).await[sent].body, raw);
    }
    // Nothing of this kind: the payload is the message's own.
    for params in
        [json!({}), json!({"rawPayload": null}), json!({"x": 1, "headers": {"content-type": "a/b"}})]
    {
        let made = post(&rig, message(params).to_string()).await.expect(202).json();
        assert_eq!(made["payload"], json!({}));
    }
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    for params in [
        json!([]),
        json!({"rawPayload": {}}),
        json!({"rawPayload": "<order/>"}),
        json!({"rawPayload": ""}),
        json!({"rawPayload": "{} {}"}),
        json!({"rawPayload": deep}),
        json!({"rawPayload": "{}", "headers": {"content-type": "text/xml"}}),
        json!({"rawPayload": "{}", "headers": ["content-type"]}),
    ] {
        let refused = post(&rig, message(params.clone()).to_string()).await.expect(422);
        assert_eq!(wrong_place(&refused), "body.transformationsParams", "{params}");
    }
    let twice =
        r#"{"eventType":"a","payload":{},"transformationsParams":{"rawPayload":"1","rawPayload":"2"}}"#;
    post(&rig, twice).await.expect(422);
    let large = json!({"rawPayload": format!("\"{}\"", "x".repeat(1024 * 1024))});
    assert_eq!(post(&rig, message(large).to_string()).await.expect(413).json()["code"], "payload_too_large");
}

#[tokio::test]
async fn a_payload_of_a_mebibyte_is_taken_and_a_larger_one_is_not() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body = |length: usize| format!(r#"{{"eventType":"a","payload":"{}"}}"#, "x".repeat(length - 2));
    post(&rig, body(1024 * 1024)).await.expect(202);
    for length in [1024 * 1024 + 1, 3 * 1024 * 1024] {
        assert_eq!(post(&rig, body(length)).await.expect(413).json()["code"], "payload_too_large");
    }
}
