//! Declared events: which event a change of a resource is, in the small language of `[events]`.
//!
//! An event's source is written as `Resource.action` (`bookstore.Book.created`), with a `+` behind it if the event is for all
//! applications and not for the resource's owner alone, or as nothing at all if the event is raw: sent by its own name, and
//! not by a change of anything.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use crate::domain::names::{EventTypeName, NameError};

/// A source that is sent by its event's own name: the source of events that no resource's change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw;

/// Whom an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The application of the resource's owner.
    Owner,
    /// Every application with an endpoint that wants it.
    All,
}

/// A kind of change of a kind of resource, such as `bookstore.Book.created`; what `#[derive(Resource)]` makes constants of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResourceAction {
    resource: &'static str,
    action: &'static str,
    audience: Audience,
}

impl ResourceAction {
    /// `action` on `resource`, for the resource's owner. Both are checked when an event is declared with it.
    pub const fn new(resource: &'static str, action: &'static str) -> ResourceAction {
        ResourceAction { resource, action, audience: Audience::Owner }
    }

    /// The same for all applications: the `+` of the text form.
    pub const fn for_all(self) -> ResourceAction {
        ResourceAction { audience: Audience::All, ..self }
    }
}

/// What makes an event happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventSource {
    /// It is sent by its own name.
    Raw,
    /// A change of a resource is this event.
    Change {
        /// The kind of resource, such as `bookstore.Book`.
        resource: Arc<str>,
        /// What is done to it, such as `created`.
        action: Arc<str>,
        /// Whom it is for.
        audience: Audience,
    },
}

/// A text is not an event's source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is no dot between a resource and an action.
    #[error(
        "{text:?} names no action: write \"Resource.action\" such as \"bookstore.Book.created\", or \"\" for an event that is \
         sent by its own name"
    )]
    NoAction {
        /// The text.
        text: String,
    },
    /// Nothing stands before, between or behind dots.
    #[error("{text:?} has an empty part: write \"Resource.action\" such as \"bookstore.Book.created\"")]
    EmptyPart {
        /// The text.
        text: String,
    },
    /// One of its characters is not among those allowed.
    #[error(
        "{text:?} has the character {found:?}: only letters, digits, - and _ are allowed between dots, and one + at the end for \
         an event of all applications"
    )]
    Character {
        /// The text.
        text: String,
        /// The first character that is not allowed.
        found: char,
    },
}

/// An event cannot be declared so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Events cannot have this name.
    #[error("the event name {name:?} {source}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// Its source cannot be read.
    #[error("the source of the event {name:?} cannot be read: {source}")]
    Source {
        /// The event's name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: SourceError,
    },
    /// An event of this name was declared before.
    #[error("the event {0} is declared twice; leave one of the declarations out")]
    Twice(EventTypeName),
    /// Two events have the same source: one change would have to be both.
    #[error(
        "the events {first} and {second} are both declared for {resource}.{action}; one change is one event, so leave one of \
         them out or give it another action"
    )]
    SameSource {
        /// The event that was declared first.
        first: EventTypeName,
        /// The event that was to be declared.
        second: EventTypeName,
        /// The kind of resource of both.
        resource: Arc<str>,
        /// The action of both.
        action: Arc<str>,
    },
}

impl EventSource {
    /// Reads the text form: `Resource.action`, with or without a `+` at the end, or nothing for a raw event.
    ///
    /// What stands before the last dot is the resource, which may have dots itself.
    pub fn parse(text: &str) -> Result<EventSource, SourceError> {
        if text.is_empty() {
            return Ok(EventSource::Raw);
        }
        let (change, audience) = match text.strip_suffix('+') {
            Some(change) => (change, Audience::All),
            None => (text, Audience::Owner),
        };
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if let Some(found) = change.chars().find(|c| !is_allowed(*c)) {
            return Err(SourceError::Character { text: text.to_owned(), found });
        }
        let Some((resource, action)) = change.rsplit_once('.') else {
            return Err(SourceError::NoAction { text: text.to_owned() });
        };
        if change.split('.').any(str::is_empty) {
            return Err(SourceError::EmptyPart { text: text.to_owned() });
        }
        Ok(EventSource::Change { resource: resource.into(), action: action.into(), audience })
    }
}

