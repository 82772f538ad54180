//! Who receives a message, as the product narrows it: its own word beside the endpoints' filters.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::domain::endpoint::Endpoint;
use crate::domain::message::Message;

/// Looks at a message and an endpoint that wants it by its filters, and says whether the endpoint is to get it.
type Admits = dyn Fn(&Message, &Endpoint) -> bool + Send + Sync;

/// Says which endpoints are to get a message, of those that want it.
#[derive(Clone, Default)]
pub(crate) struct Finder(Option<Arc<Admits>>);

impl Finder {
    pub(crate) fn new(admits: impl Fn(&Message, &Endpoint) -> bool + Send + Sync + 'static) -> Finder {
        Finder(Some(Arc::new(admits)))
    }

    /// Whether it lets through whatever there is.
    pub(crate) fn admits_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this endpoint is to get this message, asked where nobody waits for the answer: a panic of the product's code ends
    /// nothing there, and the endpoint does not get the message.
    pub(crate) fn admits_unwatched(&self, message: &Message, endpoint: &Endpoint) -> bool {
        let admits = || self.admits(message, endpoint);
        catch_unwind(AssertUnwindSafe(admits)).unwrap_or_else(|_| {
            tracing::error!(
                message.id = %message.id, endpoint.id = %endpoint.id,
                "who receives a message could not be found out: the product's own code panicked"
            );
            false
        })
    }

    /// Whether this endpoint is to get this message.
    pub(crate) fn admits(&self, message: &Message, endpoint: &Endpoint) -> bool {
        self.0.as_ref().is_none_or(|admits| admits(message, endpoint))
    }
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.admits_all() { "Finder(all)" } else { "Finder(narrowed)" })
    }
}
