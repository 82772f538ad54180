//! What is told of what came: to the metrics all of it, to the server's own log nothing that is a credential.

use hookwright_testkit::http::Method;
use serde_json::json;

use super::{PATH, Provider, SECRET, github};
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
