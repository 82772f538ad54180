//! One attempt after another: what is sent, what came of it, and how the delivery goes on.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use crate::activity::Activity;
use crate::catalog::ApplicationEntry;
use crate::deliver::handler::is_handler;
use crate::deliver::{AttemptRequest, Outcome as Answer, callable};
use crate::dispatch::Shared;
use crate::dispatch::failing;
use crate::dispatch::lanes::{End, Start};
use crate::dispatch::telling::{self, Target, Told};
use crate::domain::application::Purpose;
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::confirmation::asking_lane;
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::endpoint::DisabledReason;
use crate::domain::inbound::CameWith;
use crate::domain::lease::Moment;
use crate::domain::retry::{self, Jitter};
use crate::domain::short_ids::InboundId;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::store::write::{Changed, HealthChange, Outcome};

/// What was read of the catalog within so long is no older, in all, than a change may be: the rest of the second is in
/// [`Terms::confirmed_for`](crate::domain::lease::Terms::confirmed_for).
const READ_WITHIN: Duration = Duration::from_millis(100);
/// What is told of a delivery whose message has nothing to send any more.
const PAYLOAD_GONE: &str = "the message's payload was removed before it could be sent";

/// Makes this attempt, and then whichever comes next, until none can start.
pub(super) async fn run(shared: Arc<Shared>, first: Start) {
    let mut next = Some(first);
    while let Some(start) = next {
        let key = start.key;
        let end = attempt(&shared, start).await;
        let now = shared.clock.now();
        let is_behind = shared.journal.is_behind();
        let may_start = !is_behind && shared.node.may_start();
        let mut lanes = shared.lanes();
        let frees_more = lanes.ended(key, end, now);
        next = if may_start { lanes.next(now) } else { None };
        let (load, timer, has_wants) = (lanes.next_load(), lanes.next_timer(), lanes.has_wants());
        drop(lanes);
        if has_wants {
            shared.slots_wanted.notify_one();
        }
        if let Some(load) = load {
            shared.tasks.spawn(super::intake::load(Arc::clone(&shared), load));
        }
        if frees_more || is_behind {
            // More than one may start now, or one after the outcomes have been written: `keep_time` sees to it.
            shared.wake.notify_one();
        }
        // The breaker or a limit may have set a time to look again.
        shared.tell_of_timer(timer);
    }
}

async fn attempt(shared: &Arc<Shared>, start: Start) -> End {
    let (application, endpoint) = (start.key.application, start.key.endpoint);
    let began = (!shared.node.is_alone()).then(|| shared.clock.moment());
    // Before the endpoint is read: if it is disabled then, messages above this came after it was enabled again.
    let up_to = shared.newest();
    let entry = match shared.catalog.application_cached(application) {
        Some(entry) => Ok(Some(entry)),
        None => shared.catalog.application_by_id(application).await,
    };
    if endpoint == asking_lane(application)
        && let Ok(Some(_)) = &entry
    {
        return super::confirming::attempt(shared, &start).await;
    }
    let target = match entry {
        Ok(entry) => entry.and_then(|application| {
            let endpoint = application.endpoint(endpoint).cloned()?;
            Some(Target { application, endpoint })
        }),
        Err(error) => return postpone(&start, &error),
    };
    // Read at each attempt: what changed since the message was sent counts now.
    let Some(target) = target.filter(|target| target.endpoint.endpoint.disabled.is_none()) else {
        shared.end_deliveries(application, endpoint, up_to);
        return End::Abandoned;
    };
    if start.message.payload.is_empty() {
        return give_up(shared, &start, &target);
    }
    let forwarded = match forwarded(shared, &start, &target).await {
        Ok(forwarded) => forwarded,
        Err(error) => return postpone(&start, &error),
    };
    let is_old = began.is_some_and(|began| !is_current(shared, &target.application, began));
    if is_old || !shared.may_still_start(&start) {
        // All that was read meanwhile took too long: it may be others' by now, or the endpoint may be another.
        return End::Postponed;
    }
    let entry = &target.endpoint;
    let started_at = shared.clock.now();
    let request = AttemptRequest {
        endpoint: &entry.endpoint,
        purpose: target.application.application.purpose,
        signer: &entry.signer,
        uri: entry.uri.get_or_init(|| callable(&entry.endpoint.settings.url)).as_ref(),
        message: &start.message,
        forwarded: &forwarded,
        number: start.attempts.saturating_add(1),
        now: started_at,
    };
    if start.attempts == 0 {
        shared.measures.first_attempt_delay_seconds.record(started_at.since(start.message.created_at));
    }
    let sent = AssertUnwindSafe(shared.deliverer.attempt(&request)).catch_unwind();
    let answer = tokio::select! {
        answer = sent => answer.unwrap_or_else(|_| Answer::panicked()),
        () = shared.call_off.cancelled() => {
            // Its row is still there, and the next start makes the attempt again.
            shared.called_off.fetch_add(1, Ordering::SeqCst);
            return End::Abandoned;
        }
    };
    conclude(shared, start, &target, started_at, answer).await
}

