//! What no handler took: events that failed for the last time, to be looked at and run again.

use std::sync::Arc;

use crate::catalog::EndpointEntry;
use crate::deliver::InboundEvent;
use crate::deliver::handler;
use crate::domain::attempt::AttemptStatus;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::message::Message;
use crate::domain::page::{Order, Page, PageRequest, Searched};
use crate::domain::selection::Selection;
use crate::domain::short_ids::InboundId;
use crate::domain::task::{Task, TaskKind};
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::inbox::Inbox;
use crate::store::read::AttemptFilter;

/// An event that a handler did not take, and that it is not called with again by itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The event, as the handler was given it the last time.
    pub event: InboundEvent,
    /// What the handler failed with then.
    pub reason: String,
    /// When that was.
    pub failed_at: Timestamp,
}

impl Inbox {
    /// The events that a source's handler did not take and is not called with again, by id, which is the order they came in.
    ///
    /// They are listed for as long as the source's log is kept: a week, unless the source says otherwise.
    pub async fn dead_letters(
        &self,
        source: &str,
        handler: &str,
        page: PageRequest<MessageId>,
    ) -> Result<Searched<DeadLetter, MessageId>, Error> {
        let (application, endpoint) = self.handler(source, handler).await?;
        let endpoint = endpoint.endpoint.id;
        let failed = AttemptFilter {
            status: Some(AttemptStatus::Fail),
            endpoint: Some(endpoint),
            ..AttemptFilter::default()
        };
        let hooks = &self.hooks;
        let found = hooks.message_list_by_endpoint(application, endpoint, failed.clone(), page).await?;
        let mut letters = Vec::with_capacity(found.page.items.len());
        for sent in found.page.items {
            let last = PageRequest::first(1, Order::Descending);
            let attempts =
                hooks.attempt_list_by_message(application, sent.message.id, failed.clone(), last).await?;
            // It may have been removed meanwhile.
            let Some(attempt) = attempts.page.items.into_iter().next() else { continue };
            letters.push(DeadLetter {
                event: self.event(sent.message, attempt.number).await?,
                reason: attempt.reason.unwrap_or_default(),
                failed_at: attempt.started_at,
            });
        }
        let page = Page { items: letters, done: found.page.done };
        Ok(Searched { page, reached: found.reached })
    }

    /// Calls a source's handler with an event once more, whatever came of it before, and again on the schedule if it fails.
    pub async fn run_again(&self, source: &str, handler: &str, event: MessageId) -> Result<(), Error> {
        let (application, endpoint) = self.handler(source, handler).await?;
        let message = self.hooks.message_get(application, event).await?;
        self.hooks.resend(message, &endpoint.endpoint).await
    }

    /// Calls a source's handler with every event since then that it did not take, or that it missed while it was not there; in the
    /// background, and each once.
    pub async fn run_failed_again(
        &self,
        source: &str,
        handler: &str,
        since: Timestamp,
    ) -> Result<Task, Error> {
        let (_, endpoint) = self.handler(source, handler).await?;
        let organisation = self.hooks.default_organisation();
        let selection = Selection::since(since);
        self.hooks.task_begin(organisation, &endpoint.endpoint, TaskKind::Recover, selection).await
    }

    /// The application of a source, and the endpoint that stands for one of its handlers.
    async fn handler(
        &self,
        source: &str,
        handler: &str,
    ) -> Result<(ApplicationId, Arc<EndpointEntry>), Error> {
        let application = self.settled(source)?.entry.source.application;
        let url = handler::url(source, handler);
        let entry = self.hooks.inner.catalog.application_by_id(application).await?;
        let found = entry.as_ref().and_then(|entry| {
            entry.endpoints().iter().find(|known| known.endpoint.settings.url == url).cloned()
        });
        Ok((application, found.ok_or(Error::NotFound(Thing::Endpoint))?))
    }

    /// An event as a handler is given it.
    async fn event(&self, message: Message, attempt: u16) -> Result<InboundEvent, Error> {
        let store = &self.hooks.inner.store;
        let id = InboundId::of_message(message.id);
        let came_with = store.inbound_headers(message.application, id).await?.unwrap_or_default();
        Ok(InboundEvent::of(&message, &came_with, attempt))
    }
}
