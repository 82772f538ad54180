//! Parts of a body that are not to be kept: they are taken out of its bytes, and every other byte stays as it came.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::domain::inbound::REDACTED;
use crate::domain::json_pointer::JsonPointer;

/// What a value of JSON becomes.
const REDACTED_JSON: &str = "\"[redacted]\"";
/// What a form's value becomes.
const REDACTED_FORM: &str = "%5Bredacted%5D";
/// The content type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A body in which what is to be redacted cannot be found: it is neither JSON nor a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// The body without the values at these places: each becomes the text `[redacted]`. `None` if it has none of them.
///
/// A place in JSON is every value that it leads to, also where an object has a name twice. Of a form, a place of one name is that
/// field.
///
/// # Errors
///
/// [`Unreadable`] if the body is neither JSON nor, by its content type, a form.
pub fn redacted(
    body: &[u8],
    content_type: Option<&str>,
    places: &[JsonPointer],
) -> Result<Option<Vec<u8>>, Unreadable> {
    // JSON is JSON whatever it is called: who calls can mostly choose the content type, which few providers sign.
    let (mut found, by) = match (in_json(body, places), content_type) {
        (Ok(found), _) => (found, REDACTED_JSON),
        (Err(Unreadable), Some(given)) if is_form(given) => (in_form(body, places), REDACTED_FORM),
        (Err(unreadable), _) => return Err(unreadable),
    };
    if found.is_empty() {
        return Ok(None);
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut kept = Vec::with_capacity(body.len());
    let mut at = 0;
    for range in found {
        // What is within another is gone with that.
        if range.start >= at {
            kept.extend_from_slice(&body[at..range.start]);
            kept.extend_from_slice(by.as_bytes());
            at = range.end;
        }
    }
    kept.extend_from_slice(&body[at..]);
    Ok(Some(kept))
}

fn is_form(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

/// Where the values of these fields are.
fn in_form(body: &[u8], places: &[JsonPointer]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for pair in body.split(|byte| *byte == b'&') {
        if let Some(equals) = pair.iter().position(|byte| *byte == b'=') {
            let name =
                form_urlencoded::parse(&pair[..equals]).next().map(|(name, _)| name).unwrap_or_default();
            if places.iter().any(|place| matches!(place.tokens(), [only] if *only == name)) {
                found.push(at + equals + 1..at + pair.len());
            }
        }
        at += pair.len() + 1;
    }
    found
}

/// Where the values at these places are.
fn in_json(body: &[u8], places: &[JsonPointer]) -> Result<Vec<Range<usize>>, Unreadable> {
    let whole: &RawValue = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let mut found = Vec::new();
    for place in places {
        collect(whole, place.tokens(), &mut found)?;
    }
    // Each value is a slice of the body.
    let start = |value: &RawValue| (value.get().as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
    Ok(found.into_iter().map(|value| start(value)..start(value) + value.get().len()).collect())
}

/// Every value at this place of a body of JSON: several where an object on the way has a name twice.
///
/// # Errors
///
/// [`Unreadable`] if the body is no JSON.
pub fn values_at<'b>(body: &'b [u8], place: &JsonPointer) -> Result<Vec<&'b RawValue>, Unreadable> {
    let whole: &RawValue = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let mut found = Vec::new();
    collect(whole, place.tokens(), &mut found)?;
    Ok(found)
}

/// Walks one step down for each token: so it goes no deeper than the pointer is long.
fn collect<'b>(
    value: &'b RawValue,
    tokens: &[String],
    found: &mut Vec<&'b RawValue>,
) -> Result<(), Unreadable> {
    let Some((token, rest)) = tokens.split_first() else {
        found.push(value);
        return Ok(());
    };
    let mut reader = serde_json::Deserializer::from_str(value.get());
    for child in Children(token).deserialize(&mut reader).map_err(|_| Unreadable)? {
        collect(child, rest, found)?;
    }
    Ok(())
}

/// Reads the values of this name in an object, or the one of this number in a list.
struct Children<'t>(&'t str);

