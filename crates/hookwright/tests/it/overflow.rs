//! What does not fit into memory waits on disk, and comes in exactly once.

use std::time::Duration;

use hookwright::domain::attempt::AttemptStatus;
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, config, start};

async fn send_all(rig: &Rig, count: usize, bytes: usize) {
    let payload = bytes::Bytes::from(vec![b'x'; bytes]);
    for chunk in (0..count).collect::<Vec<_>>().chunks(200) {
        futures_util::future::join_all(chunk.iter().map(|_| rig.send(payload.clone()))).await;
    }
}

async fn wait_drained(rig: &Rig) {
    eventually("empty lanes", async || {
        let snapshot = rig.hooks.snapshot();
        let left = (snapshot.resident, snapshot.attempts_under_way, snapshot.on_disk);
        if left == (0, 0, 0) { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lane_that_overflows_all_the_time_delivers_each_message_exactly_once() {
    let rig = Rig::start_with(|config| {
        config.lane_resident = 8;
        config.lane_concurrency = 4;
    })
    .await;
    let receiver = Receiver::start_counting().await;
    rig.endpoint(receiver.url("/")).await;
    send_all(&rig, 3_000, 10).await;
    receiver.wait_tally(|tally| tally.distinct == 3_000, "each message").await;
    wait_drained(&rig).await;
    assert_eq!(receiver.tally().requests, 3_000, "none came twice");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn retries_of_a_lane_that_overflows_are_neither_lost_nor_made_twice() {
    let rig = Rig::start_with(|config| {
        config.lane_resident = 5;
        config.retry.schedule = vec![Duration::from_millis(1); 50];
    })
    .await;
    let receiver = Receiver::start_counting().await;
    let mut turn = 0;
    receiver.reply_with(move |_| {
        turn += 1;
        if turn % 2 == 0 { Reply::ok() } else { Reply::status(500) }
    });
    rig.endpoint(receiver.url("/")).await;
    send_all(&rig, 600, 10).await;
    receiver.wait_tally(|tally| tally.requests >= 1_200, "two a message").await;
    wait_drained(&rig).await;
    assert_eq!(receiver.tally().requests, 1_200, "each failure is followed by one attempt, on average");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_that_one_lane_fills_lets_the_others_go_on_and_forgets_nothing() {
    let rig = Rig::start_with(|config| config.resident_bytes = 64 * 1024).await;
    let (stuck, quick) = (Receiver::start().await, Receiver::start_counting().await);
    let gate = stuck.gate();
    rig.endpoint(stuck.url("/")).await;
    rig.endpoint(quick.url("/")).await;
    send_all(&rig, 300, 8 * 1024).await;
    quick.wait_tally(|tally| tally.distinct == 300, "each message").await;
    assert!(rig.hooks.snapshot().resident_bytes < 512 * 1024, "{:?}", rig.hooks.snapshot());
    gate.release();
    stuck.wait_tally(|tally| tally.distinct == 300, "each message").await;
    wait_drained(&rig).await;
    assert_eq!((stuck.tally().requests, quick.tally().requests), (300, 300));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_on_disk_is_delivered_by_the_next_engine_exactly_once() {
    let rig = Rig::start_with(|config| config.lane_resident = 10).await;
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    send_all(&rig, 200, 10).await;
    gate.wait_entered(32).await;
    // Senders are answered before the lanes are told, and how many wait on disk is only estimated.
    eventually("most of them wait on disk", async || {
        let on_disk = rig.hooks.snapshot().on_disk;
        if on_disk >= 100 { Ok(()) } else { Err(on_disk) }
    })
    .await;
    let report = rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((report.finished, report.called_off), (0, 32));
    gate.release();
    let mut config = config(&rig.directory);
    config.lane_resident = 10;
    let rig = Rig { hooks: start(config).await, ..rig };
    receiver.wait_tally(|tally| tally.distinct == 200, "each message").await;
    wait_drained(&rig).await;
    assert_eq!(receiver.tally().requests, 232, "those that were called off come once more");
    let one = receiver.received()[0].id().parse().unwrap();
    assert_eq!(rig.wait_ended(one).await[0].status, AttemptStatus::Success);
    rig.end().await;
}
