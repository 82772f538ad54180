//! Messages that PostgreSQL keeps by day: the engine makes days ahead, and drops those that have passed.

use std::time::Duration;

use hookwright::config::Config;
use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::ids::MessageId;
use hookwright::{Clock, Error, Thing};
use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Receiver, Reply, eventually};

use crate::rig::{Rig, START, config, start};

const DAY: Duration = Duration::from_secs(86_400);
/// More than the time between two rounds of what makes and drops.
const ROUND: Duration = Duration::from_secs(61);

async fn on(database: &Database, change: impl FnOnce(&mut Config)) -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(&directory);
    config.database = database.url.parse().unwrap();
    config.master_keys = Some(postgres::MASTER_KEY.parse().unwrap());
    config.clock = Clock::manual(START);
    change(&mut config);
    let hooks = start(config).await;
    let organisation = hooks.default_organisation();
    let application =
        hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
    Rig { hooks, application, directory }
}

/// Lets rounds pass until the table of a day is there, or is not.
async fn wait_table(rig: &Rig, database: &Database, table: &str, is_there: bool) {
    eventually(&format!("{table} to be there: {is_there}"), async || {
        rig.hooks.clock().advance(ROUND);
        let found = database.ask(&format!("SELECT to_regclass('{table}')")).await;
        if found.is_empty() == is_there { Err(found) } else { Ok(()) }
    })
    .await;
}

async fn is_there(rig: &Rig, message: MessageId) -> bool {
    match rig.hooks.message_get(rig.application, message).await {
        Ok(_) => true,
        Err(Error::NotFound(Thing::Message)) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_day_is_made_ahead_and_dropped_when_all_of_it_is_too_old_and_done() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok(), Reply::ok(), Reply::ok()]);
    let rig = on(&database, |config| {
        config.retention = 10 * DAY;
        config.retry.schedule = vec![20 * DAY];
    })
    .await;
    rig.endpoint(receiver.url("/")).await;
    wait_table(&rig, &database, "attempt_20231121", true).await;
    rig.hooks.clock().advance(DAY);
    // This one waits for a retry in 20 days; a day later another is delivered.
    let pending = rig.send("{\"n\":1}").await;
    rig.wait_retry(pending.id).await;
    rig.hooks.clock().advance(DAY);
    let done = rig.send("{\"n\":2}").await;
    rig.wait_ended(done.id).await;
    wait_table(&rig, &database, "message_20231123", true).await;

    rig.hooks.clock().advance(12 * DAY);
    wait_table(&rig, &database, "message_20231116", false).await;
    wait_table(&rig, &database, "attempt_20231116", false).await;
    assert!(!is_there(&rig, done.id).await);
    assert!(rig.attempts(done.id).await.is_empty());
    assert!(is_there(&rig, pending.id).await);
    assert_eq!(rig.attempts(pending.id).await.len(), 1);

    rig.hooks.clock().advance(8 * DAY);
    assert_eq!(rig.wait_attempts(pending.id, 2).await[1].response_code, 200);
    assert_eq!(receiver.received()[2].body, "{\"n\":1}");
    wait_table(&rig, &database, "message_20231115", false).await;
    assert!(!is_there(&rig, pending.id).await);
    eventually("nothing to be left of the days that are gone", async || {
        rig.hooks.clock().advance(ROUND);
        let left = database.ask("SELECT count(*) FROM day_gone").await;
        if left == "0" { Ok(()) } else { Err(left) }
    })
    .await;
    rig.end().await;
}
