//! What came is kept for as long as is said, and then it is nowhere.

use std::time::Duration;

use futures_util::StreamExt;
use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::http::Method;
use hookwright_testkit::{Receiver, eventually, eventually_within};
use serde_json::json;

use super::{PATH, Provider, github, log, verdicts};
use crate::api::rig::Rig;
use crate::live::{Live, launch};

/// What nothing else has in it.
const NEEDLE: &str = "needle-in-the-database-7f3a";

/// What stays, and shows that what is there is found.
const KEPT: &str = "haystack-in-the-database-1c9b";

fn holds(path: &std::path::Path, text: &str) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn holds_needle(path: &std::path::Path) -> bool {
    holds(path, NEEDLE)
}

#[tokio::test]
async fn within_half_a_minute_of_its_expiry_a_request_is_gone_from_the_log_and_from_the_file() {
    let receiver = Receiver::start().await;
    let mut server = Live::start(&launch("1s").env("HOOKWRIGHT_INBOUND_RETENTION", "1s")).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &github(), None);
    let endpoint = json!({"url": receiver.url("/")});
    server.client.post(&format!("{PATH}/{}/endpoint", provider.id), &endpoint).await.expect(201);
    let long = json!({"name": "Any", "type": "generic-webhook", "retention": "1d"});
    let kept = server.client.post(PATH, &long).await.expect(201).json();
    Provider::made(&server.url, &kept, &long, None).send("1", KEPT).await.expect(200);
    let body = format!("{{\"secret\":\"{NEEDLE}\"}}");
    provider.send("1", &body).await.expect(200);
    let forged = provider.client.request(Method::POST, &provider.path, &[], body).await;
    forged.expect(401);
    receiver.wait_for(1).await;
    let database = server.process.directory().join("hookwright.db");
    let log = server.process.directory().join("hookwright.db-wal");
    eventually_within(Duration::from_secs(31), "the request to be gone", async || {
        match holds_needle(&database) || holds_needle(&log) {
            true => Err("it is still there"),
            false => Ok(()),
        }
    })
    .await;
    assert!(holds(&database, KEPT) || holds(&log, KEPT), "what is kept is found like this");
    let left = server.client.get(&format!("{PATH}/{}/log", provider.id)).await.expect(200).json();
    assert_eq!(left["data"], json!([]));
    server.process.kill9().await;
}

/// What a metric says.
fn measured(metrics: &str, name: &str) -> f64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
}

#[tokio::test]
async fn what_goes_goes_in_slices_of_2_ms() {
    const REQUESTS: u32 = 3_000;
    let mut server = Live::start(&launch("1s").env("HOOKWRIGHT_INBOUND_RETENTION", "1s")).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &github(), None);
    let all = futures_util::stream::iter(0..REQUESTS).for_each_concurrent(32, async |number| {
        provider.send(&number.to_string(), "{}").await.expect(200);
    });
    all.await;
    let metrics = eventually("all of them to be gone", async || {
        let metrics = server.client.get("/metrics").await.expect(200).text();
        let gone = measured(&metrics, "hookwright_expired_inbound_total");
        if gone >= f64::from(REQUESTS) { Ok(metrics) } else { Err(gone) }
    })
    .await;
    let [slices, seconds, worked, cpu_seconds] =
        ["seconds_count", "seconds_sum", "cpu_seconds_count", "cpu_seconds_sum"]
            .map(|what| measured(&metrics, &format!("hookwright_slice_{what}")));
    // 500 of them at most in each; and where the machine has other work one may take longer, but not all of them.
    assert!(slices >= f64::from(REQUESTS / 500), "{slices}");
    assert!(seconds / slices < 0.005, "{seconds} s in {slices} slices");
    // They wait for processors besides, and do not work while they do.
    assert_eq!(worked, slices);
    assert!(0.0 < cpu_seconds && cpu_seconds <= seconds, "{cpu_seconds} s of {seconds}");
    server.process.kill9().await;
}

#[tokio::test]
async fn what_has_no_effect_is_kept_for_a_day_and_the_rest_for_a_week() {
    let rig = Rig::start_at(Clock::manual(Timestamp::from_micros(1_700_000_000_000_000))).await;
    let provider = Provider::of(&rig, github()).await;
    provider.send("1", "{}").await.expect(200);
    provider.client.request(Method::POST, &provider.path, &[], "{}").await.expect(401);
    provider.send("1", "{}").await.expect(200);
    let hour = Duration::from_secs(3_600);
    for (hours, left) in [
        (23, &["duplicate", "refused", "verified"][..]),
        (2, &["verified"]),
        (6 * 24 - 2, &["verified"]),
        (2, &[]),
    ] {
        rig.hooks.clock().advance(hour * hours);
        // Another one that has expired, so that what is looked at has been looked at.
        let brief = json!({"name": "Brief", "type": "generic-webhook", "retention": "1ms"});
        let brief = Provider::of(&rig, brief).await;
        brief.send("", "{}").await.expect(200);
        eventually("what has expired to be gone", async || {
            // It is looked at every few seconds.
            rig.hooks.clock().advance(Duration::from_secs(5));
            let there = verdicts(&rig, &brief.id).await;
            if there.is_empty() { Ok(()) } else { Err(there) }
        })
        .await;
        assert_eq!(verdicts(&rig, &provider.id).await, left, "{hours} hours later");
    }
}

#[tokio::test]
async fn what_is_still_to_be_delivered_stays() {
    let rig = Rig::start_configured(|config| {
        config.allow_target_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.inbound_retention = Duration::from_millis(1);
    })
    .await;
    let provider = Provider::of(&rig, github()).await;
    // Nobody listens there, and the next try is in five seconds, then in five minutes.
    let endpoint = json!({"url": "http://127.0.0.1:9/", "uid": "down"});
    rig.client.post(&format!("{PATH}/{}/endpoint", provider.id), &endpoint).await.expect(201);
    provider.send("1", "{\"kept\":1}").await.expect(200);
    let unforwarded = Provider::of(&rig, github()).await;
    unforwarded.send("1", "{}").await.expect(200);
    eventually("the one without an endpoint to be gone", async || {
        if log(&rig, &unforwarded.id).await.is_empty() { Ok(()) } else { Err(()) }
    })
    .await;
    assert_eq!(log(&rig, &provider.id).await[0]["payload"], "{\"kept\":1}");
}

#[tokio::test]
async fn a_source_that_is_deleted_takes_all_of_it_along() {
    let mut server = Live::start(&launch("1s")).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &github(), None);
    provider.send("1", &format!("{{\"secret\":\"{NEEDLE}\"}}")).await.expect(200);
    server.client.delete(&format!("{PATH}/{}", provider.id)).await.expect(204);
    provider.send("2", "{}").await.expect(404);
    server.client.get(&format!("{PATH}/{}", provider.id)).await.expect(404);
    server.client.get(&format!("{PATH}/{}/log", provider.id)).await.expect(404);
    let database = server.process.directory().join("hookwright.db");
    let log = server.process.directory().join("hookwright.db-wal");
    eventually("its rows to be gone", async || {
        if holds_needle(&database) || holds_needle(&log) { Err(()) } else { Ok(()) }
    })
    .await;
    server.process.kill9().await;
}
