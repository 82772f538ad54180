//! Access to an engine's database beside a running engine: its schema and its access tokens.

use std::sync::Arc;

use futures_util::future::join_all;
use hookwright_signature::Secret;
use tokio::sync::mpsc;

use crate::builder::{StartError, seed};
use crate::catalog::{Catalog, EndpointLimits};
use crate::clock::Clock;
use crate::config::{DatabaseUrl, MasterKeys, OUTCOMES_MAX};
use crate::domain::application::{Application, ApplicationRef, ApplicationSettings, Purpose};
use crate::domain::attempt::Attempt;
use crate::domain::delivery::Transition;
use crate::domain::endpoint::{Endpoint, EndpointSettings};
use crate::domain::ids::{ApplicationId, EndpointId, IdGenerator, OrganisationId, TokenId};
use crate::domain::lease::Hold;
use crate::domain::message::Message;
use crate::domain::page::{Page, PageRequest};
use crate::domain::token::{Token, TokenFilter, TokenSettings};
use crate::error::{Error, Thing};
use crate::hooks::NewToken;
use crate::journal::Journal;
use crate::measures::Measures;
use crate::store::error::StoreError;
use crate::store::write::{Append, Appended, CatalogWrite, Changed, HealthChange, Outcome};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, SchemaReport, Store};

/// A database opened for looking after it. It delivers nothing, so an engine may run on the same database.
pub struct Admin {
    clock: Clock,
    store: Store,
    journal: Journal,
    catalog: Catalog,
    ids: Arc<IdGenerator>,
    schema: SchemaReport,
}

impl Admin {
    /// Opens the database at `url` and brings it to the newest schema; fails if there is none.
    ///
    /// It needs the master keys that the engine has; `None` stands for those in the file beside the database.
    pub async fn open(url: &DatabaseUrl, master_keys: Option<&MasterKeys>) -> Result<Admin, StartError> {
        Admin::open_as(url, master_keys, Exclusivity::Visitor).await
    }

    /// Opens the database at `url`, makes it if there is none, and brings it to the newest schema. If no engine runs on it, all secrets
    /// are encrypted with the first of the master keys.
    pub async fn open_or_make(
        url: &DatabaseUrl,
        master_keys: Option<&MasterKeys>,
    ) -> Result<Admin, StartError> {
        Admin::open_as(url, master_keys, Exclusivity::Maker).await
    }

    async fn open_as(
        url: &DatabaseUrl,
        master_keys: Option<&MasterKeys>,
        exclusivity: Exclusivity,
    ) -> Result<Admin, StartError> {
        let (url, keys, clock) = (url.clone(), master_keys.cloned(), Clock::system());
        let open = move || Store::open(&url, keys.as_ref(), exclusivity);
        let opened = tokio::task::spawn_blocking(open).await;
        let (store, writer) = opened.unwrap_or(Err(StoreError::Locked))?;
        let schema = writer.schema();
        // Nobody sends messages through here, so nobody listens for them.
        let (committed, _) = mpsc::unbounded_channel();
        let journal = Journal::start(writer, OUTCOMES_MAX, committed, Arc::new(Measures::new()));
        let journal = journal.map_err(StartError::Thread)?;
        let ids = Arc::new(IdGenerator::new(seed()?));
        let catalog = Catalog::new(
            store.clone(),
            journal.clone(),
            clock.clone(),
            Arc::clone(&ids),
            EndpointLimits::default(),
        );
        catalog.organisation_ensure(DEFAULT_ORGANISATION).await.map_err(StartError::FirstWrite)?;
        Ok(Admin { clock, store, journal, catalog, ids, schema })
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

    /// Makes many applications of the default organisation, each with endpoints, a batch of the database for as many as are given;
    /// a running engine finds them when it next reads.
    ///
    /// Nothing is checked that an engine checks: neither the endpoints' event types nor how many endpoints there are. Gives the ids,
    /// in the same order. Fails with [`Error::Taken`] if a uid is there; what was written until then stays.
    pub async fn import_applications(
        &self,
        applications: Vec<(ApplicationSettings, Vec<EndpointSettings>)>,
    ) -> Result<Vec<(ApplicationId, Vec<EndpointId>)>, Error> {
        let now = self.clock.now();
        let organisation = DEFAULT_ORGANISATION;
        let (mut made, mut of_applications, mut of_endpoints) = (Vec::new(), Vec::new(), Vec::new());
        for (settings, endpoints) in applications {
            let id = self.ids.next(now).into();
            let purpose = Purpose::Customer;
            let application =
                Application { id, organisation, purpose, settings, created_at: now, updated_at: now };
            of_applications.push(self.journal.change(CatalogWrite::ApplicationInsert(application)));
            let mut ids = Vec::with_capacity(endpoints.len());
            for settings in endpoints {
                let endpoint = Endpoint {
                    id: self.ids.next(now).into(),
                    application: id,
                    settings,
                    secret: Secret::generate().map_err(|_| Error::Randomness)?,
                    old_secrets: Vec::new(),
                    headers: Vec::new(),
                    disabled: None,
                    created_at: now,
                    updated_at: now,
                };
                ids.push(endpoint.id);
                of_endpoints.push(self.journal.change(CatalogWrite::EndpointInsert(Box::new(endpoint))));
            }
            made.push((id, ids));
        }
        // An endpoint is made only where its application is.
        for (thing, changes) in [(Thing::Application, of_applications), (Thing::Endpoint, of_endpoints)] {
            for changed in join_all(changes).await {
                if changed? != Changed::Yes {
                    return Err(Error::Taken { thing, field: "uid" });
                }
            }
        }
        Ok(made)
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
                let hold = Hold::ALONE;
                self.journal.record(Outcome { attempt, hold, transition, health, told: Vec::new() });
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
