//! Reads single values out of a body without building the rest of it in memory.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::Refused;
use super::request::{Inbound, header};
use super::scheme::Find;

/// The longest id or type that is taken over, in bytes.
const MAX_BYTES: usize = 256;

/// What the row says where to find, if it is there and not too long.
///
/// # Errors
///
/// A header that is there twice or is no line of visible ASCII: who sent it did not mean it well.
pub(super) fn find(request: &Inbound<'_>, place: &Find) -> Result<Option<String>, Refused> {
    let found = match place {
        Find::Nowhere => None,
        Find::Header(name) => match request.header(name) {
            Ok(value) => Some(visible(value).ok_or_else(|| Refused::Malformed { place: header(name) })?),
            Err(Refused::Missing { .. }) => None,
            Err(refused) => return Err(refused),
        },
        Find::Body(pointers) => pointers.iter().find_map(|pointer| text_at(request.body, pointer)),
    };
    Ok(found.filter(|text| (1..=MAX_BYTES).contains(&text.len()) && !text.contains(char::is_control)))
}

fn visible(value: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    value.iter().all(allowed).then(|| value.iter().map(|byte| char::from(*byte)).collect())
}

/// The text or whole number at the end of this path of names, if the body is JSON. Of equal names the last
/// counts, as in most readers.
pub(super) fn text_at(body: &[u8], path: &[&str]) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let found = Path(path).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found
}

struct Path<'p>(&'p [&'p str]);

impl<'de> DeserializeSeed<'de> for Path<'_> {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Path<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match self.0.split_first() {
                Some((wanted, rest)) if *wanted == name => found = map.next_value_seed(Path(rest))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
