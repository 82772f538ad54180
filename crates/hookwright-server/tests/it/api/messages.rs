//! Lists of messages: filters, and payloads on request.

use hookwright_testkit::{Receiver, eventually};
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

#[tokio::test]
async fn messages_are_filtered_by_type_channel_tag_and_time() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let mut times = Vec::new();
    for (name, channel, tag) in [("a.1", "red", "x"), ("a.2", "red", "y"), ("a.3", "blue", "x")] {
        let body = json!({"eventType": name, "payload": {"n": name}, "channels": [channel], "tags": [tag]});
        let sent = rig.client.post("/api/v1/app/ann/msg", &body).await.expect(202).json();
        times.push(text(&sent["timestamp"]));
    }
    let check = async |query: &str, expected: &[&str]| {
        let list = rig.client.get(&format!("/api/v1/app/ann/msg?{query}")).await.expect(200);
        assert_eq!(
            column(&list, "eventType"),
            expected.iter().map(|name| json!(name)).collect::<Vec<_>>(),
            "{query}"
        );
    };
    check("", &["a.3", "a.2", "a.1"]).await;
    check("order=ascending", &["a.1", "a.2", "a.3"]).await;
    check("event_types=a.1,a.3", &["a.3", "a.1"]).await;
    check("event_types=a.1&event_types=a.2", &["a.2", "a.1"]).await;
    check("channel=red", &["a.2", "a.1"]).await;
    check("tag=x&channel=blue", &["a.3"]).await;
    check(&format!("before={}", times[1]), &["a.1"]).await;
    check(&format!("after={}", times[1].replace('Z', "+00:00")), &["a.3"]).await;
    for (query, place) in [
        ("before=yesterday", "query.before"),
        ("channel=a%20b", "query.channel"),
        ("event_types=a%20b", "query.event_types"),
        ("with_content=perhaps", "query.with_content"),
    ] {
        let refused = rig.client.get(&format!("/api/v1/app/ann/msg?{query}")).await.expect(422);
        assert_eq!(wrong_place(&refused), place);
    }
}

#[tokio::test]
async fn payloads_are_shown_unless_they_are_not_wanted() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let id = rig.send("ann", "a.b", json!({"x": 1})).await;
    for (query, payload) in
        [("", json!({"x": 1})), ("?with_content=true", json!({"x": 1})), ("?with_content=false", json!({}))]
    {
        let list = rig.client.get(&format!("/api/v1/app/ann/msg{query}")).await.expect(200);
        assert_eq!(column(&list, "payload"), std::slice::from_ref(&payload), "{query}");
        let one: Value = rig.client.get(&format!("/api/v1/app/ann/msg/{id}{query}")).await.expect(200).json();
        assert_eq!(one["payload"], payload, "{query}");
    }
    rig.application("bob").await;
    rig.client.get(&format!("/api/v1/app/bob/msg/{id}")).await.expect(404);
    rig.client.get("/api/v1/app/ann/msg/not-an-id").await.expect(404);
}

#[tokio::test]
async fn a_message_goes_by_its_event_id_wherever_it_goes_by_its_id() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    for application in ["ann", "bob"] {
        rig.application(application).await;
    }
    let endpoint = rig.endpoint("ann", &receiver.url("/")).await;
    let body = json!({"eventType": "a.b", "eventId": "order-1.paid", "payload": {"x": 1}});
    let sent = rig.client.post("/api/v1/app/ann/msg", &body).await.expect(202).json();
    let id = text(&sent["id"]);
    receiver.wait_for(1).await;
    let attempts = eventually("the attempt", async || {
        let found = rig.client.get("/api/v1/app/ann/attempt/msg/order-1.paid").await.expect(200);
        if column(&found, "id").len() == 1 { Ok(found) } else { Err(found.text()) }
    })
    .await;
    let attempt = text(&column(&attempts, "id")[0]);
    for path in ["", "/endpoint", &format!("/attempt/{attempt}")] {
        let by = async |name: &str| {
            let found = rig.client.get(&format!("/api/v1/app/ann/msg/{name}{path}")).await.expect(200).json();
            // Iterators are of the list that was asked for.
            found.get("data").cloned().unwrap_or(found)
        };
        assert_eq!(by("order-1.paid").await, by(&id).await, "{path}");
    }
    let resend = format!("/api/v1/app/ann/msg/order-1.paid/endpoint/{endpoint}/resend");
    rig.client.post(&resend, &json!({})).await.expect(202);
    assert_eq!(receiver.wait_for(2).await[1].id(), id);

    // Of another application, of nobody, and nearly the same.
    for path in ["bob/msg/order-1.paid", "nobody/msg/order-1.paid", "ann/msg/order-1", "ann/msg/ORDER-1.PAID"]
    {
        rig.client.get(&format!("/api/v1/app/{path}")).await.expect(404);
    }
    for gone in [&format!("/attempt/{attempt}/content"), "/content"] {
        rig.client.delete(&format!("/api/v1/app/ann/msg/order-1.paid{gone}")).await.expect(204);
    }
    let left = rig.client.get("/api/v1/app/ann/msg/order-1.paid").await.expect(200).json();
    assert_eq!((&left["id"], &left["payload"]), (&json!(id), &json!({"expired": true})));
    rig.client.post(&resend, &json!({})).await.expect(400);
}
