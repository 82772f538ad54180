//! What is told of what came: to the metrics all of it, to the server's own log nothing that is a credential.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::Receiver;
use hookwright_testkit::http::Method;
use serde_json::{Value, json};

use super::{PATH, Provider, SECRET, github, log};
use crate::api::rig::{Rig, text};
use crate::live::{Live, launch};

/// What a metric says, of requests with this verdict.
fn counted(metrics: &str, verdict: &str) -> u64 {
    let line = format!("hookwright_inbound_total{{verdict=\"{verdict}\"}} ");
    let value = metrics.lines().find_map(|found| found.strip_prefix(&line));
    value.unwrap_or_else(|| panic!("no {line}in {metrics}")).parse().unwrap()
}

#[tokio::test]
async fn everything_is_counted_and_no_credential_is_in_the_servers_log() {
    let launch = launch("1s").env("HOOKWRIGHT_LOG", "trace");
    let mut server = Live::start(&launch).await;
    let mut source = github();
    source["body"] = json!("json");
    let made = server.client.post(PATH, &source).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &source, None);
    let rare = json!({"name": "Rare", "type": "generic-webhook", "throttleRate": 1});
    let made = server.client.post(PATH, &rare).await.expect(201).json();
    let throttled = Provider::made(&server.url, &made, &rare, None);

    provider.send("1", "{}").await.expect(200);
    provider.send("1", "{}").await.expect(200);
    provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    provider.send("2", "no JSON").await.expect(400);
    provider.client.get(&provider.path).await.expect(405);
    let (mut taken, mut refused) = (0, 0);
    while refused == 0 {
        match throttled.send("", "{}").await.status {
            200 => taken += 1,
            status => {
                assert_eq!(status, 429);
                refused += 1;
            }
        }
    }
    let metrics = server.client.get("/metrics").await.expect(200).text();
    for (verdict, count) in
        [("verified", 1 + taken), ("duplicate", 1), ("refused", 3), ("throttled", refused), ("handshake", 0)]
    {
        assert_eq!(counted(&metrics, verdict), count, "{verdict}");
    }

    server.process.terminate();
    server.process.wait_exit().await;
    let printed: Vec<String> = server.process.lines().into_iter().map(|line| line.text).collect();
    let printed = printed.join("\n");
    assert!(printed.contains("is refused: "), "why is told: {printed}");
    for path in [&provider.path, &throttled.path] {
        let token = path.rsplit('/').next().unwrap();
        assert!(token.len() >= 20 && !printed.contains(token), "{printed}");
    }
    assert!(!printed.contains(SECRET), "{printed}");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_in_the_log_and_told_once_a_minute() {
    let start = Timestamp::from_micros(1_700_000_000_000_000);
    let (rig, own) = (Rig::start_at(Clock::manual(start)).await, Receiver::start().await);
    let listener = json!({"url": own.url("/ops"), "eventTypes": ["source.*"]});
    rig.client.post("/api/v1/operational-webhook/endpoint", &listener).await.expect(201);
    let mut source = github();
    (source["uid"], source["body"]) = (json!("code"), json!("json"));
    let provider = Provider::of(&rig, source).await;
    let answer = provider.send("1", "no JSON").await.expect(400);
    assert_eq!(answer.text(), "The body is not JSON, and this source takes nothing else.");
    let rows = log(&rig, &provider.id).await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&row["verdict"], &row["status_code"]), (&json!("refused"), &json!(400)));
    assert_eq!((&row["error_text"], &row["payload"]), (&json!(answer.text()), &json!("no JSON")));
    assert_eq!(row["msg_id"], Value::Null);
    let told = own.wait_for(1).await[0].json();
    assert_eq!(
        told,
        json!({"type": "source.refused", "data": {
            "sourceId": provider.id, "sourceUid": "code", "sourceName": "GitHub", "logId": row["id"],
            "status": 400, "reason": row["error_text"], "timestamp": row["created_at"], "refused": 1,
        }})
    );

    // It may be sent again when it is right: what was refused has claimed nothing.
    provider.send("1", "{}").await.expect(200);
    for _ in 0..30 {
        provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    }
    rig.hooks.clock().advance(Duration::from_secs(60));
    provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    let told = own.wait_for(2).await[1].json();
    assert_eq!((&told["data"]["refused"], &told["data"]["status"]), (&json!(31), &json!(401)));
    assert!(text(&told["data"]["reason"]).contains("x-hub-signature-256"), "why: {told}");
    assert_eq!(own.count(), 2, "and not for each");
    assert_eq!(told["data"]["logId"], log(&rig, &provider.id).await[0]["id"]);
}
