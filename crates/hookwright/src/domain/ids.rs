//! Identifiers: a prefix and 27 base-62 characters that sort by time (KSUID with 4 ms steps).
//!
//! The 20 bytes are: seconds since 1,400,000,000 (4 bytes, big endian), the second's fraction in steps of 4 ms
//! (1 byte), 15 random bytes. This is the `KsuidMs` layout that users of Svix know; see
//! <https://github.com/segmentio/ksuid> for the base form and its text encoding.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use crate::domain::time::Timestamp;

/// Length in bytes of every id.
pub const ID_BYTES: usize = 20;
/// So many bytes at the beginning of an id differ from those of any other made on this node, and rise: shorter ids are made of
/// them.
pub(super) const RISING_BYTES: usize = 16;
const TEXT_CHARS: usize = 27;
const EPOCH_SECONDS: i64 = 1_400_000_000;
const MICROS_PER_STEP: i64 = 4_000;
/// The digits of base 62, which sort as their values do.
pub(super) const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A text is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix} followed by 27 letters and digits")]
pub struct ParseIdError {
    /// The prefix that such an id begins with.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; ID_BYTES]);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;
            /// The lowest id there can be.
            pub const MIN: $name = $name([0; ID_BYTES]);
            /// The highest id there can be.
            pub const MAX: $name = $name([0xff; ID_BYTES]);

            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
                $name(bytes)
            }

            /// The id's 20 bytes; they sort as the ids do.
            pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
                &self.0
            }

            /// The lowest id that can be made at `time`: all ids made before it are lower.
            pub fn first_at(time: Timestamp) -> Self {
                $name(head_at(time, [0; 15]))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(&self.0);
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
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| decode(rest.as_bytes()))
                    .map($name)
                    .ok_or(ParseIdError { prefix: $prefix })
            }
        }

        impl From<FreshId> for $name {
            fn from(fresh: FreshId) -> Self {
                $name(fresh.0)
            }
        }
    };
}

id!(
    /// One product on this server: owns applications and event types.
    OrganisationId, "org_"
);
id!(
    /// One customer of the product.
    ApplicationId, "app_"
);
id!(
    /// A URL that wants some event types of one application.
    EndpointId, "ep_"
);
id!(
    /// One thing that happened. Also the `webhook-id` of each of its attempts.
    MessageId, "msg_"
);
id!(
    /// One HTTP request of a delivery.
    AttemptId, "atmpt_"
);
id!(
    /// One access token (its name, not its secret).
    TokenId, "tok_"
);
id!(
    /// One background task.
    TaskId, "qtask_"
);
id!(
    /// One event for all applications that want it.
    BroadcastId, "bcast_"
);

/// An id that was never given out before; becomes any kind of id with `into()`.
#[derive(Debug, Clone, Copy)]
pub struct FreshId([u8; ID_BYTES]);

impl FreshId {
    /// The id's bytes, whatever it is to become.
    pub(super) const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

/// Makes ids that rise strictly in the order they are made on this node.
#[derive(Debug)]
pub struct IdGenerator {
    state: Mutex<GeneratorState>,
}

#[derive(Debug)]
struct GeneratorState {
    last: [u8; ID_BYTES],
    random: fastrand::Rng,
}

impl IdGenerator {
    /// A generator whose random part starts from `seed`; two nodes must not share one.
    pub fn new(seed: u64) -> IdGenerator {
        let state = GeneratorState { last: [0; ID_BYTES], random: fastrand::Rng::with_seed(seed) };
        IdGenerator { state: Mutex::new(state) }
    }

    /// The next id, made at `now`. Should the clock have gone back, the id still rises.
    pub fn next(&self, now: Timestamp) -> FreshId {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tail = [0; 15];
        state.random.fill(&mut tail);
        let mut id = head_at(now, tail);
        if id[..RISING_BYTES] <= state.last[..RISING_BYTES] {
            id[..RISING_BYTES].copy_from_slice(&successor(state.last)[..RISING_BYTES]);
        }
        state.last = id;
        FreshId(id)
    }
}

impl MessageId {
    /// When it was made, in whole seconds of the ids' own count: for how far apart two messages are.
    pub(crate) fn made_at_seconds(&self) -> u32 {
        let [first, second, third, fourth, ..] = self.0;
        u32::from_be_bytes([first, second, third, fourth])
    }

