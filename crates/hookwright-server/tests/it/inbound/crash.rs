//! The program is killed right after it answered 200: what it answered for is in the log, and is forwarded.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Receiver, Reply};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

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
        provider.client = Client::anonymous(&server.url);
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

/// Sends under ids of its own until there is no answer, and notes what was answered with 200.
async fn sender(
    name: String,
    provider: Arc<Provider>,
    answered: Arc<Mutex<HashSet<String>>>,
    told: Arc<Notify>,
) {
    for number in 0.. {
        let body = format!("{{\"key\":\"{name}-{number}\"}}");
        let headers = provider.headers(&format!("{name}-{number}"), body.as_bytes());
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let sent = provider.client.try_request(Method::POST, &provider.path, &headers, body.clone()).await;
        let Ok(answer) = sent else { return };
        answer.expect(200);
        answered.lock().unwrap().insert(body);
        told.notify_one();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_any_200_while_others_are_under_way_loses_nothing_that_was_answered() {
    let receiver = Receiver::start().await;
    let launch = launch("100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms");
    let mut server = Live::start(&launch).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let mut provider = Provider::made(&server.url, &made, &github(), None);
    let endpoint = json!({"url": receiver.url("/")});
    server.client.post(&format!("{PATH}/{}/endpoint", provider.id), &endpoint).await.expect(201);
    let answered = Arc::new(Mutex::new(HashSet::new()));
    for (round, kill_after) in [1, 2, 7, 40, 150].into_iter().enumerate() {
        let (shared, told) = (Arc::new(provider), Arc::new(Notify::new()));
        let before = answered.lock().unwrap().len();
        let mut senders = JoinSet::new();
        for number in 0..6 {
            let name = format!("{round}-{number}");
            senders.spawn(sender(name, Arc::clone(&shared), Arc::clone(&answered), Arc::clone(&told)));
        }
        while answered.lock().unwrap().len() < before + kill_after {
            told.notified().await;
        }
        server.process.kill9().await;
        while senders.join_next().await.is_some() {}
        server = Live::start(&launch).await;
        provider = Arc::into_inner(shared).unwrap();
        provider.client = Client::anonymous(&server.url);
    }
    let answered = answered.lock().unwrap().clone();
    let (mut logged, mut iterator) = (HashSet::new(), String::new());
    loop {
        let path = format!("{PATH}/{}/log?limit=250{iterator}", provider.id);
        let page = server.client.get(&path).await.expect(200).json();
        let rows = page["data"].as_array().unwrap();
        logged.extend(rows.iter().map(|row| row["payload"].as_str().unwrap().to_owned()));
        if page["done"] == true {
            break;
        }
        iterator = format!("&iterator={}", page["iterator"].as_str().unwrap());
    }
    let lost: Vec<&String> = answered.difference(&logged).collect();
    assert!(answered.len() >= 200 && lost.is_empty(), "{lost:?} of {}", answered.len());
    let arrived =
        |all: &[hookwright_testkit::Received]| all.iter().map(|it| it.text()).collect::<HashSet<_>>();
    receiver.wait_until(|all| answered.is_subset(&arrived(all)), "all that was answered with 200").await;
    server.process.kill9().await;
}
