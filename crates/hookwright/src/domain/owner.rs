//! Owners: whose something is, as the product's own code has it: a number, a UUID, a name.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::domain::names::{NameError, Uid};

/// Whose something is. An owner is the application with this uid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnerId {
    uid: Uid,
    is_number: bool,
}

/// There is no owner where one is needed, or what is there cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// What should name the owner is empty: a user id that is `None`.
    #[error("there is no owner: what should name it is None")]
    Missing,
    /// A resource's type names no owner, and the event is for the owner.
    #[error(
        "{resource} has no owner: name one with #[resource(owner = …)], or declare the event for all applications with a + behind \
         its source"
    )]
    Ownerless {
        /// What events call the type.
        resource: &'static str,
    },
    /// The text cannot be a uid.
    #[error("the owner {text:?} {source}")]
    NoUid {
        /// The text.
        text: String,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
}

impl OwnerId {
    /// The uid of the owner's application.
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The owner in JSON: a number if it came as one, a string otherwise.
    pub(crate) fn json(&self) -> String {
        // Uids are of letters, digits and a few signs that need no escaping.
        if self.is_number { self.uid.as_str().to_owned() } else { format!("\"{}\"", self.uid) }
    }

    fn parse(text: &str, is_number: bool) -> Result<OwnerId, OwnerError> {
        let uid = Uid::parse(text).map_err(|source| OwnerError::NoUid { text: text.to_owned(), source })?;
        Ok(OwnerId { uid, is_number })
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uid.fmt(f)
    }
}

/// What can name an owner: integers, UUIDs, texts that can be a uid, and options of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot name an owner",
    note = "an owner is named by an integer, a UUID, a text, or an `Option` of one of them"
)]
pub trait AsOwner {
    /// The owner that this names. Fails if it names none.
    fn as_owner(&self) -> Result<OwnerId, OwnerError>;
}

macro_rules! numbers {
    ($($number:ty),+) => {
        $(impl AsOwner for $number {
            fn as_owner(&self) -> Result<OwnerId, OwnerError> {
                OwnerId::parse(&self.to_string(), true)
            }
        })+
    };
}

numbers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl AsOwner for str {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        OwnerId::parse(self, false)
    }
}

impl AsOwner for String {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        self.as_str().as_owner()
    }
}

impl AsOwner for Cow<'_, str> {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        (**self).as_owner()
    }
}

impl AsOwner for uuid::Uuid {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        self.hyphenated().to_string().as_owner()
    }
}

impl AsOwner for Uid {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        Ok(OwnerId { uid: self.clone(), is_number: false })
    }
}

impl AsOwner for OwnerId {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        Ok(self.clone())
    }
}

impl<T: AsOwner> AsOwner for Option<T> {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        self.as_ref().ok_or(OwnerError::Missing)?.as_owner()
    }
}

impl<T: AsOwner + ?Sized> AsOwner for &T {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        (**self).as_owner()
    }
}

impl<T: AsOwner + ?Sized> AsOwner for Box<T> {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        (**self).as_owner()
    }
}

impl<T: AsOwner + ?Sized> AsOwner for Arc<T> {
    fn as_owner(&self) -> Result<OwnerId, OwnerError> {
        (**self).as_owner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(owner: impl AsOwner, uid: &str, json: &str) {
        let owner = owner.as_owner().unwrap();
        assert_eq!((owner.uid().as_str(), owner.json().as_str()), (uid, json));
    }

    #[test]
    fn numbers_uuids_and_texts_name_owners() {
        check(42, "42", "42");
        check(-7_i64, "-7", "-7");
        check(
            u128::MAX,
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211455",
        );
        check("tenant-a", "tenant-a", "\"tenant-a\"");
        check(String::from("42"), "42", "\"42\"");
        check(Some(42), "42", "42");
        let uuid = uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        check(uuid, "01234567-89ab-cdef-0123-456789abcdef", "\"01234567-89ab-cdef-0123-456789abcdef\"");
    }

    #[test]
    fn who_is_missing_or_cannot_be_named_is_told() {
        assert_eq!(None::<i64>.as_owner(), Err(OwnerError::Missing));
        let refused = "J. R. R. Tolkien".as_owner().unwrap_err();
        assert!(
            refused.to_string().starts_with("the owner \"J. R. R. Tolkien\" has the character ' '"),
            "{refused}"
        );
        assert!(matches!("".as_owner(), Err(OwnerError::NoUid { source: NameError::Empty, .. })));
    }
}
