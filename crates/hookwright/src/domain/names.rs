//! The texts that users name things with: uids, event types, channels, tags; each checked once, when it is read.

use std::fmt;
use std::sync::Arc;

/// A text cannot be used as a name of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no character in it.
    #[error("must not be empty")]
    Empty,
    /// It has more characters than fit.
    #[error("must have at most {max} characters, and has {found}")]
    TooLong {
        /// How many characters are allowed.
        max: usize,
        /// How many there are.
        found: usize,
    },
    /// One of its characters is not among those allowed.
    #[error("has the character {found:?}: only letters, digits and any of {allowed} are allowed")]
    Character {
        /// The first character that is not allowed.
        found: char,
        /// The allowed ones beside letters and digits.
        allowed: &'static str,
    },
    /// A wildcard stands where none can.
    #[error("may have a * only as its last whole segment, as in book.*")]
    Wildcard,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, max $max:literal, also $also:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most characters such a name may have.
            pub const MAX_CHARS: usize = $max;

            /// Checks `text`: not empty, at most [`Self::MAX_CHARS`] characters, all of them allowed.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text, $max, $also)?;
                Ok($name(Arc::from(text)))
            }

            /// The name's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// What a product calls an application or endpoint of its own accord; unique among its siblings.
    Uid, max 256, also "-_."
);
name!(
    /// What a product calls a source of its own accord; unique among those of its organisation. It does not begin as our ids do.
    SourceUid, max 60, also "-_"
);
name!(
    /// The name of an event type, such as `book.added`.
    EventTypeName, max 256, also "-_."
);
name!(
    /// What a sender calls a message, so that sending it twice is noticed.
    EventId, max 256, also "-_."
);
name!(
    /// A narrower audience within an application, such as `project_1337`.
    Channel, max 128, also "-_.:+"
);
name!(
    /// A word to find a message by.
    Tag, max 128, also "-_./\\#"
);
name!(
    /// A switch that an application token must hold to see an event type.
    FeatureFlag, max 256, also "-_."
);
name!(
    /// What the owner of a hook calls it; unique among the hooks of one owner for one event.
    HookIdentifier, max 255, also "-_"
);
name!(
    /// What a product calls the session that it makes an application's token for.
    SessionId, max 64, also "@_-"
);

impl EventTypeName {
    /// The event type of what came to a source and does not say what it is.
    pub(crate) fn inbound() -> EventTypeName {
        EventTypeName(Arc::from("inbound"))
    }
}

fn check(text: &str, max: usize, also: &'static str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(found) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !also.contains(*c)) {
        return Err(NameError::Character { found, allowed: also });
    }
    // All characters are ASCII from here on, so bytes count characters.
    if text.len() > max {
        return Err(NameError::TooLong { max, found: text.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_characters() {
        assert!(EventTypeName::parse("book.added-v2_x").is_ok());
        assert!(Channel::parse("project:1+2").is_ok());
        assert!(Tag::parse("a/b\\c#d").is_ok());
        let refused = EventTypeName::parse("book added").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "has the character ' ': only letters, digits and any of -_. are allowed"
        );
        assert!(Uid::parse("büro").is_err());
    }

    #[test]
    fn length_has_both_ends() {
        assert_eq!(Uid::parse(""), Err(NameError::Empty));
        assert!(Uid::parse(&"a".repeat(256)).is_ok());
        assert_eq!(Uid::parse(&"a".repeat(257)), Err(NameError::TooLong { max: 256, found: 257 }));
    }
}
