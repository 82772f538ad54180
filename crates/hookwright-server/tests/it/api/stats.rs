//! How an endpoint has been doing, in numbers.

use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::rig::{Rig, text, wrong_place};

/// Waits until the statistics of an endpoint are so.
async fn stats(rig: &Rig, endpoint: &str, expected: Value) {
    eventually(&format!("{expected}"), async || {
        let path = format!("/api/v1/app/ann/endpoint/{endpoint}/stats");
        let found = rig.client.get(&path).await.expect(200).json();
        if found == expected { Ok(()) } else { Err(found) }
    })
    .await;
}

#[tokio::test]
async fn attempts_and_what_is_pending_are_counted_for_one_endpoint() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.on("/bad", [Reply::status(500)]);
    let application = rig.application("ann").await;
    let good = rig.endpoint("ann", &receiver.url("/good")).await;
    let bad = rig.endpoint("ann", &receiver.url("/bad")).await;
    let none =
        json!({"success": 0, "pending": 0, "sending": 0, "fail": 0, "canceled": 0, "isPartial": false});
    stats(&rig, &good, none.clone()).await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        sent.push(rig.send("ann", "a.b", json!({})).await);
    }
    let counted = |success, pending, fail| {
        let mut counted = none.clone();
        counted["success"] = json!(success);
        counted["pending"] = json!(pending);
        counted["fail"] = json!(fail);
        counted
    };
    stats(&rig, &good, counted(3, 0, 0)).await;
    stats(&rig, &bad, counted(0, 3, 3)).await;
    let tenant = rig.tenant(&application).await;
    let path = format!("/api/v1/app/ann/endpoint/{good}/stats");
    assert_eq!(tenant.get(&path).await.expect(200).json(), counted(3, 0, 0));

    let span = async |query: &str| rig.client.get(&format!("{path}?{query}")).await.expect(200).json();
    let first = rig.client.get(&format!("/api/v1/app/ann/msg/{}", sent[0])).await.expect(200).json();
    let first = text(&first["timestamp"]);
    assert_eq!(span(&format!("since={first}")).await, counted(3, 0, 0));
    assert_eq!(span(&format!("until={first}")).await, none);
    assert_eq!(span("since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00%2B01:00").await, none);
}

#[tokio::test]
async fn a_span_that_makes_no_sense_is_refused() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/stats");
    for (query, place) in [
        ("since=yesterday", "query.since"),
        ("until=7", "query.until"),
        ("since=2020-02-01T00:00:00Z&until=2020-01-01T00:00:00Z", "query.since"),
        ("since=9999-01-01T00:00:00Z", "query.since"),
    ] {
        let refused = rig.client.get(&format!("{path}?{query}")).await.expect(422);
        assert_eq!(wrong_place(&refused), place, "{query}");
    }
    rig.client.get(&path.replace(&endpoint, "nobody")).await.expect(404);
}
