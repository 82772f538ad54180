//! What is done with hooks: they are endpoints of the user's application.

use hookwright::Error;
use hookwright::domain::application::{Application, ApplicationSettings};
use hookwright::domain::endpoint::{DisabledReason, Endpoint, EndpointSettings};
use hookwright::domain::ids::EndpointId;
use hookwright::domain::names::EventTypeName;
use hookwright::domain::page::{From, LIMIT_MAX, Order, PageRequest};
use hookwright::domain::payload_format::PayloadFormat;
use hookwright::hooks::{ApplicationRef, EndpointEdit, EndpointRef, NewEndpoint};

use super::Shared;
use super::body::HookIn;
use super::problem::{Problem, unexpected};
use super::user::User;

impl<A> Shared<A> {
    /// The user's application, if the user has had a hook.
    pub(super) async fn application(&self, user: &User) -> Result<Option<Application>, Problem> {
        match self.hooks.application_get(user.organisation, &user.application).await {
            Ok(application) => Ok(Some(application)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn application_ensure(&self, user: &User) -> Result<Application, Problem> {
        if let Some(application) = self.application(user).await? {
            return Ok(application);
        }
        let ApplicationRef::Uid(uid) = &user.application else { return Err(Problem::not_found()) };
        let (uid, name) = (Some(uid.clone()), uid.as_str().to_owned());
        let settings = ApplicationSettings { uid, name, ..ApplicationSettings::default() };
        match self.hooks.application_create(user.organisation, settings).await {
            // Another request of the same user was quicker.
            Err(Error::Taken { .. }) => {
                Ok(self.hooks.application_get(user.organisation, &user.application).await?)
            }
            made => Ok(made?),
        }
    }

    /// All hooks of a user, oldest first.
    pub(super) async fn hooks_of(&self, application: &Application) -> Result<Vec<Endpoint>, Problem> {
        let mut request = PageRequest::first(LIMIT_MAX, Order::Ascending);
        let mut hooks = Vec::new();
        loop {
            let page = self.hooks.endpoint_list(application.id, request).await?;
            let Some(last) = page.items.last().map(|endpoint| endpoint.id) else { return Ok(hooks) };
            hooks.extend(page.items.into_iter().filter(is_hook));
            if page.done {
                return Ok(hooks);
            }
            request =
                PageRequest { limit: LIMIT_MAX, order: Order::Ascending, from: Some(From::After(last)) };
        }
    }

    /// One of the user's hooks, and the user's application.
    pub(super) async fn hook(&self, user: &User, id: &str) -> Result<(Endpoint, Application), Problem> {
        let id: EndpointId = id.parse().map_err(|_| Problem::not_found())?;
        let application = self.application(user).await?.ok_or_else(Problem::not_found)?;
        let endpoint = self.hooks.endpoint_get(application.id, &EndpointRef::Id(id)).await?;
        if is_hook(&endpoint) { Ok((endpoint, application)) } else { Err(Problem::not_found()) }
    }

    pub(super) async fn create(
        &self,
        user: &User,
        mut wanted: HookIn,
    ) -> Result<(Endpoint, Application), Problem> {
        wanted.need_all();
        let event = self.registered(user, &mut wanted).await?;
        wanted.finish()?;
        let settings = EndpointSettings {
            url: wanted.target.unwrap_or_default(),
            event_types: event.into_iter().map(Into::into).collect(),
            format: wanted.format.unwrap_or(PayloadFormat::Hook),
            identifier: wanted.identifier.flatten(),
            metadata: wanted.metadata.unwrap_or_default(),
            ..EndpointSettings::default()
        };
        // A target that is refused leaves nothing behind.
        self.hooks.check_url(&settings.url)?;
        let application = self.application_ensure(user).await?;
        let new = NewEndpoint { settings, ..NewEndpoint::default() };
        Ok((self.hooks.endpoint_create(application.id, new).await?, application))
    }

    pub(super) async fn change(
        &self,
        user: &User,
        hook: &Endpoint,
        mut wanted: HookIn,
    ) -> Result<Endpoint, Problem> {
        let event = self.registered(user, &mut wanted).await?;
        wanted.finish()?;
        let named = EndpointRef::Id(hook.id);
        let change = |edit: &mut EndpointEdit| apply(edit, &wanted, event.as_ref());
        Ok(self.hooks.endpoint_update(hook.application, &named, change).await?)
    }

    pub(super) async fn remove(&self, user: &User, id: &str) -> Result<(), Problem> {
        let (hook, _) = self.hook(user, id).await?;
        Ok(self.hooks.endpoint_delete(hook.application, &EndpointRef::Id(hook.id)).await?)
    }

    /// The event that is wanted, if one is and it is registered; what is wrong with it is noted.
    async fn registered(&self, user: &User, wanted: &mut HookIn) -> Result<Option<EventTypeName>, Problem> {
        let Some(event) = wanted.event.take() else { return Ok(None) };
        let all = self.hooks.event_types(user.organisation).await?;
        let found = all
            .get_key_value(event.as_str())
            .filter(|(_, known)| !known.settings.archived && user.sees(&known.settings.feature_flags));
        match found {
            Some((name, _)) => Ok(Some(name.clone())),
            None => {
                let shown: String = event.chars().take(EventTypeName::MAX_CHARS).collect();
                wanted.refuse("event", unexpected(&shown));
                Ok(None)
            }
        }
    }
}

/// Whether an endpoint is a hook: others of the application were not made here and have another body.
fn is_hook(endpoint: &Endpoint) -> bool {
    endpoint.settings.format != PayloadFormat::Bare
}

fn apply(edit: &mut EndpointEdit, wanted: &HookIn, event: Option<&EventTypeName>) {
    let settings = &mut edit.settings;
    if let Some(target) = &wanted.target
        && settings.url != *target
    {
        settings.url.clone_from(target);
        // What the old target answered says nothing of the new one; what somebody turned off stays off.
        edit.disabled = edit.disabled.filter(|reason| *reason == DisabledReason::ByRequest);
    }
    if let Some(event) = event {
        settings.event_types = vec![event.clone().into()];
    }
    if let Some(identifier) = &wanted.identifier {
        settings.identifier.clone_from(identifier);
    }
    if let Some(format) = wanted.format {
        settings.format = format;
    }
    if let Some(metadata) = &wanted.metadata {
        settings.metadata.clone_from(metadata);
    }
}
