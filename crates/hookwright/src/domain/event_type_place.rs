//! Where a source's requests say what happened, and which event type that is.

use serde_json::Value;

use crate::domain::json_pointer::JsonPointer;
use crate::domain::names::{EventTypeName, NameError};

/// Where requests say what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTypePlace {
    /// In this header, its name in lower case.
    Header(String),
    /// At this place of a body of JSON.
    Pointer(JsonPointer),
}

impl EventTypePlace {
    /// What stands there: `header` gives the value of a header.
    pub fn find<'h>(&self, header: impl FnOnce(&str) -> Option<&'h [u8]>, body: &[u8]) -> Option<String> {
        match self {
            EventTypePlace::Header(name) => {
                header(name).map(|value| String::from_utf8_lossy(value).into_owned())
            }
            EventTypePlace::Pointer(pointer) => {
                let body: Value = serde_json::from_slice(body).ok()?;
                match pointer.find(&body)? {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
                }
            }
        }
    }

    /// The place in words.
    pub fn in_words(&self) -> String {
        match self {
            EventTypePlace::Header(name) => format!("the header {name}"),
            EventTypePlace::Pointer(pointer) => format!("{} of the body", pointer.as_str()),
        }
    }
}

/// The event type that a provider's word for an event is: the word itself, but that a slash, as in Shopify's `orders/create`, is a
/// full stop.
///
/// # Errors
///
/// [`NameError`] if it has other characters that names cannot have, or too many.
pub fn event_type_of(word: &str) -> Result<EventTypeName, NameError> {
    if word.contains('/') {
        EventTypeName::parse(&word.replace('/', "."))
    } else {
        EventTypeName::parse(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_a_header_or_in_the_body() {
        let pointer = EventTypePlace::Pointer(JsonPointer::parse("/data/type").unwrap());
        let at = |body: &str| pointer.find(|_| None, body.as_bytes());
        assert_eq!(at(r#"{"data":{"type":"paid"}}"#).as_deref(), Some("paid"));
        assert_eq!(at(r#"{"data":{"type":7}}"#).as_deref(), Some("7"));
        for body in [r#"{"data":{"type":null}}"#, r#"{"data":{"type":{}}}"#, "{}", "no JSON", ""] {
            assert_eq!(at(body), None, "{body}");
        }
        let header = EventTypePlace::Header("x-event".to_owned());
        assert_eq!(
            header.find(|name| (name == "x-event").then_some(&b"push"[..]), b"").as_deref(),
            Some("push")
        );
    }

    #[test]
    fn a_slash_is_a_full_stop_and_nothing_else_is_changed() {
        assert_eq!(event_type_of("orders/create").unwrap().as_str(), "orders.create");
        assert_eq!(event_type_of("meeting.started").unwrap().as_str(), "meeting.started");
        assert!(event_type_of("not a name").is_err());
    }
}