    /// The beginning of the second it was made in.
    #[cfg(feature = "postgres")]
    pub(crate) fn made_at(&self) -> Timestamp {
        Timestamp::from_micros((EPOCH_SECONDS + i64::from(self.made_at_seconds())) * 1_000_000)
    }
}

fn head_at(time: Timestamp, tail: [u8; 15]) -> [u8; ID_BYTES] {
    let seconds = (time.as_seconds() - EPOCH_SECONDS).clamp(0, i64::from(u32::MAX));
    let step = time.as_micros().rem_euclid(1_000_000) / MICROS_PER_STEP;
    let mut id = [0; ID_BYTES];
    id[..4].copy_from_slice(&u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes());
    id[4] = u8::try_from(step).unwrap_or(u8::MAX);
    id[5..].copy_from_slice(&tail);
    id
}

fn successor(mut id: [u8; ID_BYTES]) -> [u8; ID_BYTES] {
    for byte in id[..RISING_BYTES].iter_mut().rev() {
        let (next, overflowed) = byte.overflowing_add(1);
        *byte = next;
        if !overflowed {
            break;
        }
    }
    id
}

/// 62^5, the largest power of 62 that fits a 32-bit word: five digits come out of one long division.
const FIVE_DIGITS: u64 = 62 * 62 * 62 * 62 * 62;

fn encode(bytes: &[u8; ID_BYTES]) -> [u8; TEXT_CHARS] {
    let mut words = [0u32; 5];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    let mut text = [b'0'; TEXT_CHARS];
    let mut end = TEXT_CHARS;
    while end > 0 {
        let mut rest = 0u64;
        for word in &mut words {
            let value = (rest << 32) | u64::from(*word);
            *word = (value / FIVE_DIGITS) as u32;
            rest = value % FIVE_DIGITS;
        }
        for _ in 0..end.min(5) {
            end -= 1;
            text[end] = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
    }
    text
}

fn decode(text: &[u8]) -> Option<[u8; ID_BYTES]> {
    if text.len() != TEXT_CHARS {
        return None;
    }
    let mut words = [0u32; 5];
    for &character in text {
        let mut carry = u64::from(digit(character)?);
        for word in words.iter_mut().rev() {
            let value = u64::from(*word) * 62 + carry;
            *word = value as u32;
            carry = value >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bytes = [0; ID_BYTES];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_be_bytes());
    }
    Some(bytes)
}

/// The value of a digit of [`ALPHABET`].
pub(super) fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'A'..=b'Z' => Some(character - b'A' + 10),
        b'a'..=b'z' => Some(character - b'a' + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use svix_ksuid::KsuidLike;

    proptest! {
        #[test]
        fn text_is_what_the_reference_library_writes_and_reads(bytes in any::<[u8; 20]>()) {
            let id = MessageId::from_bytes(bytes);
            let reference = svix_ksuid::KsuidMs::from_bytes(bytes);
            prop_assert_eq!(id.to_string(), format!("msg_{reference}"));
            prop_assert_eq!(id.to_string().parse::<MessageId>(), Ok(id));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in ".{0,40}") {
            let _ = text.parse::<MessageId>();
            let _ = format!("msg_{text}").parse::<MessageId>();
        }

        #[test]
        fn ids_rise_whatever_the_clock_does(times in proptest::collection::vec(any::<i64>(), 1..50)) {
            let generator = IdGenerator::new(7);
            let mut last = MessageId::MIN;
            for time in times {
                let id: MessageId = generator.next(Timestamp::from_micros(time)).into();
                prop_assert!(id > last);
                last = id;
            }
        }
    }

    #[test]
    fn the_highest_text_that_overflows_is_refused() {
        assert_eq!(MessageId::MAX.to_string(), "msg_aWgEPTl1tmebfsQzFP4bxwgy80V");
        assert!("msg_aWgEPTl1tmebfsQzFP4bxwgy80W".parse::<MessageId>().is_err());
        assert!("msg_zzzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<MessageId>().is_err());
        assert!("app_aWgEPTl1tmebfsQzFP4bxwgy80V".parse::<MessageId>().is_err());
    }

    #[test]
    fn the_first_id_of_a_time_is_below_what_is_made_then() {
        let time = Timestamp::from_micros(1_700_000_000_123_456);
        let id: MessageId = IdGenerator::new(1).next(time).into();
        assert!(MessageId::first_at(time) <= id);
        assert!(MessageId::first_at(Timestamp::from_micros(1_700_000_000_128_000)) > id);
    }
}
