//! An endpoint that several nodes call fails for as long as all of them say.

use std::time::Duration;

use hookwright::Clock;
use hookwright::config::Config;
use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::attempt::AttemptStatus;
use hookwright::domain::ids::ApplicationId;
use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, START, config, start};

const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);
/// More than the time between two looks at what other nodes' attempts said.
const ROUND: Duration = Duration::from_secs(61);

/// Two nodes on one database and by one clock, each of which makes one attempt for each message that it takes.
struct Pair {
    nodes: Vec<Rig>,
    database: Database,
    receiver: Receiver,
    clock: Clock,
}

impl Pair {
    async fn start() -> Option<Pair> {
        let database = postgres::database().await?;
        let (receiver, clock) = (Receiver::start().await, Clock::manual(START));
        let mut pair = Pair { nodes: Vec::new(), database, receiver, clock };
        pair.add_node().await;
        pair.nodes[0].endpoint(pair.receiver.url("/")).await;
        Some(pair)
    }

    async fn add_node(&mut self) {
        let directory = tempfile::tempdir().unwrap();
        let mut config: Config = config(&directory);
        config.database = self.database.url.parse().unwrap();
        config.master_keys = Some(postgres::MASTER_KEY.parse().unwrap());
        config.clock = self.clock.clone();
        config.retry.schedule = Vec::new();
        let hooks = start(config).await;
        let application: ApplicationId = match self.nodes.first() {
            Some(first) => first.application,
            None => {
                let organisation = hooks.default_organisation();
                hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id
            }
        };
        self.nodes.push(Rig { hooks, application, directory });
    }

    /// Has a node make an attempt, and waits until all is done that follows from it.
    async fn attempt(&self, node: usize, reply: Reply) -> AttemptStatus {
        self.receiver.script([reply]);
        let node = &self.nodes[node];
        let message = node.send("{}").await;
        let status = node.wait_attempts(message.id, 1).await[0].status;
        eventually("the end of the attempt", async || match node.hooks.snapshot() {
            now if now.attempts_under_way == 0 && now.outcomes_waiting == 0 => Ok(()),
            now => Err(now),
        })
        .await;
        status
    }

    async fn fails_at(&self, node: usize) {
        assert_eq!(self.attempt(node, Reply::status(500)).await, AttemptStatus::Fail);
    }

    async fn succeeds_at(&self, node: usize) {
        assert_eq!(self.attempt(node, Reply::ok()).await, AttemptStatus::Success);
    }

    async fn is_disabled(&self) -> bool {
        self.database.ask("SELECT count(*) FROM endpoint WHERE disabled = 'failing'").await == "1"
    }

    /// Since when it fails, by what is kept.
    async fn failing_since(&self) -> Option<Duration> {
        let micros = self.database.ask("SELECT first_failure_at FROM endpoint_health").await;
        let micros: u64 = if micros.is_empty() { return None } else { micros.parse().unwrap() };
        Some(Duration::from_micros(micros - START.as_micros().unsigned_abs()))
    }

    fn elapsed(&self) -> Duration {
        self.clock.now().since(START)
    }

    async fn end(self) {
        for node in self.nodes {
            node.end().await;
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_at_all_nodes_in_turn_is_disabled_after_five_days() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.add_node().await;
    // None of them sees two half days in a row.
    for half_days in 0..10 {
        pair.fails_at(half_days % 2).await;
        assert!(!pair.is_disabled().await, "after {half_days} half days");
        pair.clock.advance(HALF_A_DAY);
    }
    assert_eq!(pair.failing_since().await, Some(Duration::ZERO));
    // As soon as it has looked at what the other has seen.
    while !pair.is_disabled().await {
        assert!(pair.elapsed() < 10 * HALF_A_DAY + 10 * ROUND, "{:?}", pair.elapsed());
        pair.fails_at(0).await;
        pair.clock.advance(ROUND);
    }
    assert_eq!(pair.failing_since().await, None);
    pair.end().await;
}

#[tokio::test]
async fn a_success_counts_though_its_node_knew_of_no_failure() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.add_node().await;
    pair.fails_at(0).await;
    pair.clock.advance(Duration::from_secs(1));
    pair.succeeds_at(1).await;
    assert_eq!(pair.failing_since().await, Some(Duration::ZERO), "it had nothing to reset");
    pair.clock.advance(2 * HALF_A_DAY);
    let begins = pair.elapsed();
    while pair.elapsed() < begins + 10 * HALF_A_DAY {
        pair.fails_at(0).await;
        assert!(!pair.is_disabled().await, "after {:?}", pair.elapsed());
        pair.clock.advance(HALF_A_DAY);
    }
    assert_eq!(pair.failing_since().await, Some(begins), "it was found out");
    pair.fails_at(0).await;
    assert!(pair.is_disabled().await, "five days after the first failure since");
    pair.end().await;
}

#[tokio::test]
async fn a_success_resets_what_another_node_has_seen_and_that_one_begins_anew() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.add_node().await;
    pair.fails_at(0).await;
    while pair.failing_since().await.is_some() {
        assert!(pair.elapsed() < 10 * ROUND, "{:?}", pair.elapsed());
        pair.clock.advance(ROUND);
        pair.succeeds_at(1).await;
    }
    let success = pair.elapsed();
    while pair.failing_since().await.is_none() {
        assert!(pair.elapsed() < success + 10 * ROUND, "{:?}", pair.elapsed());
        pair.clock.advance(ROUND);
        pair.fails_at(0).await;
    }
    assert!(pair.failing_since().await.unwrap() > success);
    pair.end().await;
}

#[tokio::test]
async fn a_node_without_traffic_brings_no_old_failure_back() {
    let Some(mut pair) = Pair::start().await else { return };
    pair.fails_at(0).await;
    // It takes over what is kept.
    pair.add_node().await;
    pair.clock.advance(Duration::from_secs(1));
    pair.succeeds_at(0).await;
    assert_eq!(pair.failing_since().await, None);
    pair.clock.advance(10 * HALF_A_DAY);
    let begins = pair.elapsed();
    for half_days in 0..4 {
        pair.fails_at(1).await;
        assert!(!pair.is_disabled().await, "after {half_days} half days");
        assert_eq!(pair.failing_since().await, Some(begins));
        pair.clock.advance(HALF_A_DAY);
    }
    pair.end().await;
}
