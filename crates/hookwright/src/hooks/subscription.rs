//! A subscription that is being made: an owner's endpoint for an event, with what is set on it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use hookwright_signature::Secret;

use crate::domain::application::{ApplicationRef, ApplicationSettings};
use crate::domain::endpoint::{Endpoint, EndpointSettings};
use crate::domain::endpoint_edit::NewEndpoint;
use crate::domain::event_filter::EventFilter;
use crate::domain::ids::ApplicationId;
use crate::domain::names::{Channel, HookIdentifier};
use crate::domain::payload_format::PayloadFormat;
use crate::error::Error;
use crate::hooks::owner::Owner;

/// A subscription that is made once it is waited for.
#[must_use = "a subscription is made when it is waited for: add `.await`"]
pub struct Subscribe {
    owner: Owner,
    event: String,
    new: NewEndpoint,
}

impl Subscribe {
    pub(super) fn new(owner: Owner, event: &str, url: String) -> Subscribe {
        let settings = EndpointSettings { url, ..EndpointSettings::default() };
        Subscribe { owner, event: event.to_owned(), new: NewEndpoint { settings, ..NewEndpoint::default() } }
    }

    /// Keeps a pair of texts on the endpoint, which those who choose receivers can look at.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Subscribe {
        self.new.settings.metadata.insert(key.into(), value.into());
        self
    }

    /// What the owner calls it; unique among the owner's subscriptions to this event.
    pub fn identifier(mut self, identifier: HookIdentifier) -> Subscribe {
        self.new.settings.identifier = Some(identifier);
        self
    }

    /// What it gets of a message: the payload as it is, unless set otherwise.
    pub fn format(mut self, format: PayloadFormat) -> Subscribe {
        self.new.settings.format = format;
        self
    }

    /// Only messages of this channel, or of another that is added.
    pub fn channel(mut self, channel: Channel) -> Subscribe {
        self.new.settings.channels.push(channel);
        self
    }

    /// Signs its webhooks; a fresh secret is made if none is set.
    pub fn secret(mut self, secret: Secret) -> Subscribe {
        self.new.secret = Some(secret);
        self
    }

    async fn make(mut self) -> Result<Endpoint, Error> {
        let owner = self.owner.known()?.clone();
        let hooks = self.owner.hooks.clone();
        let filter = EventFilter::parse(&self.event)
            .map_err(|_| Error::UndeclaredEvent { event: self.event.clone() })?;
        if filter.event_type().is_some() {
            hooks.declared(&self.event)?;
        }
        self.new.settings.event_types = vec![filter];
        // Looked at before the owner's application is made: what is refused leaves nothing behind.
        hooks.inner.policy.check_url(&self.new.settings.url)?;
        let application = match self.owner.application().await? {
            Some(application) => application,
            None => make_application(&self.owner, owner.uid().clone()).await?,
        };
        hooks.endpoint_create(application, self.new).await
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Endpoint, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

async fn make_application(owner: &Owner, uid: crate::domain::names::Uid) -> Result<ApplicationId, Error> {
    let (organisation, name) = (owner.hooks.default_organisation(), uid.as_str().to_owned());
    let settings = ApplicationSettings { uid: Some(uid.clone()), name, ..ApplicationSettings::default() };
    match owner.hooks.application_create(organisation, settings).await {
        Ok(application) => Ok(application.id),
        // Another subscription of the same owner was quicker.
        Err(Error::Taken { .. }) => {
            Ok(owner.hooks.application_get(organisation, &ApplicationRef::Uid(uid)).await?.id)
        }
        Err(error) => Err(error),
    }
}
