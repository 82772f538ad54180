//! What an engine takes up that another left, in good order or not.

use std::path::Path;
use std::time::Duration;

use hookwright::domain::application::ApplicationRef;
use hookwright::domain::attempt::AttemptStatus;
use hookwright::domain::retry::RetryPolicy;
use hookwright::{DeliveryStatus, Error, Hooks, StartError, StoreError};
use hookwright_testkit::{Receiver, Reply};

use crate::rig::{Rig, config, new_message, start};

#[tokio::test]
async fn a_shutdown_lets_attempts_under_way_end_within_the_grace_period() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    gate.wait_entered(1).await;
    let ending = tokio::spawn({
        let hooks = rig.hooks.clone();
        async move { hooks.shutdown(Duration::from_secs(20)).await.unwrap() }
    });
    gate.release();
    let report = ending.await.unwrap();
    assert_eq!((report.finished, report.called_off), (1, 0));
    let rig = Rig { hooks: start(config(&rig.directory)).await, ..rig };
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!((attempts.len(), attempts[0].status), (1, AttemptStatus::Success));
    assert_eq!(receiver.count(), 1);
    rig.end().await;
}

#[tokio::test]
async fn an_attempt_that_was_called_off_is_made_by_the_next_engine() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    gate.wait_entered(1).await;
    let report = rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((report.finished, report.called_off), (0, 1));
    gate.release();
    let rig = Rig { hooks: start(config(&rig.directory)).await, ..rig };
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!((attempts.len(), attempts[0].number), (1, 1), "what was called off used up no attempt");
    rig.end().await;
}

#[tokio::test]
async fn a_retry_that_waited_is_made_by_the_next_engine_when_it_is_due() {
    let rig = Rig::start_manual(|config| config.retry = RetryPolicy::default()).await;
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::ok()]);
    rig.endpoint(receiver.url("/")).await;
    let message = rig.send("{}").await;
    let due = rig.wait_retry(message.id).await;
    let rig = rig.restart_with(|config| config.retry = RetryPolicy::default()).await;
    assert_eq!(rig.statuses(message.id).await, [DeliveryStatus::Pending(Some(due))]);
    rig.advance_to_retry(message.id).await;
    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    rig.end().await;
}

/// Copies a database file with its log and its key, as a power cut leaves them.
pub(crate) fn copy_image(from: &Path, to: &Path) {
    for name in ["test.db-wal", "test.db", "test.db.key"] {
        let file = from.join(name);
        if file.exists() {
            std::fs::copy(file, to.join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn the_image_of_a_crash_has_all_that_was_accepted_and_delivers_it() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let gate = receiver.gate();
    rig.endpoint(receiver.url("/")).await;
    let mut accepted = Vec::new();
    for _ in 0..50 {
        accepted.push(rig.send("{}").await.id);
    }
    gate.wait_entered(32).await;
    let image = tempfile::tempdir().unwrap();
    copy_image(rig.directory.path(), image.path());
    rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    gate.release();
    let rig = Rig { hooks: start(config(&image)).await, application: rig.application, directory: image };
    for message in accepted {
        assert_eq!(rig.wait_ended(message).await[0].status, AttemptStatus::Success);
    }
    assert_eq!(receiver.tally().requests, 32 + 50, "what was under way is made once more, the rest once");
    rig.end().await;
}

#[tokio::test]
async fn a_second_engine_on_the_same_file_is_refused_until_the_first_has_ended() {
    let rig = Rig::start().await;
    let second = config(&rig.directory);
    let mut builder = Hooks::builder(second.database.clone());
    *builder.config_mut() = second;
    let refused = builder.clone().start().await.err().unwrap();
    assert!(matches!(refused, StartError::Store(StoreError::InUse { .. })), "{refused}");
    let directory = rig.directory;
    rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    let again = builder.start().await.unwrap();
    again.shutdown(Duration::ZERO).await.unwrap();
    drop(directory);
}

#[tokio::test]
async fn an_engine_that_ended_takes_no_more_messages() {
    let rig = Rig::start().await;
    rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    let application = ApplicationRef::Id(rig.application);
    let organisation = rig.hooks.default_organisation();
    let refused = rig.hooks.send(organisation, &application, new_message("{}"), None).await.unwrap_err();
    assert!(matches!(refused, Error::ShuttingDown), "{refused}");
}
