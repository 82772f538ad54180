//! The program is killed right after it answered 200: what it answered for is in the log, and is forwarded.

use std::collections::HashSet;

use hookwright_testkit::{Receiver, Reply};
use serde_json::json;

use super::{PATH, Provider, github};
use crate::live::{Live, launch};

#[tokio::test]
async fn what_was_answered_with_200_is_in_the_log_and_forwarded_after_a_kill() {
    let receiver = Receiver::start().await;
    // Until the program is started again nothing arrives.
    receiver.reply_with(|_| Reply::status(503));
    let launch = launch("100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms");
    let mut server = Live::start(&launch).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let mut provider = Provider::made(&server.url, &made, &github(), None);
    let endpoint = json!({"url": receiver.url("/")});
    server.client.post(&format!("{PATH}/{}/endpoint", provider.id), &endpoint).await.expect(201);
    let mut sent = HashSet::new();
    for round in 0..3 {
        for number in 0..20 {
            let body = json!({"round": round, "number": number}).to_string();
            provider.send(&format!("{round}-{number}"), &body).await.expect(200);
            sent.insert(body);
        }
        server.process.kill9().await;
        receiver.reply_with(|_| Reply::ok());
        server = Live::start(&launch).await;
        provider.client = hookwright_testkit::http::Client::anonymous(&server.url);
    }
    let log = server.client.get(&format!("{PATH}/{}/log?limit=250", provider.id)).await.expect(200).json();
    let logged: HashSet<String> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["payload"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(logged, sent);
    receiver
        .wait_until(
            |all| {
                let arrived: HashSet<String> = all.iter().map(|it| it.text()).collect();
                sent.is_subset(&arrived)
            },
            "all that was answered with 200",
        )
        .await;
    // What came before the kill is known after it.
    provider.send("0-0", &json!({"round": 0, "number": 0}).to_string()).await.expect(200);
    let newest = server.client.get(&format!("{PATH}/{}/log?limit=1", provider.id)).await.expect(200).json();
    assert_eq!(newest["data"][0]["verdict"], "duplicate");
    server.process.kill9().await;
}
