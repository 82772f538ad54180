//! What is said about values that cannot be used: the right field, and a whole sentence in plain words.

use std::time::Duration;

use hookwright_testkit::http::{Answer, Method};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::json;

use super::rig::{Rig, column, text, wrong_place};

/// Where the first thing that is wrong is, and what is said about it; which must be a sentence.
#[track_caller]
fn said(answer: &Answer) -> (String, String) {
    let msg = text(&answer.json()["detail"][0]["msg"]);
    assert!(msg.ends_with('.') && !msg.ends_with(".."), "no sentence: {msg}");
    for word in ["struct", "u16", "i64", "expected", "key the "] {
        assert!(!msg.contains(word), "{word} means nothing to a caller: {msg}");
    }
    (wrong_place(answer), msg)
}

#[tokio::test]
async fn the_older_name_of_a_field_is_named_if_it_was_used() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (path, body, place) in [
        ("/api/v1/app", json!({"name": "a", "rateLimit": 0}), "body.rateLimit"),
        ("/api/v1/app", json!({"name": "a", "throttleRate": 0, "rateLimit": 0}), "body.throttleRate"),
        ("/api/v1/app/ann/endpoint", json!({"url": "http://127.0.0.1/", "rateLimit": 0}), "body.rateLimit"),
        (
            "/api/v1/app/ann/endpoint",
            json!({"url": "http://127.0.0.1/", "filterTypes": ["a b"]}),
            "body.filterTypes.0",
        ),
        (
            "/api/v1/app/new/msg",
            json!({"eventType": "a", "payload": {}, "application": {"name": "a", "rateLimit": 0}}),
            "body.application.rateLimit",
        ),
    ] {
        let refused = rig.client.post(path, &body).await.expect(422);
        assert_eq!(said(&refused).0, place, "{body}");
    }
}

#[tokio::test]
async fn a_header_value_is_refused_for_what_is_wrong_with_it() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (name, value, why) in [
        ("X-A", "caf\u{e9}".to_owned(), "that is not ASCII"),
        ("X-A", "a\nb".to_owned(), "a control character"),
        ("X-A", "x".repeat(8_193), "a value of more than 8192 characters"),
        ("X A", "x".to_owned(), "a name that cannot be sent"),
        ("Host", "x".to_owned(), "is set by the sender itself"),
    ] {
        let body = json!({"url": "http://127.0.0.1/", "headers": {name: value}});
        let refused = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(422);
        let (place, msg) = said(&refused);
        assert_eq!(place, "body.headers");
        assert!(msg.starts_with(&format!("The header {name} ")) && msg.contains(why), "{msg}");
    }
}

#[tokio::test]
async fn a_secret_is_refused_in_a_sentence_of_its_own() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/secret/rotate");
    let (place, msg) = said(&rig.client.post(&path, &json!({"key": "?"})).await.expect(422));
    assert_eq!(place, "body.key");
    assert!(msg.starts_with("The secret is not `whsec_`"), "{msg}");
}

#[tokio::test]
async fn the_last_second_of_the_year_9999_is_a_time() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.send("ann", "a.b", json!({})).await;
    for (query, count) in [("after=9999-12-31T23:59:59Z", 0), ("before=9999-12-31T23:59:59.999999Z", 1)] {
        let listed = rig.client.get(&format!("/api/v1/app/ann/msg?{query}")).await.expect(200);
        assert_eq!(column(&listed, "id").len(), count, "{query}");
    }
    let (place, _) = said(&rig.client.get("/api/v1/app/ann/msg?after=yesterday").await.expect(422));
    assert_eq!(place, "query.after");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_in_plain_words() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (body, place, why) in [
        ("null", "body", "The body must be a JSON object."),
        ("5", "body", "The body must be a JSON object."),
        ("\"x\"", "body", "The body must be a JSON object."),
        ("[1, ", "body", "The body must be a JSON object."),
        ("nonsense", "body", "The body is not JSON"),
        ("{}", "body.eventType", "eventType is required."),
        (r#"{"eventType":5,"payload":{}}"#, "body.eventType", "eventType must be a string, and is a number"),
        (
            r#"{"eventType":"a","payload":{},"eventId":"\ud800"}"#,
            "body.eventId",
            "eventId has half of a surrogate pair",
        ),
        (
            r#"{"eventType":"a","payload":{},"tags":["\ud800x"]}"#,
            "body.tags.0",
            "tags.0 has half of a surrogate pair",
        ),
        (
            r#"{"eventType":"a","payload":{},"application":5}"#,
            "body.application",
            "application must be an object, and is a number",
        ),
        (
            r#"{"eventType":"a","payload":{},"application":{"name":"a","rateLimit":70000}}"#,
            "body.application.rateLimit",
            "application.rateLimit must be a whole number from 0 to 65535",
        ),
    ] {
        let refused = rig.client.request(Method::POST, "/api/v1/app/ann/msg", &[], body).await.expect(422);
        let (found, msg) = said(&refused);
        assert_eq!(found, place, "{body}: {msg}");
        assert!(msg.starts_with(why), "{body}: {msg}");
    }
}

