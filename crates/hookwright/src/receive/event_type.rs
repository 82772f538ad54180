//! What a request's event type is.

use crate::domain::event_type_place::{EventTypePlace, event_type_of};
use crate::domain::names::EventTypeName;

/// So many characters of a word that is no event type are shown.
const SHOWN_CHARS: usize = 60;

/// The event type of a request, from the `place` that its source has set, or in the provider's own word; and what the log says if what
/// was found is none: the message goes on all the same.
pub(super) fn read<'h>(
    place: Option<&EventTypePlace>,
    providers: Option<&str>,
    header: impl FnOnce(&str) -> Option<&'h [u8]>,
    body: &[u8],
) -> (EventTypeName, Option<String>) {
    let own = place.and_then(|place| place.find(header, body));
    let word = if place.is_some() { own.as_deref() } else { providers };
    let why = match (word, place) {
        (Some(word), _) => match event_type_of(word) {
            Ok(name) => return (name, None),
            Err(error) => {
                let shown: String = word.chars().take(SHOWN_CHARS).collect();
                Some(format!("{shown:?} is no event type, it {error}"))
            }
        },
        (None, Some(place)) => Some(format!("there is no event type in {}", place.in_words())),
        // What a provider does not say need not be told.
        (None, None) => None,
    };
    let name = EventTypeName::inbound();
    let why = why.map(|why| format!("{why}; the message's is {name}"));
    (name, why)
}
