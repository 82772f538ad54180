//! Changes of applications.

use crate::catalog::cache::Cache;
use crate::catalog::{Catalog, TRIES};
use crate::domain::application::{Application, ApplicationRef, ApplicationSettings, Purpose};
use crate::domain::ids::OrganisationId;
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed};

const TAKEN: Error = Error::Taken { thing: Thing::Application, field: "uid" };

impl Catalog {
    pub(crate) async fn application_create(
        &self,
        organisation: OrganisationId,
        settings: ApplicationSettings,
    ) -> Result<Application, Error> {
        let now = self.clock.now();
        let id = self.ids.next(now).into();
        let purpose = Purpose::Customer;
        let application =
            Application { id, organisation, purpose, settings, created_at: now, updated_at: now };
        match self.journal.change(CatalogWrite::ApplicationInsert(application.clone())).await? {
            Changed::Yes => Ok(application),
            _ => Err(TAKEN),
        }
    }

    pub(crate) async fn application_update(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
        mut change: impl FnMut(&mut ApplicationSettings) + Send,
    ) -> Result<Application, Error> {
        let _turn = self.turn().await?;
        for _ in 0..TRIES {
            let before = self.application(organisation, application).await?.application.clone();
            let mut after = before.clone();
            change(&mut after.settings);
            after.updated_at = self.change_time(before.updated_at);
            let unless_changed_since = before.updated_at;
            let write = CatalogWrite::ApplicationUpdate { application: after.clone(), unless_changed_since };
            let changed = self.change(write, forget(before)).await?;
            match changed {
                Changed::Yes => return Ok(after),
                Changed::Taken => return Err(TAKEN),
                Changed::Missing | Changed::Stale | Changed::IdentifierTaken => {}
            }
        }
        Err(Error::Busy(Thing::Application))
    }

    pub(crate) async fn application_delete(
        &self,
        organisation: OrganisationId,
        application: &ApplicationRef,
    ) -> Result<(), Error> {
        let before = self.application(organisation, application).await?;
        let write = CatalogWrite::ApplicationDelete(before.application.id, self.clock.now());
        let forget = forget(before.application.clone());
        let forget = move |cache: &Cache| {
            forget(cache);
            cache.forget_tokens();
        };
        match self.change(write, forget).await? {
            Changed::Yes => Ok(()),
            _ => Err(Error::NotFound(Thing::Application)),
        }
    }
}

/// Forgets an application, and what it was called.
fn forget(application: Application) -> impl FnOnce(&Cache) + Send + 'static {
    move |cache| {
        cache.forget_application(application.id);
        if let Some(uid) = &application.settings.uid {
            cache.forget_uid(application.organisation, uid);
        }
    }
}
