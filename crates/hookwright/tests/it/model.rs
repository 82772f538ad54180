//! Random histories of sends, answers, resends, disabled endpoints and crashes, against a small model.
//!
//! Whatever happens: what was accepted ends at each endpoint that wanted it, by a success, by giving up as the rules
//! say, or because the endpoint was disabled; nothing follows an end but for a resend; attempts are numbered without
//! gaps; and outside of crashes what the receiver saw is exactly what the log says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hookwright::DeliveryStatus;
use hookwright::domain::attempt::{Attempt, AttemptStatus};
use hookwright::domain::endpoint::{DisabledReason, Endpoint};
use hookwright::domain::ids::MessageId;
use hookwright::domain::message::Message;
use hookwright_testkit::{Receiver, Reply, eventually};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::test_runner::FileFailurePersistence;

use crate::recovery::copy_image;
use crate::rig::{Rig, config, start};

const RETRIES: usize = 3;
/// With their retries, and those of one resend, too few to open a breaker: it would wait for the clock, which stands still.
const MESSAGES_MAX: usize = 4;
const PATHS: [&str; 2] = ["/a", "/b"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Ok,
    Fail,
    Abort,
    Gone,
}

#[derive(Debug, Clone)]
enum Step {
    Send,
    /// What an endpoint answers from now on, the last one again and again.
    Answers(usize, Vec<Answer>),
    Resend(usize, usize),
    Toggle(usize),
    /// The engine ends at once, and another starts.
    Stop,
    /// Another engine starts on what a power cut would have left.
    Crash,
    Advance(u16),
    /// Waits until all that can happen now has happened.
    Settle,
}

/// What is known of an endpoint without asking the engine.
struct Known {
    endpoint: Endpoint,
    was_disabled: bool,
    may_abort: bool,
}

struct World {
    rig: Rig,
    receiver: Receiver,
    endpoints: Vec<Known>,
    /// With where each was surely wanted.
    sent: Vec<(Arc<Message>, Vec<usize>)>,
    resends: HashMap<(MessageId, usize), usize>,
    crashes: usize,
}

fn configure(config: &mut hookwright::config::Config) {
    config.retry.schedule = vec![Duration::from_secs(60); RETRIES];
    // Tiny, so that overflow is part of each history.
    config.lane_resident = 2;
    config.lane_concurrency = 2;
}

