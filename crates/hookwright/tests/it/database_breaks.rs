//! The writer's connection to PostgreSQL breaks at each message of a batch, in each way: nothing that was accepted is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookwright::domain::application::ApplicationRef;
use hookwright::domain::ids::MessageId;
use hookwright::domain::names::EventId;
use hookwright::hooks::IdempotencyKey;
use hookwright::{Error, Sent};
use hookwright_testkit::postgres::{self, Cutter, Database, How};
use hookwright_testkit::{Received, Receiver, Reply, eventually};
use tokio::task::{JoinSet, LocalSet};

use crate::database_gone::on;
use crate::rig::{Rig, new_message};

/// Engines that this is tried on at the same time, each on a database of its own.
const LANES: usize = 16;
/// The ways in which a connection breaks. The longer delay is longer than anybody waits for an answer: what was sent before
/// reaches the server when its sender has given it up.
const WAYS: [How; 5] = [
    How::Cut,
    How::Delay(Duration::from_millis(50)),
    How::Delay(Duration::from_secs(3)),
    How::HalfCloseClient,
    How::HalfCloseServer,
];

/// So often a batch that was to break may have been written with something else.
const TRIES: u32 = 5;

/// Which batch breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batch {
    /// The one that a message is accepted with.
    Append,
    /// The same for a message with an `eventId`, which takes more than one statement.
    Named,
    /// The one that its outcome is recorded with.
    Outcome,
}

/// An engine, the way to its database, and who gets its messages.
struct Lane {
    rig: Rig,
    direct: Database,
    cutter: Cutter,
    receiver: Receiver,
    accepted: usize,
}

impl Lane {
    async fn open() -> Option<Lane> {
        let direct = postgres::database().await?;
        let (cutter, database) = direct.through_cutter().await;
        let (rig, receiver) = (on(&database).await, Receiver::start().await);
        // What is recorded says which message it is of, in other words than the message itself.
        receiver.reply_with(|request: &Received| Reply::ok().body([b"got ", request.body.as_ref()].concat()));
        rig.endpoint(receiver.url("/")).await;
        Some(Lane { rig, direct, cutter, receiver, accepted: 0 })
    }

    /// Sends a message until it is accepted, always with the same key. What can be seen of that in the statements is its
    /// `eventId` or its payload, in the first flight of its own batch, and what the receiver answers, in that of its outcome.
    async fn send(&mut self, key: &str, is_event_id: bool) -> MessageId {
        let hooks = &self.rig.hooks;
        let (organisation, application) =
            (hooks.default_organisation(), ApplicationRef::Id(self.rig.application));
        let sent = eventually("that it is accepted", async || {
            let stored = IdempotencyKey::new(organisation, "POST", "/msg", key, b"", hooks.clock().now());
            let mut message = new_message(if is_event_id { "{}".to_owned() } else { format!("\"{key}\"") });
            message.event_id = is_event_id.then(|| EventId::parse(key).unwrap());
            match hooks.send(organisation, &application, message, Some(stored.stored())).await {
                Err(error @ Error::NotWritten(_)) => Err(error),
                answered => Ok(answered.unwrap()),
            }
        })
        .await;
        self.accepted += 1;
        match sent {
            Sent::Accepted(message) => message.id,
            Sent::Repeated(id) => id,
        }
    }

    /// Sends a message whose batch breaks before this step, and sees it arrive; how many steps got through.
    async fn broken_at(&mut self, batch: Batch, step: usize, how: How) -> usize {
        for again in 0..TRIES {
            if let Some(steps) = self.try_broken_at(batch, step, how, again).await {
                return steps;
            }
        }
        panic!("{batch:?} was never written alone, in {TRIES} tries");
    }

    /// The same; `None` if it was written with something that came before it.
    async fn try_broken_at(&mut self, batch: Batch, step: usize, how: How, again: u32) -> Option<usize> {
        let way = WAYS.iter().position(|way| *way == how).unwrap_or_default();
        let name = format!("{batch:?}-{step}-{way}-{again}");
        // Most statements are prepared then, as in the dry run.
        let before = self.send(&format!("before-{name}"), batch == Batch::Named).await;
        assert_eq!(self.rig.wait_ended(before).await.len(), 1, "{name}");
        let of = match batch {
            Batch::Append => format!("\"{name}\""),
            Batch::Named => name.clone(),
            Batch::Outcome => format!("got \"{name}\""),
        };
        self.cutter.break_at(step, how, &of);
        let message = self.send(&name, batch == Batch::Named).await;
        let attempts = self.rig.wait_ended(message).await;
        let steps = self.cutter.steps();
        self.cutter.mend();
        assert_eq!(attempts.len(), 1, "{name}: it is recorded, and once: {attempts:?}");
        let id = message.to_string();
        let arrived = self.receiver.received().iter().filter(|request| request.id() == id).count();
        assert_eq!(arrived, 1, "{name}: it arrives, and once");
        steps
    }

    /// Ends the engine: all that was accepted is stored, once, and nothing of it is pending.
    async fn end(self) {
        self.rig.end().await;
        assert_eq!(self.direct.ask("SELECT count(*) FROM message").await, self.accepted.to_string());
        assert_eq!(self.direct.ask("SELECT count(*) FROM delivery").await, "0");
        assert_eq!(self.receiver.count(), self.accepted, "each arrives once");
    }
}

/// Breaks every step of a batch in every way.
async fn walk(batch: Batch) {
    let Some(mut first) = Lane::open().await else { return };
    let steps = first.broken_at(batch, usize::MAX, How::Cut).await;
    // A message without an `eventId` is one statement: its values, that it is to be run, and that no more comes; and the answers.
    let least = if batch == Batch::Append { 6 } else { 15 };
    assert!(steps >= least, "{steps} steps are too few for a whole batch");
    first.end().await;
    let cases: Vec<(usize, How)> =
        (0..steps).flat_map(|step| WAYS.into_iter().map(move |how| (step, how))).collect();
    println!("{batch:?}: {steps} steps, {} cases", cases.len());
    let (cases, next) = (Arc::new(cases), Arc::new(AtomicUsize::new(0)));
    let broken = Arc::new(AtomicUsize::new(0));
    let walking = async {
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            let (cases, next, broken) = (cases.clone(), next.clone(), broken.clone());
            lanes.spawn_local(async move {
                let mut lane = Lane::open().await.expect("there was one before");
                while let Some((step, how)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let through = lane.broken_at(batch, *step, *how).await;
                    // There are several writers: one whose connection is new prepares its statements first, and has more steps.
                    assert!(
                        through <= *step,
                        "{batch:?}, {how:?}: it broke after {through} steps and not {step}"
                    );
                    broken.fetch_add(usize::from(through == *step), Ordering::Relaxed);
                }
                lane.end().await;
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane.unwrap();
        }
    };
    // What a lane waits for is not all to be sent from thread to thread.
    LocalSet::new().run_until(walking).await;
    let broken = broken.load(Ordering::Relaxed);
    println!("{broken} of {} broke where they were to; the others were over before", cases.len());
    assert!(2 * broken > cases.len(), "only {broken} of {} broke", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_wherever_the_connection_breaks_as_it_is_written() {
    walk(Batch::Append).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_an_event_id_is_kept_wherever_the_connection_breaks_as_it_is_written() {
    walk(Batch::Named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_kept_wherever_the_connection_breaks_as_it_is_recorded() {
    walk(Batch::Outcome).await;
}
