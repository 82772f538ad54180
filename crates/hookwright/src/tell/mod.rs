//! The user is told: operational webhooks go the way of every message, callbacks are called on a thread of their own.
//!
//! Whoever changes something asks who listens, makes the messages, and hands them to the journal with the change: both are
//! written, or neither. Where nobody listens, nothing is made.

mod callbacks; // the thread that calls the product back

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::catalog::{ApplicationEntry, Catalog};
use crate::clock::Clock;
use crate::domain::event::HookEvent;
use crate::domain::ids::{IdGenerator, OrganisationId};
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::store::write::Append;
use crate::tell::callbacks::Caller;

pub(crate) use callbacks::Callbacks;

/// Tells what happens to those who listen.
pub(crate) struct Tell {
    clock: Clock,
    ids: Arc<IdGenerator>,
    catalog: Arc<Catalog>,
    caller: Option<Caller>,
}

/// Who listens to what happens in one organisation.
pub(crate) struct Listeners<'a> {
    tell: &'a Tell,
    /// The application of its operational webhooks.
    operational: Option<Arc<ApplicationEntry>>,
}

impl Tell {
    /// Tells `callbacks`, and endpoints for operational webhooks as they come to be.
    pub(crate) fn start(
        clock: Clock,
        ids: Arc<IdGenerator>,
        catalog: Arc<Catalog>,
        callbacks: Callbacks,
    ) -> std::io::Result<Tell> {
        let caller = if callbacks.is_empty() { None } else { Some(Caller::start(callbacks)?) };
        Ok(Tell { clock, ids, catalog, caller })
    }

    /// Whether a callback is called for every attempt.
    pub(crate) fn hears_attempts(&self) -> bool {
        self.caller.is_some()
    }

    /// Who listens to this organisation right now.
    pub(crate) async fn listeners(&self, organisation: OrganisationId) -> Listeners<'_> {
        let operational = self.catalog.operational(organisation).await.unwrap_or_else(|error| {
            // What happens goes on without it: the database cannot be used, so it could not be stored either.
            tracing::error!(%error, "the endpoints for operational webhooks cannot be read; something is not sent to them");
            None
        });
        Listeners { tell: self, operational }
    }

    /// Calls the callbacks, soon. What they are told of is on its way to the disk by then, or there.
    pub(crate) fn call(&self, events: impl IntoIterator<Item = HookEvent>) {
        let Some(caller) = &self.caller else { return };
        for event in events {
            caller.push(event);
        }
    }

    /// Ends the callbacks: what has happened is still told, for at most `grace`.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        if let Some(caller) = &self.caller {
            caller.shutdown(grace).await;
        }
    }
}

impl Listeners<'_> {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.operational.is_some() || self.tell.caller.is_some()
    }

    /// The messages that tell of these events to the endpoints that want them.
    pub(crate) fn messages(&self, events: &[HookEvent]) -> Vec<Append> {
        let Some(operational) = &self.operational else { return Vec::new() };
        events.iter().filter_map(|event| self.message(operational, event)).collect()
    }

    fn message(&self, operational: &ApplicationEntry, event: &HookEvent) -> Option<Append> {
        let event_type = EventTypeName::parse(event.operational_type()?).ok()?;
        let endpoints = operational.route(&event_type, &[]);
        if endpoints.is_empty() {
            return None;
        }
        let now = self.tell.clock.now();
        let message = Message {
            id: self.tell.ids.next(now).into(),
            application: operational.application.id,
            event_type,
            event_id: None,
            channels: Vec::new(),
            tags: Vec::new(),
            payload: Bytes::from(event.operational_payload()?),
            created_at: now,
        };
        Some(Append::plain(Arc::new(message), endpoints))
    }
}
