//! Sources that send of themselves: one message for each time, also over a restart.

use std::collections::HashSet;
use std::time::Duration;

use hookwright::config::DatabaseUrl;
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::source::{SourceRef, SourceSettings};
use hookwright::domain::time::Timestamp;
use hookwright::{Clock, Hooks};
use hookwright_testkit::{Receiver, eventually};
use serde_json::{Value, json};

use super::{PATH, forward, log};
use crate::api::rig::{Rig, column, text, wrong_place};
use crate::live::{Live, launch};

/// 2023-11-14T22:13:20Z
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn cron(schedule: &str) -> Value {
    json!({"name": "Nightly", "type": "cron", "config": {"schedule": schedule, "payload": "{\"do\": \"it\"}"}})
}

async fn rows(rig: &Rig, source: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} rows"), async || {
        let rows = log(rig, source).await;
        if rows.len() == count { Ok(rows) } else { Err(rows) }
    })
    .await
}

#[tokio::test]
async fn a_message_is_made_when_its_time_comes_and_no_other() {
    let (rig, receiver) = (Rig::start_at(Clock::manual(START)).await, Receiver::start().await);
    let mut source = cron("*/15 * * * *");
    source["config"]["contentType"] = json!("application/cloudevents+json");
    source["eventType"] = json!({"pointer": "/do"});
    let made = rig.client.post(PATH, &source).await.expect(201).json();
    assert_eq!((&made["type"], &made["config"]), (&json!("cron"), &source["config"]));
    let id = text(&made["id"]);
    forward(&rig, &id, &receiver, &["it"]).await;
    // 22:15:00 comes, and with it the first; then 22:30 and 22:45.
    rig.hooks.clock().advance(Duration::from_secs(100));
    let received = receiver.wait_for(1).await;
    assert_eq!(
        (received[0].text().as_str(), received[0].header("content-type")),
        (r#"{"do": "it"}"#, Some("application/cloudevents+json"))
    );
    rig.hooks.clock().advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(rows(&rig, &id, 1).await[0]["event_type"], "it");
    rig.hooks.clock().advance(Duration::from_secs(1));
    receiver.wait_for(2).await;
    rig.hooks.clock().advance(Duration::from_secs(15 * 60));
    receiver.wait_for(3).await;
    let rows = rows(&rig, &id, 3).await;
    assert!(rows.iter().all(|row| row["verdict"] == "verified" && row["method"] == "CRON"), "{rows:?}");
    // Another schedule is in force at once.
    let patch = json!({"config": cron("* * * * *")["config"]});
    rig.client.patch(&format!("{PATH}/{id}"), &patch).await.expect(200);
    rig.hooks.clock().advance(Duration::from_secs(60));
    receiver.wait_for(4).await;
    // One that is deleted sends no more; another does.
    rig.client.delete(&format!("{PATH}/{id}")).await.expect(204);
    let other = text(&rig.client.post(PATH, &cron("* * * * *")).await.expect(201).json()["id"]);
    rig.hooks.clock().advance(Duration::from_secs(60));
    self::rows(&rig, &other, 1).await;
    assert_eq!(receiver.count(), 4);
}

#[tokio::test]
async fn of_what_was_missed_for_long_the_last_is_made_up_for() {
    let rig = Rig::start_at(Clock::manual(START)).await;
    let id = text(&rig.client.post(PATH, &cron("* * * * *")).await.expect(201).json()["id"]);
    rig.hooks.clock().advance(Duration::from_secs(60));
    rows(&rig, &id, 1).await;
    rig.hooks.clock().advance(Duration::from_secs(10 * 3_600));
    rows(&rig, &id, 2).await;
    rig.hooks.clock().advance(Duration::from_secs(60));
    rows(&rig, &id, 3).await;
}

#[tokio::test]
async fn a_schedule_that_is_none_is_refused() {
    let rig = Rig::start().await;
    for (config, place) in [
        (json!({"schedule": "now", "payload": "{}"}), "body.config.schedule"),
        (json!({"schedule": "* * * *", "payload": "{}"}), "body.config.schedule"),
        (json!({"schedule": "61 * * * *", "payload": "{}"}), "body.config.schedule"),
        (json!({"schedule": "0 0 30 2 *", "payload": "{}"}), "body.config.schedule"),
        (json!({"schedule": 5, "payload": "{}"}), "body.config.schedule"),
        (json!({"payload": "{}"}), "body.config.schedule"),
        (json!({"schedule": "* * * * *"}), "body.config.payload"),
        (json!({"schedule": "* * * * *", "payload": ""}), "body.config.payload"),
        (json!({"schedule": "* * * * *", "payload": "{}", "contentType": "a\nb"}), "body.config.contentType"),
        (json!({"schedule": "* * * * *", "payload": "{}", "secret": "s"}), "body.config.secret"),
    ] {
        let refused = rig.client.post(PATH, &json!({"name": "A", "type": "cron", "config": config})).await;
        assert_eq!(wrong_place(&refused.expect(422)), place, "{config}");
    }
    assert!(column(&rig.client.get(PATH).await.expect(200), "id").is_empty());
}

#[tokio::test]
async fn each_time_has_one_message_also_over_a_kill() {
    let receiver = Receiver::start().await;
    let launch = launch("100ms,100ms,100ms");
    let mut server = Live::start(&launch).await;
    let made = server.client.post(PATH, &cron("* * * * * *")).await.expect(201).json();
    let id = text(&made["id"]);
    let endpoint = json!({"url": receiver.url("/")});
    server.client.post(&format!("{PATH}/{id}/endpoint"), &endpoint).await.expect(201);
    for round in 1..=3 {
        receiver.wait_for(round * 2).await;
        server.process.kill9().await;
        server = Live::start(&launch).await;
    }
    receiver.wait_for(8).await;
    let list = server.client.get(&format!("{PATH}/{id}/log?limit=250")).await.expect(200);
    let seconds = column(&list, "created_at")
        .iter()
        .map(|time| text(time)[17..19].parse().unwrap())
        .collect::<Vec<i64>>();
    // Newest first; all of it takes less than a minute.
    let elapsed = (seconds[0] - seconds[seconds.len() - 1]).rem_euclid(60) + 1;
    assert!(seconds.len() as i64 <= elapsed + 1, "no more than seconds have passed: {seconds:?}");
    let verdicts: HashSet<String> = column(&list, "verdict").iter().map(text).collect();
    assert_eq!(
        verdicts,
        HashSet::from(["verified".to_owned()]),
        "nothing is made twice, and no copy is in the log"
    );
    server.process.kill9().await;
}

#[tokio::test]
async fn a_time_that_was_sent_before_a_restart_is_not_sent_after_it_and_one_that_was_missed_is() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let start = async || {
        let mut builder = Hooks::builder(DatabaseUrl::Sqlite(folder.path().join("hookwright.db")));
        builder.config_mut().clock = clock.clone();
        builder.start().await.unwrap()
    };
    let count = async |hooks: &Hooks, source: &SourceRef| {
        let page = PageRequest::first(250, Order::Ascending);
        hooks.source_log(hooks.default_organisation(), source, page).await.unwrap().items.len()
    };
    let until = async |hooks: &Hooks, source: &SourceRef, wanted: usize| {
        eventually(&format!("{wanted} rows"), async || match count(hooks, source).await {
            found if found == wanted => Ok(()),
            found => Err(found),
        })
        .await;
    };
    let mut hooks = start().await;
    let settings = SourceSettings::new("Hourly", "cron", cron("0 * * * *")["config"].clone());
    let made = hooks.source_create(hooks.default_organisation(), settings).await.unwrap();
    let source = SourceRef::Id(made.source.id);
    let mut wanted = 0;
    for away in [0, 0, 3 * 3_600] {
        clock.advance(Duration::from_secs(3_600));
        wanted += 1;
        until(&hooks, &source, wanted).await;
        hooks.shutdown(Duration::from_secs(5)).await.unwrap();
        clock.advance(Duration::from_secs(away));
        hooks = start().await;
    }
    // Two of the three that were missed are not made up for; what comes next shows that nothing else was sent.
    until(&hooks, &source, wanted + 1).await;
    clock.advance(Duration::from_secs(3_600));
    until(&hooks, &source, wanted + 2).await;
    hooks.shutdown(Duration::from_secs(5)).await.unwrap();
}