impl fmt::Display for EventSource {
    /// Writes the text form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventSource::Raw => Ok(()),
            EventSource::Change { resource, action, audience } => {
                let plus = if *audience == Audience::All { "+" } else { "" };
                write!(f, "{resource}.{action}{plus}")
            }
        }
    }
}

impl From<Raw> for EventSource {
    fn from(Raw: Raw) -> EventSource {
        EventSource::Raw
    }
}

impl TryFrom<ResourceAction> for EventSource {
    type Error = SourceError;

    fn try_from(change: ResourceAction) -> Result<EventSource, SourceError> {
        let plus = if change.audience == Audience::All { "+" } else { "" };
        let text = format!("{}.{}{plus}", change.resource, change.action);
        match EventSource::parse(&text)? {
            // An action with a dot would move the border between resource and action.
            EventSource::Change { action, .. } if *action != *change.action => {
                Err(SourceError::Character { text: change.action.to_owned(), found: '.' })
            }
            source => Ok(source),
        }
    }
}

impl TryFrom<&str> for EventSource {
    type Error = SourceError;

    fn try_from(text: &str) -> Result<EventSource, SourceError> {
        EventSource::parse(text)
    }
}

impl From<Infallible> for SourceError {
    fn from(never: Infallible) -> SourceError {
        match never {}
    }
}

/// An event that was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name, which is that of its event type.
    pub name: EventTypeName,
    /// What makes it happen.
    pub source: EventSource,
}

impl Declared {
    /// Whom it is for. A raw event is for whoever it is sent to.
    pub fn audience(&self) -> Audience {
        match &self.source {
            EventSource::Raw => Audience::Owner,
            EventSource::Change { audience, .. } => *audience,
        }
    }
}

/// The events that were declared: by name, and by the change that each of them is.
#[derive(Debug, Clone, Default)]
pub struct EventRegistry {
    events: BTreeMap<EventTypeName, Declared>,
    /// The events' names by resource, then by action.
    changes: HashMap<Arc<str>, HashMap<Arc<str>, EventTypeName>>,
}

impl EventRegistry {
    /// Declares an event. A name can be declared once, and one `Resource.action` for one event, with or without a `+`.
    pub fn declare(&mut self, name: &str, source: EventSource) -> Result<(), RegistryError> {
        let name = EventTypeName::parse(name)
            .map_err(|source| RegistryError::Name { name: name.to_owned(), source })?;
        if self.events.contains_key(&name) {
            return Err(RegistryError::Twice(name));
        }
        if let EventSource::Change { resource, action, .. } = &source {
            if let Some(first) = self.event_of(resource, action) {
                let first = first.name.clone();
                let (resource, action) = (Arc::clone(resource), Arc::clone(action));
                return Err(RegistryError::SameSource { first, second: name, resource, action });
            }
            let actions = self.changes.entry(Arc::clone(resource)).or_default();
            actions.insert(Arc::clone(action), name.clone());
        }
        self.events.insert(name.clone(), Declared { name, source });
        Ok(())
    }

    /// Declares an event whose source is written as [`EventSource::parse`] reads it.
    pub fn declare_text(&mut self, name: &str, source: &str) -> Result<(), RegistryError> {
        let source = EventSource::parse(source)
            .map_err(|source| RegistryError::Source { name: name.to_owned(), source })?;
        self.declare(name, source)
    }

    /// The event that this change is, if one was declared.
    pub fn event_of(&self, resource: &str, action: &str) -> Option<&Declared> {
        self.events.get(self.changes.get(resource)?.get(action)?)
    }

