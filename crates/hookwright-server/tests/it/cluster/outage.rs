//! Nodes are killed and stopped, and PostgreSQL goes and comes back, while messages are sent: all that was accepted arrives.

use std::time::{Duration, Instant};

use hookwright_testkit::Receiver;
use hookwright_testkit::postgres::{self, Stop};

use crate::cluster::nodes::{Nodes, duplicates_once_all_arrived};

/// How many nodes there are.
const NODES: usize = 3;
const MESSAGES: usize = 3_000;
/// Of messages, where something broke.
const DUPLICATES_MAX: usize = MESSAGES * 5 / 100;
/// A request that needs the database is told within this that it is gone.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// When the database is back, messages are accepted within this.
const BACK_WITHIN: Duration = Duration::from_secs(15);
const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn all_arrives_though_a_node_is_killed_and_the_database_crashes() {
    let Some(cluster) = postgres::cluster() else { return };
    let receiver = Receiver::start_counting().await;
    let mut nodes = Nodes::start(&cluster.database().await, NODES, "100ms,1s,1s,1s").await;
    nodes.set_up(&receiver).await;
    let mut traffic = nodes.send("broken", MESSAGES);
    traffic.wait_accepted(MESSAGES / 3).await;
    // It stays dead: what it had is taken over by others.
    nodes.kill(NODES - 1).await;
    traffic.wait_accepted(MESSAGES / 2).await;
    cluster.stop(Stop::Immediate);
    cluster.start_again();
    let back = Instant::now();
    traffic.wait_accepted(MESSAGES / 2 + 100).await;
    assert!(back.elapsed() < BACK_WITHIN, "accepted again after {:?}", back.elapsed());
    let sent = traffic.end().await;
    let duplicates = duplicates_once_all_arrived(&receiver, &sent, ARRIVED_WITHIN).await;
    println!(
        "{MESSAGES} messages, {} requests repeated, told after at most {:?}, {duplicates} duplicates",
        sent.repeated, sent.refused_after
    );
    assert!(sent.refused_after < TOLD_WITHIN, "told after {:?}", sent.refused_after);
    assert!(duplicates < DUPLICATES_MAX, "{duplicates} duplicates");
    for number in 0..NODES - 1 {
        nodes.stop(number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_twice_in_normal_running_nor_while_each_node_is_stopped_and_started() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start_counting().await;
    let mut nodes = Nodes::start(&database, NODES, "100ms,1s,1s,1s").await;
    nodes.set_up(&receiver).await;
    let mut traffic = nodes.send("stopped", MESSAGES);
    for number in 0..NODES {
        traffic.wait_accepted((number + 1) * MESSAGES / (NODES + 2)).await;
        nodes.stop(number).await;
        nodes.start_again(number).await;
    }
    let sent = traffic.end().await;
    assert_eq!(duplicates_once_all_arrived(&receiver, &sent, ARRIVED_WITHIN).await, 0);
    // What was made twice may come late.
    for number in 0..NODES {
        nodes.stop(number).await;
    }
    assert_eq!(receiver.counts().values().max(), Some(&1));
    assert_eq!(receiver.count(), MESSAGES);
}
