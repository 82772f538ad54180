//! What an endpoint filters by: one event type, or all whose names begin with the same segments.

use std::fmt;
use std::sync::Arc;

use crate::domain::names::{EventTypeName, NameError};

/// What stands at the end of a filter for all event types under a name.
const WILDCARD: &str = ".*";

/// One event type (`book.added`), or all under a name (`book.*`: `book.added` and `book.page.torn`, but not `book`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum EventFilter {
    /// This event type alone.
    One(EventTypeName),
    /// All event types under this name, whether there are any yet or not.
    Under(Under),
}

/// The name that event types stand under, with the wildcard behind it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Under(Arc<str>);

impl Under {
    /// How all event types under `name` are written.
    pub(crate) fn written(name: &str) -> String {
        format!("{name}{WILDCARD}")
    }

    /// The name that the event types stand under: `book` of `book.*`.
    pub fn name(&self) -> &str {
        self.0.strip_suffix(WILDCARD).unwrap_or(&self.0)
    }
}

impl EventFilter {
    /// Reads an event type's name, or one with `.*` behind it. A `*` anywhere else is refused.
    pub fn parse(text: &str) -> Result<EventFilter, NameError> {
        if !text.contains('*') {
            return EventTypeName::parse(text).map(EventFilter::One);
        }
        let Some(name) = text.strip_suffix(WILDCARD).filter(|name| !name.contains('*')) else {
            return Err(NameError::Wildcard);
        };
        // Segments are what stands between dots, and the last one before the wildcard must be whole.
        if name.is_empty() || name.ends_with('.') {
            return Err(NameError::Wildcard);
        }
        EventTypeName::parse(name)?;
        if text.len() > EventTypeName::MAX_CHARS {
            return Err(NameError::TooLong { max: EventTypeName::MAX_CHARS, found: text.len() });
        }
        Ok(EventFilter::Under(Under(Arc::from(text))))
    }

    /// The filter as it is written.
    pub fn as_str(&self) -> &str {
        match self {
            EventFilter::One(name) => name.as_str(),
            EventFilter::Under(under) => &under.0,
        }
    }

    /// The one event type, if it is for one.
    pub fn event_type(&self) -> Option<&EventTypeName> {
        match self {
            EventFilter::One(name) => Some(name),
            EventFilter::Under(_) => None,
        }
    }

    /// Whether messages of this event type pass.
    pub fn matches(&self, event_type: &EventTypeName) -> bool {
        match self {
            EventFilter::One(name) => name == event_type,
            EventFilter::Under(under) => {
                let rest = event_type.as_str().strip_prefix(under.name());
                rest.is_some_and(|rest| rest.starts_with('.'))
            }
        }
    }
}

/// The names that an event type stands under, the longest first: `book.page` and `book` of `book.page.torn`.
pub(crate) fn names_above(event_type: &EventTypeName) -> impl Iterator<Item = &str> {
    let text = event_type.as_str();
    text.rmatch_indices('.').filter_map(|(at, _)| text.get(..at)).filter(|name| !name.is_empty())
}

impl From<EventTypeName> for EventFilter {
    fn from(name: EventTypeName) -> EventFilter {
        EventFilter::One(name)
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Debug for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EventTypeName {
        EventTypeName::parse(text).unwrap()
    }

    #[test]
    fn a_wildcard_stands_for_whole_segments_at_the_end() {
        let filter = EventFilter::parse("book.*").unwrap();
        for passes in ["book.added", "book.page.torn", "book.a"] {
            assert!(filter.matches(&name(passes)), "{passes}");
        }
        for fails in ["book", "books.added", "bookshop", "a.book.added"] {
            assert!(!filter.matches(&name(fails)), "{fails}");
        }
        assert_eq!(filter.as_str(), "book.*");
        assert_eq!(filter.event_type(), None);
    }

    #[test]
    fn any_other_wildcard_is_refused() {
        for text in ["*", ".*", "book*", "book.a*", "*.added", "book.*.torn", "book..*", "book.**", "b*k.*"] {
            assert_eq!(EventFilter::parse(text), Err(NameError::Wildcard), "{text}");
        }
        assert!(matches!(EventFilter::parse("b ok.*"), Err(NameError::Character { found: ' ', .. })));
        assert!(EventFilter::parse(&format!("{}.*", "a".repeat(254))).is_ok());
        assert!(matches!(
            EventFilter::parse(&format!("{}.*", "a".repeat(255))),
            Err(NameError::TooLong { found: 257, .. })
        ));
    }

    #[test]
    fn one_event_type_passes_itself_alone() {
        let filter = EventFilter::parse("book.added").unwrap();
        assert!(filter.matches(&name("book.added")));
        assert!(!filter.matches(&name("book.added.twice")));
        assert_eq!(filter.event_type(), Some(&name("book.added")));
    }

    #[test]
    fn an_event_type_stands_under_each_of_its_beginnings() {
        let above: Vec<String> = names_above(&name("book.page.torn")).map(str::to_owned).collect();
        assert_eq!(above, ["book.page", "book"]);
        assert_eq!(names_above(&name("book")).count(), 0);
    }
}