    /// The event of this name, if it was declared.
    pub fn get(&self, name: &str) -> Option<&Declared> {
        self.events.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Declared> {
        self.events.values()
    }

    /// Whether none was declared.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(resource: &str, action: &str, audience: Audience) -> EventSource {
        EventSource::Change { resource: resource.into(), action: action.into(), audience }
    }

    #[test]
    fn the_language_of_the_starting_documents_is_read_and_written() {
        for (text, expected) in [
            ("bookstore.Book.created", change("bookstore.Book", "created", Audience::Owner)),
            ("bookstore.Book.updated+", change("bookstore.Book", "updated", Audience::All)),
            ("bookstore.Book.read", change("bookstore.Book", "read", Audience::Owner)),
            ("Book.created", change("Book", "created", Audience::Owner)),
            ("", EventSource::Raw),
        ] {
            assert_eq!(EventSource::parse(text), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_source_is_refused_with_what_to_write() {
        let refused = |text: &str| EventSource::parse(text).unwrap_err();
        assert!(matches!(refused("created"), SourceError::NoAction { .. }));
        assert!(matches!(refused("+"), SourceError::NoAction { .. }));
        assert!(matches!(refused(".created"), SourceError::EmptyPart { .. }));
        assert!(matches!(refused("Book."), SourceError::EmptyPart { .. }));
        assert!(matches!(refused("Book.+"), SourceError::EmptyPart { .. }));
        assert!(matches!(refused("a..b"), SourceError::EmptyPart { .. }));
        assert!(matches!(refused("Book.updated++"), SourceError::Character { found: '+', .. }));
        assert!(matches!(refused("Book.up dated"), SourceError::Character { found: ' ', .. }));
        assert!(matches!(refused("Buch.geändert"), SourceError::Character { found: 'ä', .. }));
    }

    #[test]
    fn an_action_of_a_resource_is_the_source_that_its_text_is() {
        let updated = ResourceAction::new("bookstore.Book", "updated");
        assert_eq!(EventSource::try_from(updated.for_all()), EventSource::parse("bookstore.Book.updated+"));
        let dotted = EventSource::try_from(ResourceAction::new("Book", "read.twice"));
        assert!(matches!(dotted, Err(SourceError::Character { found: '.', .. })));
    }

    #[test]
    fn a_change_is_found_by_resource_and_action() {
        let mut registry = EventRegistry::default();
        registry.declare_text("book.changed", "bookstore.Book.updated+").unwrap();
        registry.declare_text("user.logged_in", "").unwrap();
        let changed = registry.event_of("bookstore.Book", "updated").unwrap();
        assert_eq!((changed.name.as_str(), changed.audience()), ("book.changed", Audience::All));
        assert!(registry.event_of("bookstore.Book", "created").is_none());
        assert!(registry.event_of("Book", "updated").is_none());
        assert_eq!(registry.get("user.logged_in").map(Declared::audience), Some(Audience::Owner));
        assert_eq!(registry.iter().count(), 2);
    }

    #[test]
    fn two_events_of_one_change_are_an_error_that_names_both() {
        let mut registry = EventRegistry::default();
        registry.declare_text("book.added", "bookstore.Book.created").unwrap();
        let error = registry.declare_text("book.born", "bookstore.Book.created+").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the events book.added and book.born are both declared for bookstore.Book.created; one change is one event, so \
             leave one of them out or give it another action"
        );
        assert!(registry.get("book.born").is_none(), "nothing of it is kept");
        let error = registry.declare_text("book.added", "bookstore.Book.read").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the event book.added is declared twice; leave one of the declarations out"
        );
        assert!(registry.event_of("bookstore.Book", "read").is_none(), "nothing of it is kept");
    }

    #[test]
    fn a_name_that_no_event_can_have_is_told() {
        let error = EventRegistry::default().declare_text("book added", "").unwrap_err();
        assert!(error.to_string().starts_with("the event name \"book added\" has the character ' '"));
    }
}
