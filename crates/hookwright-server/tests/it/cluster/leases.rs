//! Nodes that share deliveries: each message arrives once, and what one node leaves behind others deliver.

use std::time::{Duration, Instant};

use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Receiver, Reply, eventually, eventually_within};

use crate::cluster::nodes::{Nodes, duplicates_once_all_arrived};

/// What a dead node held is under way at another within this.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);
/// What a node that stopped left is under way at another within this, long before a lease would be over.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(5);
const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

/// How many deliveries are pending.
async fn pending(database: &Database) -> usize {
    database.ask("SELECT count(*) FROM delivery").await.parse().unwrap()
}

async fn nothing_is_pending(database: &Database) {
    eventually_within(ARRIVED_WITHIN, "that nothing is pending", async || match pending(database).await {
        0 => Ok(()),
        left => Err(left),
    })
    .await;
}

#[tokio::test]
async fn messages_sent_to_three_nodes_in_turn_arrive_once_each() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start_counting().await;
    let nodes = Nodes::start(&database, 3, "1s,1s").await;
    nodes.set_up(&receiver).await;
    let sent = nodes.send("turn", 900).end().await;
    assert_eq!((sent.ids.len(), sent.repeated), (900, 0));
    assert_eq!(duplicates_once_all_arrived(&receiver, &sent, ARRIVED_WITHIN).await, 0);
    nothing_is_pending(&database).await;
    let shared = "SELECT count(*) FROM lease WHERE ended_at IS NULL AND adopted_by IS NULL";
    assert_eq!(database.ask(shared).await, "3");
}

#[tokio::test]
async fn what_a_killed_node_held_another_delivers_within_15_s() {
    let Some(database) = postgres::database().await else { return };
    // Whoever holds the messages waits for an answer that does not come.
    let receiver = Receiver::start().await;
    receiver.reply_with(|_| Reply::hang());
    let mut nodes = Nodes::start(&database, 2, "1s,1s").await;
    nodes.set_up(&receiver).await;
    let mut sent = Vec::new();
    for number in 0..30 {
        sent.push(nodes.node(0).send(&serde_json::json!({ "number": number })).await);
    }
    receiver.wait_for(30).await;
    receiver.reply_with(|_| Reply::ok());
    let before = receiver.received().len();
    let killed = Instant::now();
    nodes.kill(0).await;
    let arrived = async || {
        let received = receiver.received();
        let missing =
            sent.iter().filter(|id| !received[before..].iter().any(|request| request.id() == **id)).count();
        if missing == 0 { Ok(()) } else { Err(format!("{missing} are missing")) }
    };
    eventually_within(TAKEN_OVER_WITHIN, "that all arrive by way of the other node", arrived).await;
    assert!(killed.elapsed() < TAKEN_OVER_WITHIN, "{:?}", killed.elapsed());
    nothing_is_pending(&database).await;
    nodes.node(1).is_well().await;
}

#[tokio::test]
async fn a_retry_of_a_killed_node_another_makes_when_it_is_due() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    receiver.reply_with(|request| if request.sequence == 0 { Reply::status(500) } else { Reply::ok() });
    let mut nodes = Nodes::start(&database, 2, "3s,1s").await;
    nodes.set_up(&receiver).await;
    let id = nodes.node(0).send(&serde_json::json!({})).await;
    receiver.wait_for(1).await;
    eventually_within(ARRIVED_WITHIN, "that the retry is written", async || {
        match database.ask("SELECT count(*) FROM delivery WHERE due_at IS NOT NULL").await.as_str() {
            "1" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
    let failed = Instant::now();
    nodes.kill(0).await;
    let received = receiver.wait_for(2).await;
    assert_eq!(received[1].id(), id);
    // It is due 3 s after the failure, give or take a tenth; nobody had to take anything over.
    assert!(failed.elapsed() < Duration::from_secs(3) + HANDED_OVER_WITHIN, "{:?}", failed.elapsed());
    nothing_is_pending(&database).await;
}

#[tokio::test]
async fn a_node_that_is_stopped_loses_nothing_makes_nothing_twice_and_hands_over_at_once() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start_counting().await;
    let mut nodes = Nodes::start(&database, 3, "1s,1s").await;
    nodes.set_up(&receiver).await;
    let mut traffic = nodes.send("stop", 600);
    traffic.wait_accepted(200).await;
    nodes.stop(1).await;
    let sent = traffic.end().await;
    assert_eq!(sent.ids.len(), 600);
    assert_eq!(duplicates_once_all_arrived(&receiver, &sent, ARRIVED_WITHIN).await, 0);
    nothing_is_pending(&database).await;
    // And what could not be delivered before the end.
    let stuck = Receiver::start().await;
    stuck.reply_with(|_| Reply::hang());
    let client = &nodes.node(0).client;
    client.post("/api/v1/app", &serde_json::json!({"name": "Stuck", "uid": "stuck"})).await.expect(201);
    let endpoint = serde_json::json!({"uid": "one", "url": stuck.url("/")});
    client.post("/api/v1/app/stuck/endpoint", &endpoint).await.expect(201);
    let message = serde_json::json!({"eventType": "book.added", "payload": {}});
    for _ in 0..20 {
        client.post("/api/v1/app/stuck/msg", &message).await.expect(202);
    }
    stuck.wait_for(20).await;
    stuck.reply_with(|_| Reply::ok());
    nodes.stop(0).await;
    let stopped = Instant::now();
    nothing_is_pending(&database).await;
    assert!(stopped.elapsed() < HANDED_OVER_WITHIN, "{:?}", stopped.elapsed());
}

#[tokio::test]
async fn a_node_that_was_halted_is_taken_for_dead_and_goes_on_when_it_is_back() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = Nodes::start(&database, 2, "1s,1s").await;
    nodes.set_up(&receiver).await;
    nodes.node(0).process.freeze();
    let ended = "SELECT count(*) FROM lease WHERE ended_at IS NOT NULL AND adopted_by IS NOT NULL";
    eventually_within(TAKEN_OVER_WITHIN, "that its lease is taken over", async || {
        match database.ask(ended).await.as_str() {
            "1" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
    nodes.node(0).process.thaw();
    let id = nodes.node(0).send(&serde_json::json!({})).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].id(), id);
    nothing_is_pending(&database).await;
    eventually("that each has one lease", async || {
        match database.ask("SELECT count(*) FROM lease WHERE ended_at IS NULL").await.as_str() {
            "2" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
}
