//! Limits of endpoints and applications, the breaker, and that one endpoint cannot hurt another.

use std::time::{Duration, Instant};

use hookwright::domain::application::ApplicationRef;
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, to_url};

async fn send(rig: &Rig, count: usize) {
    futures_util::future::join_all((0..count).map(|_| rig.send("{}"))).await;
}

#[tokio::test]
async fn an_endpoint_that_hangs_does_not_slow_another() {
    let (rig, slow, quick) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    slow.script([Reply::hang()]);
    rig.endpoint(slow.url("/")).await;
    rig.endpoint(quick.url("/")).await;
    send(&rig, 300).await;
    quick.wait_tally(|tally| tally.distinct == 300, "300 messages").await;
    assert_eq!(slow.tally().max_in_flight, 32);
    rig.hooks.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_gets_no_more_at_once_than_it_may() {
    let rig = Rig::start_with(|config| config.lane_concurrency = 3).await;
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    send(&rig, 20).await;
    gate.wait_entered(3).await;
    gate.release();
    receiver.wait_for(20).await;
    assert_eq!(receiver.tally().max_in_flight, 3);
    rig.end().await;
}

#[tokio::test]
async fn a_throttle_rate_spreads_attempts_over_time() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let mut new = to_url(receiver.url("/"));
    new.settings.throttle_rate = Some(10);
    rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    let started = Instant::now();
    send(&rig, 31).await;
    receiver.wait_for(31).await;
    let seconds = started.elapsed().as_secs();
    assert!((3..10).contains(&seconds), "31 attempts at 10 a second took {seconds} s");
    rig.end().await;
}

#[tokio::test]
async fn a_throttled_endpoint_that_answers_slowly_still_gets_its_rate() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let gate = receiver.gate();
    let mut new = to_url(receiver.url("/"));
    new.settings.throttle_rate = Some(10);
    rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    send(&rig, 8).await;
    let started = Instant::now();
    gate.wait_entered(8).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    gate.release();
    rig.end().await;
}

#[tokio::test]
async fn an_applications_throttle_rate_counts_over_its_endpoints_and_can_be_lifted() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let (organisation, name) = (rig.hooks.default_organisation(), ApplicationRef::Id(rig.application));
    let set = async |rate| {
        let change = |settings: &mut hookwright::domain::application::ApplicationSettings| {
            settings.throttle_rate = rate;
        };
        rig.hooks.application_update(organisation, &name, change).await.unwrap();
    };
    set(Some(2)).await;
    for path in ["/a", "/b", "/c"] {
        rig.endpoint(receiver.url(path)).await;
    }
    let started = Instant::now();
    send(&rig, 2).await;
    receiver.wait_for(5).await;
    assert!(started.elapsed() >= Duration::from_secs(1), "5 attempts at 2 a second");
    send(&rig, 100).await;
    set(None).await;
    receiver.wait_for(306).await;
    assert!(started.elapsed() < Duration::from_secs(20));
    rig.end().await;
}

#[tokio::test]
async fn an_open_breaker_probes_and_a_success_lets_all_that_waited_go_side_by_side() {
    let rig = Rig::start_with(|config| config.retry.schedule = vec![Duration::from_millis(1); 100]).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500)]);
    rig.endpoint(receiver.url("/")).await;
    send(&rig, 40).await;
    receiver.wait_for(21).await;
    // Open now: what was under way may still end, then there is a probe at most every second.
    let before = eventually("an idle endpoint", async || match rig.hooks.snapshot().attempts_under_way {
        0 => Ok(receiver.count()),
        others => Err(others),
    })
    .await;
    let gate = receiver.gate();
    receiver.script([Reply::ok()]);
    gate.wait_entered(1).await;
    assert_eq!(gate.entered(), 1, "one probe, and no other beside it");
    gate.release_some(1);
    gate.wait_entered(10).await;
    gate.release();
    eventually("the end of all deliveries", async || {
        let snapshot = rig.hooks.snapshot();
        if snapshot.resident == 0 && snapshot.attempts_under_way == 0 { Ok(()) } else { Err(snapshot) }
    })
    .await;
    assert!(before < 40 * 3, "the breaker held attempts back: {before} came");
    rig.end().await;
}