impl World {
    async fn new() -> World {
        let (rig, receiver) = (Rig::start_manual(configure).await, Receiver::start().await);
        let mut endpoints = Vec::new();
        for path in PATHS {
            let endpoint = rig.endpoint(receiver.url(path)).await;
            endpoints.push(Known { endpoint, was_disabled: false, may_abort: false });
        }
        World { rig, receiver, endpoints, sent: Vec::new(), resends: HashMap::new(), crashes: 0 }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Send if self.sent.len() == MESSAGES_MAX => {}
            Step::Send => {
                let message = self.rig.send(format!("{{\"number\":{}}}", self.sent.len())).await;
                let never_disabled = (0..PATHS.len()).filter(|at| !self.endpoints[*at].was_disabled);
                self.sent.push((message, never_disabled.collect()));
            }
            Step::Answers(at, answers) => {
                self.endpoints[*at].was_disabled |= answers.contains(&Answer::Gone);
                self.endpoints[*at].may_abort |= answers.contains(&Answer::Abort);
                self.receiver.on(PATHS[*at], answers.iter().map(|answer| reply(*answer)));
            }
            Step::Resend(message, at) => {
                let was_resent = self.resends.keys().any(|(_, endpoint)| endpoint == at);
                if self.sent.is_empty() || was_resent {
                    return;
                }
                let message = &self.sent[message % self.sent.len()].0;
                self.rig.hooks.resend((**message).clone(), &self.endpoints[*at].endpoint).await.unwrap();
                *self.resends.entry((message.id, *at)).or_default() += 1;
            }
            Step::Toggle(at) => {
                self.endpoints[*at].was_disabled = true;
                let change = |edit: &mut hookwright::hooks::EndpointEdit| {
                    edit.disabled = match edit.disabled {
                        None => Some(DisabledReason::ByRequest),
                        Some(_) => None,
                    };
                };
                self.rig.update(&self.endpoints[*at].endpoint, change).await;
            }
            Step::Stop => self.restart(None).await,
            Step::Crash => {
                let image = tempfile::tempdir().unwrap();
                copy_image(self.rig.directory.path(), image.path());
                self.restart(Some(image)).await;
            }
            Step::Advance(seconds) => self.rig.hooks.clock().advance(Duration::from_secs((*seconds).into())),
            Step::Settle => self.settle().await,
        }
    }

    async fn restart(&mut self, image: Option<tempfile::TempDir>) {
        self.crashes += 1;
        let clock = self.rig.hooks.clock().clone();
        self.rig.hooks.shutdown(Duration::ZERO).await.unwrap();
        // Ids of two engines rise from one to the other only as time does.
        clock.advance(Duration::from_secs(1));
        if let Some(image) = image {
            self.rig.directory = image;
        }
        let mut config = config(&self.rig.directory);
        config.clock = clock;
        configure(&mut config);
        self.rig.hooks = start(config).await;
    }

    async fn settle(&self) {
        for (message, _) in &self.sent {
            eventually("a settled message", async || {
                let statuses = self.rig.statuses(message.id).await;
                let now = self.rig.hooks.clock().now();
                let is_settled = |status: &DeliveryStatus| match status {
                    DeliveryStatus::Ended(_) => true,
                    DeliveryStatus::Pending(due) => due.is_some_and(|due| due > now),
                };
                if statuses.iter().all(is_settled) { Ok(()) } else { Err(statuses) }
            })
            .await;
        }
    }

    /// Lets time pass until nothing is pending.
    async fn finish(&self) {
        for _ in 0..=RETRIES + 1 {
            self.settle().await;
            self.rig.hooks.clock().advance(Duration::from_secs(70));
        }
        for (message, _) in &self.sent {
            let statuses = self.rig.statuses(message.id).await;
            assert!(
                statuses.iter().all(|status| matches!(status, DeliveryStatus::Ended(_))),
                "{} is pending after all its retries: {statuses:?}",
                message.id
            );
        }
    }

    async fn check(&self) {
        let mut logged = 0;
        for (message, wanted) in &self.sent {
            let stored = self.rig.hooks.message_get(self.rig.application, message.id).await.unwrap();
            assert_eq!(stored, **message, "what was accepted is kept as it came");
            let attempts = self.rig.attempts(message.id).await;
            logged += attempts.len();
            for (at, known) in self.endpoints.iter().enumerate() {
                let here = attempts.iter().filter(|attempt| attempt.endpoint == known.endpoint.id);
                let resends = self.resends.get(&(message.id, at)).copied().unwrap_or(0);
                let runs = runs(&here.collect::<Vec<_>>());
                assert!(runs.len() <= 1 + resends, "{} runs with {resends} resends", runs.len());
                self.check_runs(&runs, known, resends, wanted.contains(&at));
            }
        }
        for got in self.receiver.received() {
            let sent = self.sent.iter().find(|(message, _)| message.id.to_string() == got.id());
            assert_eq!(sent.map(|(message, _)| &message.payload), Some(&got.body), "what arrived was sent");
        }
        let arrived = self.receiver.count();
        if self.crashes == 0 {
            assert_eq!(arrived, logged, "outside of crashes the log is what happened");
        } else {
            assert!(arrived >= logged, "{arrived} arrived, and {logged} are logged");
        }
    }

    fn check_runs(&self, runs: &[Vec<&Attempt>], known: &Known, resends: usize, was_wanted: bool) {
        for run in runs {
            let numbers: Vec<_> = run.iter().map(|attempt| usize::from(attempt.number)).collect();
            assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "numbers rise from 1");
            assert!(numbers.len() <= 1 + RETRIES, "{numbers:?}");
            let ended_early = run[..run.len() - 1].iter().any(|a| a.status == AttemptStatus::Success);
            assert!(!ended_early, "nothing follows a success");
        }
        if known.was_disabled {
            return;
        }
        assert!(!was_wanted || !runs.is_empty(), "a message that was accepted never went out");
        let Some(last) = runs.last().and_then(|run| run.last()) else { return };
        let is_explained = last.status == AttemptStatus::Success
            || usize::from(last.number) == 1 + RETRIES
            || known.may_abort;
        assert!(is_explained || resends > 0, "given up too early, after attempt {}", last.number);
    }
}

/// The attempts at one endpoint, cut where one has the number 1.
fn runs<'a>(attempts: &[&'a Attempt]) -> Vec<Vec<&'a Attempt>> {
    let mut runs: Vec<Vec<&Attempt>> = Vec::new();
    for attempt in attempts {
        match runs.last_mut() {
            Some(run) if attempt.number != 1 => run.push(attempt),
            _ => runs.push(vec![attempt]),
        }
    }
    runs
}

fn reply(answer: Answer) -> Reply {
    match answer {
        Answer::Ok => Reply::ok(),
        Answer::Fail => Reply::status(500),
        Answer::Abort => Reply::status(500).header("webhook-delivery", "abort-message"),
        Answer::Gone => Reply::status(410),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let answer = prop_oneof![6 => Just(Answer::Ok), 6 => Just(Answer::Fail), 1 => Just(Answer::Abort), 1 => Just(Answer::Gone)];
    let answers = proptest::collection::vec(answer, 1..5);
    let at = || 0..PATHS.len();
    let step = prop_oneof![
        8 => Just(Step::Send),
        5 => (at(), answers).prop_map(|(at, answers)| Step::Answers(at, answers)),
        2 => (0usize..8, at()).prop_map(|(message, at)| Step::Resend(message, at)),
        1 => at().prop_map(Step::Toggle),
        1 => Just(Step::Stop),
        1 => Just(Step::Crash),
        3 => (1u16..90).prop_map(Step::Advance),
        2 => Just(Step::Settle),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        max_shrink_iters: 8,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/model.regressions")
        ))),
        ..ProptestConfig::default()
    })]
    #[test]
    fn whatever_happens_nothing_accepted_is_lost_and_nothing_follows_an_end(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.step(step).await;
            }
            world.finish().await;
            world.check().await;
            world.rig.end().await;
        });
    }
}