#[tokio::test]
async fn a_retention_that_no_payload_can_have_is_refused() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (field, value, status) in [
        ("payloadRetentionPeriod", json!(0), 422),
        ("payloadRetentionPeriod", json!(91), 422),
        ("payloadRetentionPeriod", json!("ten"), 422),
        ("payloadRetentionPeriod", json!(90), 202),
        ("payloadRetentionHours", json!(0), 422),
        ("payloadRetentionHours", json!(2161), 422),
        ("payloadRetentionHours", json!(1.5), 422),
        ("payloadRetentionHours", json!(null), 202),
        ("payloadRetentionHours", json!(2160), 202),
    ] {
        let body = json!({"eventType": "a.b", "payload": {}, field: value});
        let answer = rig.client.post("/api/v1/app/ann/msg", &body).await.expect(status);
        if status == 422 {
            assert_eq!(said(&answer).0, format!("body.{field}"), "{value}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_name_cannot_be_put_there() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let long = "x".repeat(257);
    for (path, body, place) in [
        ("/api/v1/app/", json!({"name": "a"}), "path.uid"),
        ("/api/v1/app/ann/endpoint/", json!({"url": "http://127.0.0.1/"}), "path.uid"),
        ("/api/v1/event-type/", json!({"description": "a"}), "path.event_type_name"),
    ] {
        for name in ["has%20space", &long] {
            let path = format!("{path}{name}");
            let (found, msg) = said(&rig.client.put(&path, &body).await.expect(422));
            assert_eq!(found, place, "{path}");
            assert!(msg.contains("1 to 256 characters long, of letters, digits,"), "{msg}");
            rig.client.get(&path).await.expect(404);
            rig.client.delete(&path).await.expect(404);
        }
    }
    let endpoint = json!({"url": "http://127.0.0.1/"});
    rig.client.put("/api/v1/app/has%20space/endpoint/e1", &endpoint).await.expect(404);
}

#[tokio::test]
async fn an_answer_of_200_that_did_not_end_says_so() {
    let (rig, receiver) =
        (Rig::start_configured(|config| config.request_timeout = Duration::from_secs(1)).await, {
            let receiver = Receiver::start().await;
            receiver.script([Reply::drip_body(Duration::from_millis(100))]);
            receiver
        });
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/")).await;
    rig.send("ann", "a.b", json!({})).await;
    let path = format!("/api/v1/app/ann/attempt/endpoint/{endpoint}");
    let attempt = eventually("the attempt", async || {
        let list = rig.client.get(&path).await.expect(200).json();
        if list["data"][0].is_object() { Ok(list["data"][0].clone()) } else { Err(list) }
    })
    .await;
    assert_eq!((&attempt["responseStatusCode"], &attempt["status"]), (&json!(200), &json!(2)), "{attempt}");
    assert_eq!(attempt["response"], "the answer did not end within 1 s, after status 200 OK");
}

#[tokio::test]
async fn a_patch_that_would_change_the_secret_or_the_headers_says_where_to_do_it() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}");
    for (field, value, operation) in
        [("secret", json!("whsec_x"), "/secret/rotate"), ("headers", json!({"X-A": "1"}), "/headers")]
    {
        let (place, msg) = said(&rig.client.patch(&path, &json!({field: value})).await.expect(422));
        assert_eq!(place, format!("body.{field}"));
        assert!(msg.contains(operation), "{msg}");
        rig.client.patch(&path, &json!({field: null, "description": "d"})).await.expect(200);
    }
}
