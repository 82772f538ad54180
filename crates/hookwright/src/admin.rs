//! Access to an engine's database beside a running engine: its schema and its access tokens.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::builder::{StartError, seed};
use crate::catalog::{Catalog, EndpointLimits};
use crate::clock::Clock;
use crate::config::DatabaseUrl;
use crate::domain::application::{Application, ApplicationRef};
use crate::domain::attempt::Attempt;
use crate::domain::delivery::Transition;
use crate::domain::ids::{IdGenerator, OrganisationId, TokenId};
use crate::domain::message::Message;
use crate::domain::page::{Page, PageRequest};
use crate::domain::token::{Token, TokenFilter, TokenSettings};
use crate::error::{Error, Thing};
use crate::hooks::NewToken;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::store::error::StoreError;
use crate::store::write::{Append, Appended, HealthChange, Outcome};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, SchemaReport, Store};

/// A database opened for looking after it. It delivers nothing, so an engine may run on the same database.
pub struct Admin {
    clock: Clock,
    store: Store,
    journal: Journal,
    catalog: Catalog,
    schema: SchemaReport,
}

impl Admin {
    /// Opens the database at `url` and brings it to the newest schema; fails if there is none.
    pub async fn open(url: &DatabaseUrl) -> Result<Admin, StartError> {
        Admin::open_as(url, Exclusivity::Visitor).await
    }

    /// Opens the database at `url`, makes it if there is none, and brings it to the newest schema.
    pub async fn open_or_make(url: &DatabaseUrl) -> Result<Admin, StartError> {
        Admin::open_as(url, Exclusivity::Maker).await
    }

    async fn open_as(url: &DatabaseUrl, exclusivity: Exclusivity) -> Result<Admin, StartError> {
        let (url, clock) = (url.clone(), Clock::system());
        let opened = tokio::task::spawn_blocking(move || Store::open(&url, exclusivity)).await;
        let (store, writer) = opened.unwrap_or(Err(StoreError::Locked))?;
        let schema = writer.schema();
        // Nobody sends messages through here, so nobody listens for them.
        let (committed, _) = mpsc::unbounded_channel();
        let journal =
            Journal::start(writer, committed, Arc::new(Measures::new())).map_err(StartError::Thread)?;
        let ids = Arc::new(IdGenerator::new(seed()?));
        let catalog =
            Catalog::new(store.clone(), journal.clone(), clock.clone(), ids, EndpointLimits::default());
        catalog.organisation_ensure(DEFAULT_ORGANISATION).await.map_err(StartError::FirstWrite)?;
        Ok(Admin { clock, store, journal, catalog, schema })
    }

    /// Which schema the database had before it was opened, and which it has now.
    pub fn schema(&self) -> SchemaReport {
        self.schema
    }

    /// The time by which tokens expire.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The organisation that the operator's own token belongs to.
    pub fn default_organisation(&self) -> OrganisationId {
        DEFAULT_ORGANISATION
    }

    /// An application of this organisation.
    pub async fn application_get(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
    ) -> Result<Application, Error> {
        Ok(self.catalog.application(organisation, application).await?.application.clone())
    }

    /// Makes an access token; a running engine takes it at once.
    pub async fn token_create(&self, settings: TokenSettings) -> Result<NewToken, Error> {
        let (token, text) = self.catalog.token_create(settings).await?;
        Ok(NewToken { token, text })
    }

    /// An organisation's tokens, by id, also those that are good for nothing any more.
    pub async fn token_list(
        &self,
        organisation: OrganisationId,
        filter: TokenFilter,
        page: PageRequest<TokenId>,
    ) -> Result<Page<Token>, Error> {
        Ok(self.store.token_list(organisation, filter, page).await?)
    }

    /// Makes a token good for nothing, within seconds on a running engine.
    pub async fn token_revoke(&self, organisation: OrganisationId, id: TokenId) -> Result<(), Error> {
        self.catalog.token_revoke(organisation, id).await
    }

    /// Writes messages that were sent long ago, or by another system, with the attempts that were made of them; nothing of them is
    /// sent again.
    ///
    /// Their ids tell their age, so they are to be made for the time they were accepted at. Fails with [`Error::Taken`] if one has
    /// an `eventId` that is there.
    pub async fn import(&self, history: Vec<(Message, Vec<Attempt>)>) -> Result<(), Error> {
        let mut appends = Vec::with_capacity(history.len());
        for (message, attempts) in history {
            for attempt in attempts {
                let (transition, health) = (Transition::Delivered, HealthChange::None);
                self.journal.record(Outcome { attempt, transition, health, told: Vec::new() });
            }
            let append = Append::plain(Arc::new(message), Vec::new());
            appends.push(self.journal.append(append));
        }
        for appended in join_all(appends).await {
            if let Appended::EventIdTaken = appended? {
                return Err(Error::Taken { thing: Thing::Message, field: "eventId" });
            }
        }
        Ok(())
    }

    /// Closes the database.
    pub async fn close(self) {
        // Nothing was delivered here, so there are no outcomes to lose.
        let _ = self.journal.shutdown().await;
    }
}
