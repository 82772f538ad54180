//! A PostgreSQL that goes away, and connections to it that break at the worst moment.

use std::time::{Duration, Instant};

use hookwright::domain::application::{ApplicationRef, ApplicationSettings};
use hookwright::hooks::{EndpointRef, IdempotencyKey};
use hookwright::{Error, Hooks, Sent};
use hookwright_testkit::postgres::{self, Cut, Database, Stop};
use hookwright_testkit::{Gate, Receiver, Reply, eventually};

use crate::rig::{Rig, config, new_message, start};

/// An engine on this database.
pub(crate) async fn on(database: &Database) -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(&directory);
    config.database = database.url.parse().unwrap();
    config.master_keys = Some(postgres::MASTER_KEY.parse().unwrap());
    let hooks = start(config).await;
    let organisation = hooks.default_organisation();
    let application =
        hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
    Rig { hooks, application, directory }
}

/// Sends a message whose payload is its key.
async fn send(rig: &Rig, key: &str) -> Result<Sent, Error> {
    let (hooks, application): (&Hooks, _) = (&rig.hooks, ApplicationRef::Id(rig.application));
    let organisation = hooks.default_organisation();
    let payload = format!("\"{key}\"");
    let key = IdempotencyKey::new(organisation, "POST", "/msg", key, b"", hooks.clock().now());
    hooks.send(organisation, &application, new_message(payload), Some(key.stored())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_nobody_heard_of_arrives_once_and_is_known_by_its_key() {
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let (rig, receiver) = (on(&database).await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;

    cutter.cut_and_refuse(Cut::BeforeAnswer, "unheard");
    // On a machine that is busy it may be refused before that.
    while !cutter.has_cut() {
        let unknown = send(&rig, "unheard").await.unwrap_err();
        assert!(matches!(unknown, Error::NotWritten(_)), "{unknown}");
    }
    assert!(send(&rig, "later").await.is_err(), "nothing is written before it is known how that ended");
    cutter.mend();
    let received = receiver.wait_for(1).await;
    let repeated = send(&rig, "unheard").await.unwrap();
    assert!(matches!(repeated, Sent::Repeated(id) if id.to_string() == received[0].id()), "{repeated:?}");

    cutter.cut_and_refuse(Cut::BeforeCommit, "unsent");
    while !cutter.has_cut() {
        assert!(send(&rig, "unsent").await.is_err());
    }
    cutter.mend();
    let again = eventually("that it is accepted", async || send(&rig, "unsent").await).await;
    assert!(matches!(again, Sent::Accepted(_)), "{again:?}");
    receiver.wait_for(2).await;
    rig.end().await;
    assert_eq!(receiver.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_while_the_database_was_gone_is_written_when_it_is_back() {
    let Some(cluster) = postgres::cluster() else { return };
    let (rig, receiver) = (on(&cluster.database().await).await, Receiver::start().await);
    for stop in [Stop::Fast, Stop::Immediate] {
        let gate = Gate::new();
        receiver.script([Reply::ok().behind(&gate)]);
        let endpoint = rig.endpoint(receiver.url("/")).await;
        let message = rig.send("{}").await;
        gate.wait_entered(1).await;
        cluster.stop(stop);
        gate.release();
        for _ in 0..3 {
            let asked = Instant::now();
            let refused = send(&rig, "while it is gone").await.unwrap_err();
            assert!(matches!(refused, Error::NotWritten(_) | Error::Store(_)), "{refused}");
            assert!(asked.elapsed() < Duration::from_secs(5));
        }
        assert!(rig.hooks.ready().await.is_err());
        cluster.start_again();
        let back = Instant::now();
        eventually("that messages are accepted", async || send(&rig, &format!("{stop:?}")).await).await;
        assert!(back.elapsed() < Duration::from_secs(15));
        let attempts = rig.wait_ended(message.id).await;
        assert_eq!(attempts.len(), 1, "it is not made twice");
        rig.hooks.endpoint_delete(rig.application, &EndpointRef::Id(endpoint.id)).await.unwrap();
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stands_still_is_told_within_seconds_and_loses_nothing() {
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let (rig, receiver) = (on(&database).await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    send(&rig, "before").await.unwrap();
    receiver.wait_for(1).await;
    cutter.stall();
    // The first of them is written, and the others wait for that.
    let mut waiting = tokio::task::JoinSet::new();
    let rig = std::sync::Arc::new(rig);
    for number in 0..20 {
        let rig = std::sync::Arc::clone(&rig);
        waiting.spawn(async move {
            let asked = Instant::now();
            (send(&rig, &format!("still-{number}")).await.is_err(), asked.elapsed())
        });
    }
    while let Some(ended) = waiting.join_next().await {
        let (is_refused, took) = ended.unwrap();
        assert!(is_refused && took < Duration::from_secs(5), "refused: {is_refused}, after {took:?}");
    }
    cutter.mend();
    for number in 0..20 {
        let key = format!("still-{number}");
        eventually("that it is accepted", async || send(&rig, &key).await).await;
    }
    receiver.wait_for(21).await;
    std::sync::Arc::into_inner(rig).unwrap().end().await;
    assert_eq!(receiver.count(), 21, "each arrives once");
}

/// As after a restart of the server, or where something on the way ends what is idle for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_accepted_at_once_when_the_writers_connections_were_ended_while_they_slept() {
    let Some(database) = postgres::database().await else { return };
    let (rig, receiver) = (on(&database).await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    // By what they did last.
    let end_all = "SELECT count(pg_terminate_backend(pid)) > 1 FROM pg_stat_activity
                   WHERE datname = current_database() AND (query LIKE 'WITH claimed%' OR query = 'COMMIT')";
    for round in 0..5 {
        // Each writer has a connection by then, or gets one.
        let sent = futures_util::future::join_all((0..20).map(|_| rig.send("{}"))).await;
        for message in sent {
            assert_eq!(rig.wait_ended(message.id).await.len(), 1);
        }
        assert_eq!(database.ask(end_all).await, "t", "there were some to end");
        let sent = send(&rig, &format!("round {round}")).await;
        assert!(matches!(sent, Ok(Sent::Accepted(_))), "in round {round}: {sent:?}");
    }
    receiver.wait_for(105).await;
    rig.end().await;
}
