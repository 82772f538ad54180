//! Attempts: how they are listed, how far messages have come, and sending once more.

use hookwright_testkit::http::Answer;
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

/// Waits until a list has so many items.
async fn listed(rig: &Rig, path: &str, count: usize) -> Answer {
    eventually(&format!("{count} items at {path}"), async || {
        let list = rig.client.get(path).await.expect(200);
        if column(&list, "id").len() == count { Ok(list) } else { Err(list.text()) }
    })
    .await
}

#[tokio::test]
async fn an_attempt_is_listed_by_endpoint_and_by_message() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(200).body("thanks \u{1f600}")]);
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/hook")).await;
    let message = rig.send("ann", "a.b", json!({"x": 1})).await;
    let by_endpoint = format!("/api/v1/app/ann/attempt/endpoint/{endpoint}");
    let attempt = listed(&rig, &by_endpoint, 1).await.json()["data"][0].clone();
    for (field, value) in [
        ("msgId", json!(message)),
        ("endpointId", json!(endpoint)),
        ("url", json!(receiver.url("/hook"))),
        ("status", json!(0)),
        ("statusText", json!("success")),
        ("responseStatusCode", json!(200)),
        ("response", json!("thanks \u{1f600}")),
        ("triggerType", json!(0)),
    ] {
        assert_eq!(attempt[field], value, "{field}");
    }
    assert!(attempt["responseDurationMs"].is_u64() && attempt.get("msg").is_none());
    let id = text(&attempt["id"]);
    assert!(id.starts_with("atmpt_"));
    let one = rig.client.get(&format!("/api/v1/app/ann/msg/{message}/attempt/{id}")).await.expect(200).json();
    assert_eq!(one, attempt);
    let by_message = format!("/api/v1/app/ann/attempt/msg/{message}");
    assert_eq!(rig.client.get(&by_message).await.expect(200).json()["data"][0], attempt);
    let lean =
        rig.client.get(&format!("{by_endpoint}?with_content=false&with_msg=true")).await.expect(200).json();
    assert_eq!(lean["data"][0]["response"], "{}");
    assert_eq!(
        (&lean["data"][0]["msg"]["id"], &lean["data"][0]["msg"]["payload"]),
        (&json!(message), &json!({}))
    );
}

#[tokio::test]
async fn attempts_are_filtered_by_status_class_and_endpoint() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.on("/bad", [Reply::status(500)]);
    rig.application("ann").await;
    let good = rig.endpoint("ann", &receiver.url("/good")).await;
    let bad = rig.endpoint("ann", &receiver.url("/bad")).await;
    rig.client.patch(&format!("/api/v1/app/ann/endpoint/{bad}"), &json!({"uid": "bad"})).await.expect(200);
    let message = rig.send("ann", "a.b", json!({})).await;
    let path = format!("/api/v1/app/ann/attempt/msg/{message}");
    listed(&rig, &path, 2).await;
    let check = async |query: &str, expected: &[&str]| {
        let list = rig.client.get(&format!("{path}?{query}")).await.expect(200);
        assert_eq!(
            column(&list, "endpointId"),
            expected.iter().map(|id| json!(id)).collect::<Vec<_>>(),
            "{query}"
        );
    };
    check("status=0", &[&good]).await;
    check("status=2", &[&bad]).await;
    check("status=1", &[]).await;
    check("status_code_class=500", &[&bad]).await;
    check("status_code_class=0", &[]).await;
    check("endpoint_id=bad", &[&bad]).await;
    check("event_types=other", &[]).await;
    for (query, place) in [
        ("status=7", "query.status"),
        ("status_code_class=250", "query.status_code_class"),
        ("endpoint_id=nobody", "query.endpoint_id"),
    ] {
        assert_eq!(wrong_place(&rig.client.get(&format!("{path}?{query}")).await.expect(422)), place);
    }
}

#[tokio::test]
async fn how_far_a_message_has_come_is_told_by_message_and_by_endpoint() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.on("/bad", [Reply::status(500)]);
    rig.application("ann").await;
    let good = rig.endpoint("ann", &receiver.url("/good")).await;
    let bad = rig.endpoint("ann", &receiver.url("/bad")).await;
    let message = rig.send("ann", "a.b", json!({"x": 1})).await;
    listed(&rig, &format!("/api/v1/app/ann/attempt/msg/{message}"), 2).await;

    let list = listed(&rig, &format!("/api/v1/app/ann/msg/{message}/endpoint"), 2).await;
    assert_eq!(column(&list, "id"), [json!(good), json!(bad)]);
    assert_eq!(column(&list, "status"), [json!(0), json!(1)]);
    assert_eq!(column(&list, "statusText"), [json!("success"), json!("pending")]);
    let next = column(&list, "nextAttempt");
    assert!(next[0].is_null() && next[1].is_string(), "{next:?}");
    assert_eq!(column(&list, "url"), [json!(receiver.url("/good")), json!(receiver.url("/bad"))]);

    let of = |endpoint: &str, query: &str| format!("/api/v1/app/ann/endpoint/{endpoint}/msg{query}");
    let list = rig.client.get(&of(&good, "")).await.expect(200);
    assert_eq!((column(&list, "id"), column(&list, "status")), (vec![json!(message)], vec![json!(0)]));
    assert_eq!(column(&list, "payload"), [json!({"x": 1})]);
    let list = rig.client.get(&of(&bad, "?status=1&with_content=false")).await.expect(200);
    assert_eq!((column(&list, "id"), column(&list, "payload")), (vec![json!(message)], vec![json!({})]));
    assert_eq!(column(&rig.client.get(&of(&bad, "?status=0")).await.expect(200), "id"), Vec::<Value>::new());
    assert_eq!(column(&rig.client.get(&of(&good, "?status=1")).await.expect(200), "id"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_resent_message_is_delivered_once_more() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/")).await;
    let message = rig.send("ann", "a.b", json!({"x": 1})).await;
    let attempts = format!("/api/v1/app/ann/attempt/endpoint/{endpoint}");
    listed(&rig, &attempts, 1).await;
    let path = format!("/api/v1/app/ann/msg/{message}/endpoint/{endpoint}/resend");
    assert_eq!(rig.client.post(&path, &json!({})).await.expect(202).json(), json!({}));
    let received = receiver.wait_for(2).await;
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(column(&listed(&rig, &attempts, 2).await, "triggerType"), [json!(1), json!(0)]);
    rig.client.post(&path.replace(&endpoint, "nobody"), &json!({})).await.expect(404);
}

#[tokio::test]
async fn a_resend_to_a_disabled_endpoint_is_refused_with_what_to_do() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", &receiver.url("/hook")).await;
    let message = rig.send("ann", "a.b", json!({"x": 1})).await;
    listed(&rig, &format!("/api/v1/app/ann/attempt/endpoint/{endpoint}"), 1).await;
    let at = format!("/api/v1/app/ann/endpoint/{endpoint}");
    rig.client.patch(&at, &json!({"disabled": true})).await.expect(200);
    let resend = format!("/api/v1/app/ann/msg/{message}/endpoint/{endpoint}/resend");
    let refused = rig.client.post(&resend, &json!({})).await.expect(409).json();
    assert_eq!(refused["code"], "endpoint_disabled");
    assert!(text(&refused["detail"]).contains("Enable it first"), "{refused}");
    rig.client.patch(&at, &json!({"disabled": false})).await.expect(200);
    rig.client.post(&resend, &json!({})).await.expect(202);
    listed(&rig, &format!("/api/v1/app/ann/attempt/endpoint/{endpoint}"), 2).await;
}