/// Whether an attempt may start now, and by what was read since `began`: other nodes may have changed it while that took long.
fn is_current(shared: &Shared, read: &Arc<ApplicationEntry>, began: Moment) -> bool {
    let is_kept = || {
        let kept = shared.catalog.application_cached(read.application.id);
        kept.is_some_and(|kept| Arc::ptr_eq(&kept, read))
    };
    let is_young = shared.clock.moment().saturating_sub(began) <= READ_WITHIN;
    (is_young || is_kept()) && shared.node.may_start()
}

/// The headers that a request came with, if the message was made of one: read for each attempt, so that no other message holds any.
async fn forwarded(shared: &Shared, start: &Start, target: &Target) -> Result<CameWith, Error> {
    if target.application.application.purpose != Purpose::Source {
        return Ok(CameWith::default());
    }
    let id = InboundId::of_message(start.key.message);
    Ok(shared.store.inbound_headers(start.key.application, id).await?.unwrap_or_default())
}

/// The message's payload was removed before its turn came: the delivery ends, with an attempt that says so.
fn give_up(shared: &Shared, start: &Start, target: &Target) -> End {
    let entry = &target.endpoint;
    let now = shared.clock.now();
    let attempt = Attempt {
        id: shared.ids.next(now).into(),
        application: start.key.application,
        message: start.key.message,
        endpoint: start.key.endpoint,
        number: start.attempts.saturating_add(1),
        status: AttemptStatus::Fail,
        response_code: 0,
        response: Bytes::new(),
        reason: Some(PAYLOAD_GONE.to_owned()),
        duration: Duration::ZERO,
        trigger: start.trigger,
        url: entry.endpoint.settings.url.clone(),
        started_at: now,
        next_attempt_at: None,
    };
    let transition = Transition::GivenUp(GiveUpReason::PayloadGone);
    count(shared, &attempt, transition);
    show(shared, target, &attempt);
    let told = telling::of_missing_payload(shared, target, &start.message, &attempt);
    // It says nothing of the endpoint, which was not called.
    shared.journal.record(Outcome {
        attempt,
        hold: start.hold,
        transition,
        health: HealthChange::None,
        told: told.messages,
    });
    shared.tell.call(told.events);
    End::Abandoned
}

