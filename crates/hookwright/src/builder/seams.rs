//! What a product may set of its own: its events, who receives them, what is sent, and how.

use std::future::Future;

use bytes::Bytes;
use http::Response;

use crate::builder::Builder;
use crate::catalog::Finder;
use crate::deliver::{BoxError, Outgoing, WebhookBody};
use crate::domain::endpoint::Endpoint;
use crate::domain::event_registry::{EventRegistry, EventSource, RegistryError, SourceError};
use crate::domain::message::Message;

impl Builder {
    /// Declares an event: its name, and what makes it happen.
    ///
    /// That is a change of a resource (`Book::CREATED`, `Book::action("read")`, `"bookstore.Book.created"`), with
    /// [`for_all`] or a `+` for an event of all applications; or [`Raw`], or an empty text, for an event that is sent by its own
    /// name. What is wrong with it is told by [`Builder::start`]. A declared event becomes an event type of the default
    /// organisation.
    ///
    /// [`for_all`]: crate::ResourceAction::for_all
    /// [`Raw`]: crate::Raw
    pub fn event<S>(mut self, name: &str, source: S) -> Builder
    where
        S: TryInto<EventSource>,
        SourceError: From<S::Error>,
    {
        if let Ok(events) = &mut self.events {
            let source = source.try_into().map_err(SourceError::from);
            let declared = match source {
                Ok(source) => events.declare(name, source),
                Err(source) => Err(RegistryError::Source { name: name.to_owned(), source }),
            };
            if let Err(error) = declared {
                self.events = Err(error);
            }
        }
        self
    }

    /// Declares all of these events, in the place of those that were declared before.
    pub fn events(mut self, events: EventRegistry) -> Builder {
        self.events = Ok(events);
        self
    }

    /// Narrows who receives a message: of the endpoints that want it by their filters, those that `receives` says yes to.
    ///
    /// It is asked when a message is sent, before it is stored, and again when messages that an endpoint missed are recovered; it
    /// may look at the endpoint's metadata and at the message with its payload. Sending a message to an endpoint once more, as
    /// somebody asked for, does not ask it.
    pub fn find_with(
        mut self,
        receives: impl Fn(&Message, &Endpoint) -> bool + Send + Sync + 'static,
    ) -> Builder {
        self.finder = Finder::new(receives);
        self
    }

    /// Makes the body of each webhook, in the place of the engine; [`WebhookBody::usual`] is what the engine would make.
    ///
    /// It is called at each attempt, on the runtime's threads, so it must not block. What it makes is what is signed and sent. If
    /// it fails the attempt has failed, with its error as the reason, and is made again as others are.
    pub fn serialize_with(
        mut self,
        render: impl Fn(&Message, &Endpoint) -> Result<WebhookBody, BoxError> + Send + Sync + 'static,
    ) -> Builder {
        self.custom.set_rendering(render);
        self
    }

    /// Sends each webhook, in the place of the engine's HTTP client.
    ///
    /// The engine renders and signs, records what came of it, and tries again. An attempt ends after
    /// [`request_timeout`](crate::config::Config::request_timeout) whatever `deliver` does. Its error fails the attempt, with its
    /// text as the reason. The addresses that URLs lead to are checked by the engine's own client alone: whoever replaces it must
    /// see to it that tenants cannot reach the product's network.
    pub fn deliver_with<F>(mut self, deliver: impl Fn(Outgoing) -> F + Send + Sync + 'static) -> Builder
    where
        F: Future<Output = Result<Response<Bytes>, BoxError>> + Send + 'static,
    {
        self.custom.set_transport(deliver);
        self
    }

    /// Has what comes to sources handled by these.
    #[cfg(feature = "receive")]
    pub(crate) fn with_handlers(mut self, handlers: crate::deliver::handler::Handlers) -> Builder {
        self.custom.set_handlers(handlers);
        self
    }

    /// Writes the owner into each payload that is an object, as this field of it, unless the payload has the field.
    ///
    /// What is sent to all has no owner, and one payload: it stays as it is.
    pub fn owner_field(mut self, field: impl Into<String>) -> Builder {
        self.owner_field = Some(field.into());
        self
    }
}
