//! What a request's event type is.

use hookwright_signature::provider::Verified;

use crate::domain::event_type_place::event_type_of;
use crate::domain::names::EventTypeName;
use crate::receive::door::Door;

/// So many characters of a word that is no event type are shown.
const SHOWN_CHARS: usize = 60;

impl Door<'_> {
    /// The event type of a request, and what the log says if what was found is none: the message goes on all the same.
    pub(super) fn event_type(&self, verified: &Verified, body: &[u8]) -> (EventTypeName, Option<String>) {
        let place = self.entry.source.settings.event_type.as_ref();
        let own;
        let word = match place {
            None => verified.event_type.as_deref(),
            Some(place) => {
                let header = |name: &str| self.head.headers.get(name).map(http::HeaderValue::as_bytes);
                own = place.find(header, body);
                own.as_deref()
            }
        };
        let why = match (word.map(event_type_of), word, place) {
            (Some(Ok(name)), _, _) => return (name, None),
            (Some(Err(error)), Some(word), _) => {
                let shown: String = word.chars().take(SHOWN_CHARS).collect();
                Some(format!("{shown:?} is no event type, it {error}"))
            }
            (_, _, Some(place)) => Some(format!("there is no event type in {}", place.in_words())),
            // What a provider does not say need not be told.
            (_, _, None) => None,
        };
        let name = EventTypeName::inbound();
        (name.clone(), why.map(|why| format!("{why}; the message's is {name}")))
    }
}
