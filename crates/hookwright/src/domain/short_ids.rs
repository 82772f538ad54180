//! Identifiers of 16 bytes, written as a prefix and 22 base-62 characters: those of sources, and of the requests that they got.
//!
//! The bytes are those that a longer id begins with: its time in steps of 4 ms, and most of its random ones. They rise as it does.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::{ALPHABET, FreshId, ID_BYTES, MessageId, RISING_BYTES, digit};
use crate::domain::time::Timestamp;

/// Length in bytes of every short id.
pub const SHORT_ID_BYTES: usize = RISING_BYTES;
const TEXT_CHARS: usize = 22;

/// A text is not a short id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix} followed by 22 letters and digits")]
pub struct ParseShortIdError {
    /// The prefix that such an id begins with.
    pub prefix: &'static str,
}

macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; SHORT_ID_BYTES]);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;
            /// The lowest id there can be.
            pub const MIN: $name = $name([0; SHORT_ID_BYTES]);
            /// The highest id there can be.
            pub const MAX: $name = $name([0xff; SHORT_ID_BYTES]);

            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; SHORT_ID_BYTES]) -> Self {
                $name(bytes)
            }

            /// The id's 16 bytes; they sort as the ids do.
            pub const fn as_bytes(&self) -> &[u8; SHORT_ID_BYTES] {
                &self.0
            }
        }

        impl From<FreshId> for $name {
            fn from(fresh: FreshId) -> Self {
                $name(shortened(fresh.as_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0);
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseShortIdError;

            fn from_str(text: &str) -> Result<Self, ParseShortIdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| decode(rest.as_bytes()))
                    .map($name)
                    .ok_or(ParseShortIdError { prefix: $prefix })
            }
        }
    };
}

short_id!(
    /// Where inbound webhooks come from, and how they prove it.
    SourceId, "src_"
);
short_id!(
    /// One request to a source, as its log has it.
    InboundId, "log"
);

impl InboundId {
    /// The id of the request that a message was made of.
    pub fn of_message(message: MessageId) -> InboundId {
        InboundId(shortened(message.as_bytes()))
    }

    /// The lowest id that can be made at `time`.
    pub fn first_at(time: Timestamp) -> InboundId {
        InboundId::of_message(MessageId::first_at(time))
    }
}

fn shortened(bytes: &[u8; ID_BYTES]) -> [u8; SHORT_ID_BYTES] {
    let mut short = [0; SHORT_ID_BYTES];
    short.copy_from_slice(&bytes[..RISING_BYTES]);
    short
}

fn encode(bytes: [u8; SHORT_ID_BYTES]) -> [u8; TEXT_CHARS] {
    let mut rest = u128::from_be_bytes(bytes);
    let mut text = [b'0'; TEXT_CHARS];
    for character in text.iter_mut().rev() {
        *character = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text
}

fn decode(text: &[u8]) -> Option<[u8; SHORT_ID_BYTES]> {
    if text.len() != TEXT_CHARS {
        return None;
    }
    let mut value = 0_u128;
    for &character in text {
        value = value.checked_mul(62)?.checked_add(u128::from(digit(character)?))?;
    }
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::IdGenerator;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn text_is_read_back_and_sorts_as_the_bytes_do(one in any::<[u8; 16]>(), other in any::<[u8; 16]>()) {
            let (one, other) = (SourceId::from_bytes(one), SourceId::from_bytes(other));
            prop_assert_eq!(one.to_string().parse::<SourceId>(), Ok(one));
            prop_assert_eq!(one.to_string().cmp(&other.to_string()), one.cmp(&other));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,30}") {
            let _ = text.parse::<InboundId>();
            let parsed = format!("src_{text}").parse::<SourceId>();
            prop_assert!(parsed.is_err() || text.len() == 22);
        }
    }

    #[test]
    fn ids_made_at_once_rise_and_follow_from_their_messages() {
        let generator = IdGenerator::new(3);
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let mut last = InboundId::MIN;
        for _ in 0..1_000 {
            let message: MessageId = generator.next(now).into();
            let id = InboundId::of_message(message);
            assert!(id > last && id >= InboundId::first_at(now));
            last = id;
        }
    }

    #[test]
    fn what_overflows_is_refused() {
        assert!(SourceId::MAX.to_string().parse::<SourceId>().is_ok());
        assert!("src_zzzzzzzzzzzzzzzzzzzzzz".parse::<SourceId>().is_err());
        assert!("log0000000000000000000000".parse::<SourceId>().is_err());
    }
}
