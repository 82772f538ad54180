//! How much is kept of what was delivered while PostgreSQL takes nothing: no more than is allowed, and no less than there is.

use std::time::Duration;

use hookwright_testkit::postgres::{self, Cluster, Database, Stop};
use hookwright_testkit::{Gate, Receiver, Reply, eventually};

use crate::domain::application::{ApplicationRef, ApplicationSettings};
use crate::domain::endpoint::EndpointSettings;
use crate::domain::ids::ApplicationId;
use crate::domain::names::EventTypeName;
use crate::hooks::{Hooks, NewEndpoint};
use crate::journal::numbered_outcome;
use crate::{Error, NewMessage, Sent};

/// Outcomes that may wait.
const OUTCOMES_MAX: usize = 64;
const MESSAGES: usize = 400;

/// An engine that makes so many attempts at a time, all to one endpoint, and may keep few outcomes.
struct Engine {
    hooks: Hooks,
    application: ApplicationId,
    receiver: Receiver,
    /// Where all requests are held.
    gate: Gate,
}

impl Engine {
    async fn start(database: &Database, concurrency: usize) -> Engine {
        let mut builder = Hooks::builder(database.url.parse().unwrap());
        let config = builder.config_mut();
        config.master_keys = Some(postgres::MASTER_KEY.parse().unwrap());
        config.allow_target_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.outcomes_max = OUTCOMES_MAX;
        config.concurrency = concurrency;
        config.lane_concurrency = u32::try_from(concurrency).unwrap();
        let hooks = builder.start().await.unwrap();
        let organisation = hooks.default_organisation();
        let application =
            hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
        let (receiver, gate) = (Receiver::start_counting().await, Gate::new());
        receiver.script([Reply::ok().behind(&gate)]);
        let settings = EndpointSettings { url: receiver.url("/"), ..EndpointSettings::default() };
        hooks.endpoint_create(application, NewEndpoint { settings, ..NewEndpoint::default() }).await.unwrap();
        Engine { hooks, application, receiver, gate }
    }

    async fn send_all(&self) {
        let organisation = self.hooks.default_organisation();
        for number in 0..MESSAGES {
            let message = NewMessage {
                event_type: EventTypeName::parse("book.added").unwrap(),
                event_id: None,
                channels: Vec::new(),
                tags: Vec::new(),
                payload: number.to_string().into(),
                payload_retention: None,
            };
            let application = ApplicationRef::Id(self.application);
            let sent = self.hooks.send(organisation, &application, message, None).await.unwrap();
            assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
        }
    }

    fn waiting(&self) -> usize {
        self.hooks.snapshot().outcomes_waiting
    }

    /// Waits until no attempt is under way and so many outcomes wait as requests have come, which is no more than may be.
    async fn stands_still(&self, concurrency: usize) -> usize {
        let waiting = eventually("that no attempt is under way", async || {
            let (snapshot, came) = (self.hooks.snapshot(), self.receiver.count());
            let is_still = snapshot.attempts_under_way == 0 && snapshot.outcomes_waiting == came;
            if is_still && came >= OUTCOMES_MAX {
                Ok(came)
            } else {
                Err(format!("{came} came: {snapshot:?}"))
            }
        })
        .await;
        assert!(waiting <= OUTCOMES_MAX + concurrency, "{waiting} outcomes wait");
        waiting
    }

    /// Waits until all is written, and sees that each message was delivered once and each attempt logged.
    async fn all_is_written_and_nothing_came_twice(self, database: &Database) {
        eventually("that all is delivered and written", async || {
            let pending = database.ask("SELECT count(*) FROM delivery").await;
            let waiting = self.waiting();
            if (pending.as_str(), waiting) == ("0", 0) {
                Ok(())
            } else {
                Err(format!("{pending}, {waiting}"))
            }
        })
        .await;
        assert_eq!(database.ask("SELECT count(*) FROM attempt").await, MESSAGES.to_string());
        assert_eq!(database.ask("SELECT count(DISTINCT message) FROM attempt").await, MESSAGES.to_string());
        assert_eq!(self.receiver.count(), MESSAGES, "each came once");
        self.hooks.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

async fn of_its_own() -> Option<(Cluster, Database)> {
    let cluster = postgres::cluster()?;
    let database = cluster.database().await;
    Some((cluster, database))
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_end_while_the_database_is_gone_are_kept_and_few_more_are_started() {
    const CONCURRENCY: usize = 256;
    let Some((cluster, database)) = of_its_own().await else { return };
    let engine = Engine::start(&database, CONCURRENCY).await;
    engine.send_all().await;
    // More are under way than outcomes may wait.
    engine.gate.wait_entered(CONCURRENCY).await;
    cluster.stop(Stop::Immediate);
    engine.gate.release();
    let waiting = engine.stands_still(CONCURRENCY).await;
    assert!(waiting >= CONCURRENCY, "none of {CONCURRENCY} is forgotten: {waiting}");
    cluster.start_again();
    engine.all_is_written_and_nothing_came_twice(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_is_started_beyond_the_bound_however_often_the_outcomes_are_tried_in_vain() {
    const CONCURRENCY: usize = 16;
    /// Sessions that tried, one after the other: each gives up after some seconds, while the node's heartbeat goes on.
    const TRIES: usize = 3;
    let Some((_cluster, database)) = of_its_own().await else { return };
    let engine = Engine::start(&database, CONCURRENCY).await;
    engine.send_all().await;
    engine.gate.wait_entered(CONCURRENCY).await;
    let holder = database.connect().await;
    holder.batch_execute("BEGIN; LOCK TABLE attempt IN EXCLUSIVE MODE").await.unwrap();
    engine.gate.release();
    let mut tried = Vec::new();
    eventually("that the outcomes are tried again and again", async || {
        let waits = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'attempt'::regclass LIMIT 1";
        let session = database.ask(waits).await;
        if !session.is_empty() && !tried.contains(&session) {
            tried.push(session);
        }
        if tried.len() >= TRIES { Ok(()) } else { Err(tried.len()) }
    })
    .await;
    engine.stands_still(CONCURRENCY).await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    engine.all_is_written_and_nothing_came_twice(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_that_fill_batch_after_batch_keep_nobody_waiting_while_the_database_is_gone() {
    /// More than two batches take.
    const OUTCOMES: u32 = 5_000;
    let Some((cluster, database)) = of_its_own().await else { return };
    let engine = Engine::start(&database, 1).await;
    cluster.stop(Stop::Immediate);
    (0..OUTCOMES).for_each(|number| engine.hooks.inner.journal.record(numbered_outcome(number)));
    let organisation = engine.hooks.default_organisation();
    for _ in 0..3 {
        let made = engine.hooks.application_create(organisation, ApplicationSettings::default());
        let refused = tokio::time::timeout(Duration::from_secs(5), made)
            .await
            .expect("whoever asks is told within 5 s");
        assert!(matches!(refused, Err(Error::NotWritten(_))), "{:?}", refused.map(|made| made.id));
    }
    cluster.start_again();
    let logged = async || match database.ask("SELECT count(*) FROM attempt").await {
        count if count == OUTCOMES.to_string() => Ok(()),
        count => Err(count),
    };
    eventually("that all outcomes are logged", logged).await;
    engine.gate.release();
    engine.hooks.shutdown(Duration::from_secs(10)).await.unwrap();
}
