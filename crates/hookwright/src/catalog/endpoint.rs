//! Changes of endpoints.

use std::time::Duration;

use hookwright_signature::Secret;

use crate::catalog::cache::Cache;
use crate::catalog::{Catalog, TRIES, operational};
use crate::domain::application::Purpose;
use crate::domain::endpoint::{DisabledReason, Endpoint};
use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::page::{self, Page, PageRequest};
use crate::domain::time::Timestamp;
use crate::error::{Error, Thing};
use crate::store::write::{Append, CatalogWrite, Changed};

const UID_TAKEN: Error = Error::Taken { thing: Thing::Endpoint, field: "uid" };
const IDENTIFIER_TAKEN: Error = Error::Taken { thing: Thing::Endpoint, field: "identifier" };

impl Catalog {
    pub(crate) async fn endpoint_create(
        &self,
        application: ApplicationId,
        new: NewEndpoint,
        mut tell: impl FnMut(&Endpoint) -> Vec<Append> + Send,
    ) -> Result<Endpoint, Error> {
        self.check_event_types(application, &new.settings.event_types).await?;
        let now = self.clock.now();
        let secret = match new.secret {
            Some(secret) => secret,
            None => Secret::generate().map_err(|_| Error::Randomness)?,
        };
        let endpoint = Endpoint {
            id: self.ids.next(now).into(),
            application,
            settings: new.settings,
            secret,
            old_secrets: Vec::new(),
            headers: new.headers,
            disabled: new.disabled,
            created_at: now,
            updated_at: now,
        };
        self.check_room(application, 0, endpoint.weight(), 1).await?;
        let write = CatalogWrite::EndpointInsert(Box::new(endpoint.clone()));
        let told = tell(&endpoint);
        let forget = move |cache: &Cache| cache.forget_application(application);
        match self.change_telling(write, told, forget).await? {
            Changed::Yes => Ok(endpoint),
            Changed::Missing => Err(Error::NotFound(Thing::Application)),
            Changed::IdentifierTaken => Err(IDENTIFIER_TAKEN),
            Changed::Taken | Changed::Stale => Err(UID_TAKEN),
        }
    }

