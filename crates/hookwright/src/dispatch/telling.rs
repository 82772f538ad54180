//! What is told about attempts and disabled endpoints: made here, written with what it tells of.

use std::sync::Arc;

use crate::catalog::{ApplicationEntry, EndpointEntry};
use crate::dispatch::Shared;
use crate::domain::application::Purpose;
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::endpoint::DisabledReason;
use crate::domain::event::{AttemptEvent, Disabling, EndpointEvent, HookEvent};
use crate::domain::message::Message;
use crate::domain::notable::{self, Notable};
use crate::domain::page::{Order, PageRequest};
use crate::domain::time::Timestamp;
use crate::store::read::AttemptFilter;
use crate::store::write::Append;

/// Whose attempt it was.
pub(super) struct Target {
    pub(super) application: Arc<ApplicationEntry>,
    pub(super) endpoint: Arc<EndpointEntry>,
}

/// What is told of one thing: to callbacks, and as messages.
#[derive(Default)]
pub(super) struct Told {
    pub(super) events: Vec<HookEvent>,
    pub(super) messages: Vec<Append>,
}

/// What is told of an attempt that ended.
pub(super) async fn of_attempt(
    shared: &Shared,
    target: &Target,
    message: &Message,
    attempt: &Attempt,
    transition: Transition,
) -> Told {
    let mut notable = notable::of_attempt(attempt.number, attempt.trigger, transition);
    if notable.is_none() && !shared.tell.hears_attempts() {
        return Told::default();
    }
    if target.application.application.purpose != Purpose::Customer {
        // There is nobody left to tell but whoever reads the log.
        if notable == Some(Notable::Exhausted) {
            tracing::warn!(
                endpoint.id = %attempt.endpoint, event_type = message.event_type.as_str(),
                "{} to endpoint {} is given up: {}",
                what(target), attempt.endpoint, attempt.reason.as_deref().unwrap_or("it was not taken")
            );
        }
        return Told::default();
    }
    let event = || {
        let (application, endpoint) = (&target.application.application, &target.endpoint.endpoint);
        Arc::new(AttemptEvent::of(application, endpoint, message, attempt))
    };
    if notable.is_none() {
        // Callbacks alone hear of every attempt, so nobody else is looked for.
        return Told {
            events: events(&event(), attempt.status, transition, None, true),
            messages: Vec::new(),
        };
    }
    let listeners = shared.tell.listeners(target.endpoint.organisation).await;
    if !listeners.any() {
        return Told::default();
    }
    if notable == Some(Notable::Resent) {
        notable = has_recovered(shared, attempt).await.then_some(Notable::Recovered);
    }
    let events = match (notable, shared.tell.hears_attempts()) {
        (None, false) => return Told::default(),
        (notable, hears_attempts) => events(&event(), attempt.status, transition, notable, hears_attempts),
    };
    Told { messages: listeners.messages(&events), events }
}

/// What an attempt that nobody is told of was of.
fn what(target: &Target) -> &'static str {
    match target.application.application.purpose {
        Purpose::Source => "a forwarded webhook",
        Purpose::Operational | Purpose::Customer => "an operational webhook",
    }
}

fn events(
    event: &Arc<AttemptEvent>,
    status: AttemptStatus,
    transition: Transition,
    notable: Option<Notable>,
    hears_attempts: bool,
) -> Vec<HookEvent> {
    let mut events = Vec::new();
    if hears_attempts {
        events.push(match status {
            AttemptStatus::Success => HookEvent::AttemptSucceeded(Arc::clone(event)),
            AttemptStatus::Fail => HookEvent::AttemptFailed(Arc::clone(event)),
        });
        if let Transition::GivenUp(reason) = transition {
            events.push(HookEvent::GivenUp(Arc::clone(event), reason));
        }
    }
    match notable {
        Some(Notable::Failing) => events.push(HookEvent::MessageFailing(Arc::clone(event))),
        Some(Notable::Exhausted) => events.push(HookEvent::MessageExhausted(Arc::clone(event))),
        Some(Notable::Recovered) => events.push(HookEvent::MessageRecovered(Arc::clone(event))),
        Some(Notable::Resent) | None => {}
    }
    events
}

/// Whether the attempt before this one failed so that it was told. All that came before a resend is on disk.
async fn has_recovered(shared: &Shared, attempt: &Attempt) -> bool {
    let filter = AttemptFilter { endpoint: Some(attempt.endpoint), ..AttemptFilter::default() };
    let newest = PageRequest::first(1, Order::Descending);
    let read =
        shared.store.attempt_list_by_message(attempt.application, attempt.message, filter, newest).await;
    match read {
        Ok(found) => found.page.items.first().is_some_and(|before| {
            before.status == AttemptStatus::Fail
                && notable::is_recovery(before.number, before.next_attempt_at.is_none())
        }),
        Err(error) => {
            tracing::warn!(%error, "an earlier attempt cannot be read; that its message recovered is not told");
            false
        }
    }
}

/// What is told of an endpoint that an attempt disables.
pub(super) async fn of_disabling(
    shared: &Shared,
    target: &Target,
    reason: DisabledReason,
    response_code: u16,
    failing_since: Option<Timestamp>,
) -> Told {
    let listeners = shared.tell.listeners(target.endpoint.organisation).await;
    if !listeners.any() {
        return Told::default();
    }
    let endpoint = EndpointEvent::of(&target.application.application, &target.endpoint.endpoint);
    let is_hidden = endpoint.origin.purpose != Purpose::Customer;
    let disabling = Disabling { reason, last_response_code: Some(response_code), failing_since };
    let events = vec![HookEvent::EndpointDisabled(endpoint, disabling)];
    // One that gets operational webhooks is not told of by those, and of a source's they have nothing to say yet.
    let messages = if is_hidden { Vec::new() } else { listeners.messages(&events) };
    Told { events, messages }
}

/// What is told of a delivery whose payload was removed.
pub(super) fn of_missing_payload(
    shared: &Shared,
    target: &Target,
    message: &Message,
    attempt: &Attempt,
) -> Told {
    let (application, endpoint) = (&target.application.application, &target.endpoint.endpoint);
    if !shared.tell.hears_attempts() || application.purpose != Purpose::Customer {
        return Told::default();
    }
    let event = Arc::new(AttemptEvent::of(application, endpoint, message, attempt));
    Told { events: vec![HookEvent::GivenUp(event, GiveUpReason::PayloadGone)], messages: Vec::new() }
}
