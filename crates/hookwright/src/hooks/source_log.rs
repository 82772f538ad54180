//! Calls about what came to a source: one request of its log, what was forwarded of it, and sending it once more.

use std::sync::Arc;

use crate::domain::attempt::Attempt;
use crate::domain::confirmation::asking_lane;
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, OrganisationId};
use crate::domain::inbound::{Inbound, Verdict};
use crate::domain::message::Message;
use crate::domain::page::{PageRequest, Searched};
use crate::domain::redacted_query::shown_query;
use crate::domain::short_ids::InboundId;
use crate::domain::source::SourceRef;
use crate::error::{Error, Thing};
use crate::hooks::Hooks;
use crate::store::read::AttemptFilter;

/// What follows from sending a request of a source's log once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceResent {
    /// It is on its way to these endpoints.
    To(Vec<EndpointId>),
    /// Its sender is asked again, and it goes to the endpoints if that confirms it.
    AskingAgain,
}

/// What a sender is asked about is kept, whatever it is called, and shown to nobody.
pub(super) fn show(row: &mut Inbound) {
    row.query = row.query.take().map(|query| shown_query(&query).into_owned());
}

impl Hooks {
    /// A request in the log of a source.
    pub async fn source_log_get(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        request: InboundId,
    ) -> Result<Inbound, Error> {
        let application = self.forwarding(organisation, source).await?;
        let found = self.inner.store.inbound_get(application, request).await?;
        let mut row = found.ok_or(Error::NotFound(Thing::Request))?;
        show(&mut row);
        Ok(row)
    }

    /// The attempts to forward a request of a source's log, by id.
    ///
    /// Fails with [`Error::NotForwarded`] if it is one that nothing is forwarded of.
    pub async fn source_log_attempts(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        request: InboundId,
        filter: AttemptFilter,
        page: PageRequest<AttemptId>,
    ) -> Result<Searched<Attempt, AttemptId>, Error> {
        let row = self.source_log_get(organisation, source, request).await?;
        let message = row.message.ok_or(Error::NotForwarded)?;
        Ok(self.inner.store.attempt_list_by_message(row.application, message, filter, page).await?)
    }

    /// Forwards a request of a source's log once more: to `endpoint`, or to all that want it as they are now.
    ///
    /// One whose sender has not confirmed it is forwarded to nobody: its sender is asked again. Fails with [`Error::NotForwarded`] if
    /// it is one that nothing is forwarded of, as one that was refused; with [`Error::EndpointDisabled`] if `endpoint` is disabled.
    pub async fn source_resend(
        &self,
        organisation: OrganisationId,
        source: &SourceRef,
        request: InboundId,
        endpoint: Option<&EndpointRef>,
    ) -> Result<SourceResent, Error> {
        let row = self.source_log_get(organisation, source, request).await?;
        let message = row.message.ok_or(Error::NotForwarded)?;
        let message = self.inner.store.message_get(row.application, message).await?;
        let message = Arc::new(message.ok_or(Error::PayloadGone)?);
        if message.payload.is_empty() {
            return Err(Error::PayloadGone);
        }
        let wanted = match endpoint {
            None => None,
            Some(named) => Some(self.inner.catalog.endpoint(row.application, named).await?.endpoint.clone()),
        };
        if matches!(row.verdict, Verdict::Unconfirmed | Verdict::Refused) {
            let asked = self.inner.dispatch.resend(message, asking_lane(row.application)).await;
            self.settled().await;
            return asked.map(|()| SourceResent::AskingAgain);
        }
        let endpoints = match wanted {
            Some(endpoint) if endpoint.disabled.is_some() => return Err(Error::EndpointDisabled),
            Some(endpoint) => vec![endpoint.id],
            None => self.wanting(row.application, &message).await?,
        };
        for endpoint in &endpoints {
            self.inner.dispatch.resend(Arc::clone(&message), *endpoint).await?;
        }
        self.settled().await;
        Ok(SourceResent::To(endpoints))
    }

    /// The endpoints that want this message as they are now, oldest first.
    async fn wanting(&self, application: ApplicationId, message: &Message) -> Result<Vec<EndpointId>, Error> {
        let entry = self.inner.catalog.application_by_id(application).await?;
        let entry = entry.ok_or(Error::NotFound(Thing::Source))?;
        let mut endpoints = entry.route(&message.event_type, &message.channels);
        endpoints.sort_unstable();
        Ok(endpoints)
    }
}
