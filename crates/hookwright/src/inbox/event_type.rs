//! Where a product says that the type of a source's events is.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use crate::domain::event_type_place::EventTypePlace;
use crate::domain::inbound::holds_credential;
use crate::domain::json_pointer::JsonPointer;
use crate::receive::ReadEventType;

/// Where the type of an event is read, if not where the provider is known to write it.
#[derive(Clone)]
pub struct EventTypeFrom(Place);

#[derive(Clone)]
enum Place {
    Header(String),
    Pointer(String),
    Code(ReadEventType),
}

/// Where it is, as what comes in is looked at.
pub(super) enum Found {
    /// In a place that is among the source's settings.
    Place(EventTypePlace),
    /// Where the product's own code finds it.
    Code(ReadEventType),
}

impl EventTypeFrom {
    /// In this header.
    pub fn header(name: impl Into<String>) -> EventTypeFrom {
        EventTypeFrom(Place::Header(name.into()))
    }

    /// Where this pointer (RFC 6901) leads to in a body of JSON: `/data/kind`.
    pub fn pointer(pointer: impl Into<String>) -> EventTypeFrom {
        EventTypeFrom(Place::Pointer(pointer.into()))
    }

    /// Wherever `read` finds it; it is called once for each request, before that is stored, and must not block.
    pub fn with(read: impl Fn(&HeaderMap, &[u8]) -> Option<String> + Send + Sync + 'static) -> EventTypeFrom {
        EventTypeFrom(Place::Code(Arc::new(read)))
    }

    /// The place, or what is wrong with it.
    pub(super) fn found(self) -> Result<Found, String> {
        let place = match self.0 {
            Place::Code(read) => return Ok(Found::Code(read)),
            Place::Pointer(text) => match JsonPointer::parse(&text) {
                Ok(pointer) => EventTypePlace::Pointer(pointer),
                Err(error) => return Err(format!("{text:?}, which {error}")),
            },
            Place::Header(name) => match HeaderName::try_from(&name) {
                Ok(name) if holds_credential(name.as_str()) => {
                    return Err(format!("the header {name}, which holds a credential"));
                }
                Ok(name) => EventTypePlace::Header(name.as_str().to_owned()),
                Err(_) => return Err(format!("the header {name:?}, which is no name of one")),
            },
        };
        Ok(Found::Place(place))
    }
}

impl fmt::Debug for EventTypeFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventTypeFrom(…)")
    }
}