    pub(crate) async fn endpoint_list(
        &self,
        application: ApplicationId,
        request: PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint>, Error> {
        let entry = self.application_by_id(application).await?;
        let entry = entry.ok_or(Error::NotFound(Thing::Application))?;
        let scan = request.scan();
        let beyond = |endpoint: &&Endpoint| match &scan.beyond {
            None => true,
            Some(mark) if scan.ascending => endpoint.id > *mark,
            Some(mark) => endpoint.id < *mark,
        };
        let all = entry.endpoints().iter().map(|entry| &entry.endpoint);
        let count = scan.count as usize;
        debug_assert!(count <= usize::from(page::LIMIT_MAX) + 1);
        let page = if scan.ascending {
            request.gather(all.filter(beyond).take(count), |endpoint| endpoint.weight())
        } else {
            request.gather(all.rev().filter(beyond).take(count), |endpoint| endpoint.weight())
        };
        Ok(page.map(Endpoint::clone))
    }

    pub(crate) async fn endpoint_update(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        mut change: impl FnMut(&mut EndpointEdit) -> Result<(), Error> + Send,
        tell: impl FnMut(&Endpoint, &Endpoint) -> Vec<Append> + Send,
    ) -> Result<Endpoint, Error> {
        let change = |endpoint: &mut Endpoint| {
            let mut edit = EndpointEdit {
                settings: endpoint.settings.clone(),
                headers: endpoint.headers.clone(),
                disabled: endpoint.disabled,
            };
            change(&mut edit)?;
            endpoint.settings = edit.settings;
            endpoint.headers = edit.headers;
            endpoint.disabled = edit.disabled;
            Ok(())
        };
        self.change_endpoint(application, endpoint, change, tell).await
    }

    pub(crate) async fn endpoint_rotate_secret(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        secret: Secret,
        grace: Duration,
        tell: impl FnMut(&Endpoint, &Endpoint) -> Vec<Append> + Send,
    ) -> Result<Endpoint, Error> {
        let change = |endpoint: &mut Endpoint| {
            let now = self.clock.now();
            endpoint.rotate(secret.clone(), now, now.after(grace));
            Ok(())
        };
        self.change_endpoint(application, endpoint, change, tell).await
    }

    /// Disables an endpoint because of what it answered, unless it is disabled already, or has not failed since then; if it takes
    /// effect, `told` is sent.
    pub(crate) async fn endpoint_disable(
        &self,
        application: ApplicationId,
        endpoint: EndpointId,
        reason: DisabledReason,
        failing_since: Option<Timestamp>,
        told: Vec<Append>,
    ) -> Result<Changed, Error> {
        let now = self.clock.now();
        let write = CatalogWrite::EndpointDisable { application, endpoint, reason, failing_since, now };
        self.change_telling(write, told, move |cache| cache.forget_application(application)).await
    }

    pub(crate) async fn endpoint_delete(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        mut tell: impl FnMut(&Endpoint) -> Vec<Append> + Send,
    ) -> Result<EndpointId, Error> {
        let entry = self.endpoint(application, endpoint).await?;
        let id = entry.endpoint.id;
        let write = CatalogWrite::EndpointDelete(application, id);
        let told = tell(&entry.endpoint);
        let forget = move |cache: &Cache| cache.forget_application(application);
        match self.change_telling(write, told, forget).await? {
            Changed::Yes => Ok(id),
            _ => Err(Error::NotFound(Thing::Endpoint)),
        }
    }

    async fn change_endpoint(
        &self,
        application: ApplicationId,
        endpoint: &EndpointRef,
        mut change: impl FnMut(&mut Endpoint) -> Result<(), Error> + Send,
        mut tell: impl FnMut(&Endpoint, &Endpoint) -> Vec<Append> + Send,
    ) -> Result<Endpoint, Error> {
        let _turn = self.turn().await?;
        for _ in 0..TRIES {
            let before = self.endpoint(application, endpoint).await?;
            let before = &before.endpoint;
            let mut after = before.clone();
            change(&mut after)?;
            if after.settings.event_types != before.settings.event_types {
                self.check_event_types(application, &after.settings.event_types).await?;
            }
            self.check_room(application, before.weight(), after.weight(), 0).await?;
            after.updated_at = self.change_time(before.updated_at);
            let unless_changed_since = before.updated_at;
            let write =
                CatalogWrite::EndpointUpdate { endpoint: Box::new(after.clone()), unless_changed_since };
            let told = tell(before, &after);
            let forget = move |cache: &Cache| cache.forget_application(application);
            match self.change_telling(write, told, forget).await? {
                Changed::Yes => return Ok(after),
                Changed::Taken => return Err(UID_TAKEN),
                Changed::IdentifierTaken => return Err(IDENTIFIER_TAKEN),
                Changed::Missing | Changed::Stale => {}
            }
        }
        Err(Error::Busy(Thing::Endpoint))
    }

    /// Whether an application has room for `more` endpoints, and for one of `before` bytes to have `after`.
    async fn check_room(
        &self,
        application: ApplicationId,
        before: usize,
        after: usize,
        more: usize,
    ) -> Result<(), Error> {
        let entry = self.application_by_id(application).await?;
        let entry = entry.ok_or(Error::NotFound(Thing::Application))?;
        if entry.endpoints().len() + more > self.limits.count && more > 0 {
            return Err(Error::TooManyEndpoints { max: self.limits.count });
        }
        let bytes = (entry.endpoint_bytes() + after).saturating_sub(before);
        if bytes > self.limits.bytes && after > before {
            return Err(Error::EndpointsTooLarge { max_bytes: self.limits.bytes });
        }
        Ok(())
    }

    /// An endpoint may filter only by event types that are registered.
    async fn check_event_types(
        &self,
        application: ApplicationId,
        event_types: &[EventFilter],
    ) -> Result<(), Error> {
        if event_types.is_empty() {
            return Ok(());
        }
        let entry = self.application_by_id(application).await?;
        let entry = entry.ok_or(Error::NotFound(Thing::Application))?;
        if entry.application.purpose == Purpose::Operational {
            return operational::check_event_types(event_types);
        }
        if entry.application.purpose == Purpose::Source {
            // What providers send is in their own words, which nobody registers.
            return Ok(());
        }
        // A wildcard is taken though nothing matches it yet.
        let mut named = event_types.iter().filter_map(EventFilter::event_type).peekable();
        if named.peek().is_none() {
            return Ok(());
        }
        let names = event_types.iter().filter_map(EventFilter::event_type);
        let known = self.event_types_with(entry.application.organisation, names).await?;
        match named.find(|name| !known.contains_key(*name)) {
            Some(unknown) => Err(Error::UnknownEventType(unknown.clone())),
            None => Ok(()),
        }
    }
}
