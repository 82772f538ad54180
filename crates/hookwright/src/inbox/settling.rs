//! Makes of the sources and handlers in the database what a product declared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::StartError;
use crate::catalog::SourceEntry;
use crate::deliver::handler::{Handlers, is_handler};
use crate::domain::endpoint::{DisabledReason, Endpoint, EndpointSettings};
use crate::domain::endpoint_edit::{EndpointEdit, EndpointRef, NewEndpoint};
use crate::domain::source::{Source, SourceRef};
use crate::error::Error;
use crate::hooks::Hooks;
use crate::inbox::declared::{Declared, DeclaredHandler};
use crate::inbox::{Inbox, InboxBuilder, InboxError, Settled, Shared};

impl InboxBuilder {
    /// Starts the engine with these handlers, and settles each source.
    pub(super) async fn settle(self, handlers: Handlers) -> Result<Inbox, StartError> {
        let hooks = self.engine.with_handlers(handlers).start().await?;
        let mut sources = BTreeMap::new();
        for declared in self.sources {
            let name = declared.uid.as_str().to_owned();
            match hooks.settle_source(declared).await {
                Ok(settled) => sources.insert(name, settled),
                Err(error) => {
                    // Nobody else has the engine.
                    let _ = hooks.shutdown(Duration::ZERO).await;
                    return Err(InboxError::Source { name, error }.into());
                }
            };
        }
        let shared = Shared { sources, body_limit: self.body_limit, public_url: self.public_url };
        Ok(Inbox { hooks, shared: Arc::new(shared) })
    }
}

impl Hooks {
    async fn settle_source(&self, declared: Declared) -> Result<Settled, Error> {
        let Declared { uid, settings, event_type, confirm, handlers } = declared;
        let organisation = self.default_organisation();
        let named = SourceRef::Uid(uid.clone());
        let source = match self.source_get(organisation, &named).await {
            Err(Error::NotFound(_)) => self.source_create(organisation, settings).await?,
            Err(error) => return Err(error),
            Ok(found) if found.source.settings == settings => found,
            Ok(_) => self.source_update(organisation, &named, |set| *set = settings.clone()).await?,
        };
        let source = source.source;
        if let Some(confirm) = confirm {
            // One that was just made is not among those that the start knew.
            self.inner.catalog.confirmers().set(source.id, confirm);
        }
        self.settle_handlers(&source, &named, handlers).await?;
        Ok(Settled { uid, entry: Arc::new(SourceEntry::new(source)), event_type })
    }

    async fn settle_handlers(
        &self,
        source: &Source,
        named: &SourceRef,
        handlers: Vec<DeclaredHandler>,
    ) -> Result<(), Error> {
        let entry = self.inner.catalog.application_by_id(source.application).await?;
        let known: Vec<Endpoint> =
            entry.iter().flat_map(|entry| entry.endpoints()).map(|known| known.endpoint.clone()).collect();
        for handler in &handlers {
            match known.iter().find(|known| known.settings.url == handler.url) {
                None => {
                    let settings = EndpointSettings {
                        url: handler.url.clone(),
                        description: format!("the handler {} of this program", handler.name),
                        event_types: handler.events.clone(),
                        ..EndpointSettings::default()
                    };
                    let new = NewEndpoint { settings, ..NewEndpoint::default() };
                    self.inner.catalog.endpoint_create(source.application, new, |_| Vec::new()).await?;
                }
                Some(known) if known.disabled.is_none() && known.settings.event_types == handler.events => {}
                Some(known) => {
                    self.change_handler(source, named, known, None, Some(handler)).await?;
                }
            }
        }
        let is_declared = |url: &str| handlers.iter().any(|handler| handler.url == url);
        for gone in known.iter().filter(|known| known.disabled.is_none()) {
            let url = &gone.settings.url;
            if is_handler(url) && !is_declared(url) {
                tracing::warn!(
                    source.id = %source.id, endpoint.id = %gone.id,
                    "{url} is not there any more: what it was not done with stays a dead letter, and nothing else comes to it"
                );
                self.change_handler(source, named, gone, Some(DisabledReason::ByRequest), None).await?;
            }
        }
        Ok(())
    }

    async fn change_handler(
        &self,
        source: &Source,
        named: &SourceRef,
        known: &Endpoint,
        disabled: Option<DisabledReason>,
        handler: Option<&DeclaredHandler>,
    ) -> Result<(), Error> {
        let change = |edit: &mut EndpointEdit| {
            edit.disabled = disabled;
            if let Some(handler) = handler {
                edit.settings.event_types.clone_from(&handler.events);
            }
        };
        let endpoint = EndpointRef::Id(known.id);
        self.source_endpoint_update(source.organisation, named, &endpoint, change).await.map(|_| ())
    }
}