impl<'de> DeserializeSeed<'de> for Children<'_> {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Children<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = map.next_key::<Name<'_>>()? {
            if name.0 == self.0 {
                found.push(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        let mut index = 0_usize;
        while let Some(item) = list.next_element::<&RawValue>()? {
            if self.0 == index.to_string() {
                found.push(item);
            }
            index += 1;
        }
        Ok(found)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

/// A name in an object; borrowed where it can be.
#[derive(serde::Deserialize)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

/// What is kept of the body of a refused request of which parts are not to be kept.
pub fn redacted_or_nothing<'b>(
    body: &'b [u8],
    content_type: Option<&str>,
    places: &[JsonPointer],
) -> Cow<'b, [u8]> {
    if places.is_empty() || body.is_empty() {
        return Cow::Borrowed(body);
    }
    match redacted(body, content_type, places) {
        Ok(None) => Cow::Borrowed(body),
        Ok(Some(kept)) => Cow::Owned(kept),
        Err(Unreadable) => Cow::Borrowed(REDACTED.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(texts: &[&str]) -> Vec<JsonPointer> {
        texts.iter().map(|text| JsonPointer::parse(text).unwrap()).collect()
    }

    #[track_caller]
    fn check(body: &str, at: &[&str], expected: Option<&str>) {
        let kept = redacted(body.as_bytes(), None, &places(at)).unwrap();
        assert_eq!(kept.as_deref().map(|kept| std::str::from_utf8(kept).unwrap()), expected);
    }

    #[test]
    fn a_value_is_taken_out_and_every_other_byte_stays() {
        check(
            "{ \"b\":1.0,\"card\" : {\"number\":\t\"4242\" ,\"n\":1e3}}\n",
            &["/card/number"],
            Some("{ \"b\":1.0,\"card\" : {\"number\":\t\"[redacted]\" ,\"n\":1e3}}\n"),
        );
        check(r#"{"card":{"number":[1,{}]},"a":2}"#, &["/card"], Some(r#"{"card":"[redacted]","a":2}"#));
        check(r#"{"l":[{"n":1},{"n":2}]}"#, &["/l/1/n"], Some(r#"{"l":[{"n":1},{"n":"[redacted]"}]}"#));
        check(r#"{"a":{"b":1}}"#, &["/a/b", "/a"], Some(r#"{"a":"[redacted]"}"#));
        for body in [r#"{"a":1}"#, "[1]", "7", "\"card\"", "null", "true", "-1.5"] {
            check(body, &["/card/number"], None);
        }
    }

    #[test]
    fn a_name_is_found_however_it_is_written_and_as_often_as_it_is_there() {
        check(
            r#"{"pin":1,"p\u0069n":2,"pin":3}"#,
            &["/pin"],
            Some(r#"{"pin":"[redacted]","p\u0069n":"[redacted]","pin":"[redacted]"}"#),
        );
        check(r#"{"a/b":{"~":1}}"#, &["/a~1b/~0"], Some(r#"{"a/b":{"~":"[redacted]"}}"#));
    }

    #[test]
    fn fields_of_forms_are_found_by_their_names() {
        let kept = redacted(
            b"a=1&card%5Fnumber=42&b&card_number=43&c=",
            Some("application/x-www-form-urlencoded; charset=utf-8"),
            &places(&["/card_number", "/b", "/c/d"]),
        );
        let expected = "a=1&card%5Fnumber=%5Bredacted%5D&b&card_number=%5Bredacted%5D&c=";
        assert_eq!(kept.unwrap().unwrap(), expected.as_bytes());
    }

    #[test]
    fn what_is_neither_is_told_and_of_what_is_refused_nothing_is_kept_then() {
        let at = places(&["/a"]);
        for body in ["a=1", "{\"a\":1", "{\"a\":1} x", ""] {
            assert_eq!(redacted(body.as_bytes(), None, &at), Err(Unreadable), "{body}");
        }
        assert_eq!(redacted_or_nothing(b"{\"a\":1", None, &at).as_ref(), b"[redacted]");
        assert_eq!(redacted_or_nothing(b"{\"a\":1", None, &[]).as_ref(), b"{\"a\":1");
        assert_eq!(redacted_or_nothing(b"{\"a\":1}", None, &at).as_ref(), b"{\"a\":\"[redacted]\"}");
    }
}