/// Decides how the delivery goes on, and hands it all to the journal.
async fn conclude(
    shared: &Arc<Shared>,
    start: Start,
    target: &Target,
    started_at: Timestamp,
    answer: Answer,
) -> End {
    let now = shared.clock.now();
    let number = start.attempts.saturating_add(1);
    // Where the time is a test's, chance is none: retries come when the schedule has them.
    let jitter = Jitter(if shared.clock.is_manual() { 0.0 } else { fastrand::f64() * 2.0 - 1.0 });
    let mut transition = retry::next(&shared.retry, number, &answer.verdict, now, jitter);
    let is_success = answer.verdict.is_success();
    let (health, failing_since, beyond_hope) = if is_success {
        (shared.health.succeeded(start.key.endpoint), None, false)
    } else {
        // A handler is the product's own code: it is called again however long it fails, and nobody but the product ends that.
        let may_end = !is_handler(&target.endpoint.endpoint.settings.url);
        let judged = failing::judge(shared, start.key, may_end, now).await;
        (judged.change, Some(judged.since), judged.is_beyond_hope)
    };
    let disable = answer.verdict.disables().or(beyond_hope.then_some(DisabledReason::Failing));
    if let (Some(reason), false) = (disable, is_success) {
        transition = Transition::GivenUp(GiveUpReason::Disabled(reason));
    }
    let attempt = Attempt {
        id: shared.ids.next(started_at).into(),
        application: start.key.application,
        message: start.key.message,
        endpoint: start.key.endpoint,
        number,
        status: if is_success { AttemptStatus::Success } else { AttemptStatus::Fail },
        response_code: answer.response_code,
        response: answer.response,
        reason: answer.reason,
        duration: answer.duration,
        trigger: start.trigger,
        url: target.endpoint.endpoint.settings.url.clone(),
        started_at,
        next_attempt_at: match transition {
            Transition::RetryAt(at) => Some(at),
            Transition::Delivered | Transition::GivenUp(_) => None,
        },
    };
    count(shared, &attempt, transition);
    show(shared, target, &attempt);
    let response_code = attempt.response_code;
    let told = telling::of_attempt(shared, target, &start.message, &attempt, transition).await;
    let hold = start.hold;
    shared.journal.record(Outcome { attempt, hold, transition, health, told: told.messages });
    if let Transition::RetryAt(at) = transition {
        shared.note_due(at);
    }
    shared.tell.call(told.events);
    if let Some(reason) = disable {
        let told = telling::of_disabling(shared, target, reason, response_code, failing_since).await;
        // What it answered counts by itself; how long it has failed, only if that is still so when it is written.
        let failing_since = failing_since.filter(|_| reason == DisabledReason::Failing);
        switch_off(shared, &start, reason, failing_since, told).await;
    }
    if is_success { End::Succeeded } else { End::Failed }
}

async fn switch_off(
    shared: &Arc<Shared>,
    start: &Start,
    reason: DisabledReason,
    failing_since: Option<Timestamp>,
    told: Told,
) {
    let key = start.key;
    let (application, endpoint) = (key.application, key.endpoint);
    match shared.catalog.endpoint_disable(application, endpoint, reason, failing_since, told.messages).await {
        // In this moment another node had a success: only this delivery has ended.
        Ok(Changed::Stale) => {}
        Ok(changed) => {
            // It may be gone, or another of its attempts was faster.
            if changed == Changed::Yes {
                shared.measures.endpoints_disabled.increment(1);
                tracing::warn!(
                    endpoint.id = %key.endpoint, reason = reason.as_str(),
                    "disabled endpoint {}: {}", key.endpoint, reason.in_words()
                );
                shared.tell.call(told.events);
            }
            shared.end_deliveries(key.application, key.endpoint, shared.newest());
        }
        Err(error) => tracing::error!(endpoint.id = %key.endpoint, %error, "could not disable an endpoint"),
    }
}

/// Shows an attempt to those who look on, but for those of operational webhooks and of what sources forward: nobody sees these.
fn show(shared: &Shared, target: &Target, attempt: &Attempt) {
    if target.application.application.purpose == Purpose::Customer {
        shared.activity.publish(|| Activity::attempted(target.endpoint.organisation, attempt));
    }
}

/// The catalog cannot be read right now: the delivery stays as it is on disk and comes back from there.
pub(super) fn postpone(start: &Start, error: &Error) -> End {
    tracing::warn!(endpoint.id = %start.key.endpoint, %error, "could not read an endpoint; its delivery waits");
    End::Postponed
}

fn count(shared: &Shared, attempt: &Attempt, transition: Transition) {
    let measures = &shared.measures;
    match attempt.status {
        AttemptStatus::Success => measures.attempts_succeeded.increment(1),
        AttemptStatus::Fail => measures.attempts_failed.increment(1),
    }
    measures.attempt_seconds.record(attempt.duration);
    if let Transition::GivenUp(_) = transition {
        measures.deliveries_given_up.increment(1);
    }
}
