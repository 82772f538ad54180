//! The URL that a sender is asked at, with places for what its request said. Whatever stands there cannot change where it leads.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::domain::inbound::{REDACTED, ReceivedRequest, holds_credential};
use crate::domain::json_pointer::JsonPointer;
use crate::domain::redaction::values_at;

/// The longest value that is put in, in bytes.
const VALUE_MAX: usize = 512;

/// A URL with placeholders, such as `https://api.pay.example/users/{query:id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmUrl {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Query(String),
    /// Its name in lower case.
    Header(String),
    Body(JsonPointer),
}

/// A text is no URL that a sender can be asked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmUrlError {
    /// It is no URL of HTTP.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// What a request says would decide who is asked.
    #[error("must not have a placeholder in its host: what a request says must not decide who is asked")]
    Host,
    /// It has a fragment, which is never sent.
    #[error("must not have a fragment (#…)")]
    Fragment,
    /// A brace has no counterpart.
    #[error("has a {{ or }} that is no part of a placeholder such as {{query:id}}")]
    Brace,
    /// There is no such placeholder.
    #[error(
        "has the placeholder {{{found}}}; there are {{query:name}}, {{header:name}} and {{body:/pointer}}"
    )]
    Placeholder {
        /// What stands between the braces.
        found: String,
    },
    /// The header is not kept, and so it is not there when the sender is asked.
    #[error("must not have the header {name}, which holds a credential and is not kept")]
    Credential {
        /// Its name.
        name: String,
    },
}

impl ConfirmUrl {
    /// Reads a URL with placeholders.
    ///
    /// # Errors
    ///
    /// [`ConfirmUrlError`] says what is wrong with it. Whether it may be called is for others to see.
    pub fn parse(text: &str) -> Result<ConfirmUrl, ConfirmUrlError> {
        let after_scheme = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let after_scheme = after_scheme.ok_or(ConfirmUrlError::Scheme)?;
        let authority = after_scheme.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains(['{', '}']) {
            return Err(ConfirmUrlError::Host);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, placeholder) = (&rest[..open], &rest[open + 1..]);
            let close = placeholder.find('}').ok_or(ConfirmUrlError::Brace)?;
            plain(&mut parts, before)?;
            parts.push(placed(&placeholder[..close])?);
            rest = &placeholder[close + 1..];
        }
        plain(&mut parts, rest)?;
        Ok(ConfirmUrl { text: text.to_owned(), parts })
    }

    /// The URL as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL with something in each of its places, to see whether such a URL may be called.
    pub fn example(&self) -> String {
        self.filled(|_| Ok("x".to_owned())).unwrap_or_default()
    }

    /// The places of the body that it reads.
    pub fn pointers(&self) -> impl Iterator<Item = &JsonPointer> {
        self.parts.iter().filter_map(|part| match part {
            Part::Body(pointer) => Some(pointer),
            Part::Text(_) | Part::Query(_) | Part::Header(_) => None,
        })
    }

    /// The parameters of the query that it reads.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Query(name) => Some(name.as_str()),
            Part::Text(_) | Part::Header(_) | Part::Body(_) => None,
        })
    }

    /// The URL to ask at about this request, each value percent-encoded.
    ///
    /// # Errors
    ///
    /// Why it cannot be made, in words: a value is not there, is there more than once, is too long, or would lead elsewhere.
    pub fn about(&self, request: &ReceivedRequest) -> Result<String, String> {
        let url = self.filled(|part| {
            let value = match part {
                Part::Text(text) => text.clone(),
                Part::Query(name) => {
                    let query = request.query.as_deref().unwrap_or_default();
                    let values = form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name);
                    let value = only(values.map(|(_, value)| value.into_owned()), || format!("the query's {name}"))?;
                    if value == REDACTED {
                        return Err(format!("the query's {name} was not kept: it may be a credential, and `confirm` did not name it yet"));
                    }
                    value
                }
                Part::Header(name) => {
                    let values = request.headers.iter().filter(|(found, _)| found == name);
                    only(values.map(|(_, value)| value.clone()), || format!("the header {name}"))?
                }
                Part::Body(pointer) => {
                    let what = || format!("the body's {}", pointer.as_str());
                    let text = |value: &RawValue| in_text(&serde_json::from_str(value.get()).ok()?);
                    // A name that is there twice is refused: whoever reads the body next may take the other value.
                    match values_at(&request.body, pointer).unwrap_or_default().as_slice() {
                        [value] => only(text(value).into_iter(), what)?,
                        values => only(values.iter().map(|_| String::new()), what)?,
                    }
                }
            };
            Ok(value)
        })?;
        if leads_elsewhere(&url) {
            return Err("a value of the request would change the path that is asked at".to_owned());
        }
        Ok(url)
    }

    fn filled(&self, mut value: impl FnMut(&Part) -> Result<String, String>) -> Result<String, String> {
        let mut url = String::with_capacity(self.text.len() + 32);
        for part in &self.parts {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Query(_) | Part::Header(_) | Part::Body(_) => encode(&mut url, &value(part)?),
            }
        }
        Ok(url)
    }
}

fn plain(parts: &mut Vec<Part>, text: &str) -> Result<(), ConfirmUrlError> {
    if text.contains('}') {
        return Err(ConfirmUrlError::Brace);
    }
    if text.contains('#') {
        return Err(ConfirmUrlError::Fragment);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

fn placed(inside: &str) -> Result<Part, ConfirmUrlError> {
    let unknown = || ConfirmUrlError::Placeholder { found: inside.chars().take(40).collect() };
    match inside.split_once(':') {
        Some(("query", name)) if !name.is_empty() => Ok(Part::Query(name.to_owned())),
        Some(("header", name)) if !name.is_empty() => {
            let name = name.to_ascii_lowercase();
            if holds_credential(&name) {
                Err(ConfirmUrlError::Credential { name })
            } else {
                Ok(Part::Header(name))
            }
        }
        Some(("body", pointer)) => JsonPointer::parse(pointer).map(Part::Body).map_err(|_| unknown()),
        _ => Err(unknown()),
    }
}

/// The one value, if it can be asked about: of two it is not known which one others will go by.
fn only(mut values: impl Iterator<Item = String>, what: impl Fn() -> String) -> Result<String, String> {
    match (values.next(), values.next()) {
        (Some(value), None) if value.len() > VALUE_MAX => Err(format!("{} is too long to ask about", what())),
        (Some(value), None) if value == REDACTED => Err(format!("{} is not kept", what())),
        (Some(value), None) if !value.is_empty() => Ok(value),
        (None | Some(_), None) => Err(format!("the request does not have {}", what())),
        (_, Some(_)) => Err(format!("the request has {} more than once", what())),
    }
}

fn in_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Percent-encodes all but what RFC 3986 has as unreserved.
fn encode(url: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

/// Whether a part of the path is one that clients leave out, and the part before it with it.
fn leads_elsewhere(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    let parts = path.split('/').map(|part| part.replace("%2E", ".").replace("%2e", "."));
    parts.skip(3).any(|part| part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MessageId;
    use crate::domain::names::EventTypeName;
    use crate::domain::short_ids::SourceId;
    use crate::domain::time::Timestamp;

    fn request(query: &str, body: &str) -> ReceivedRequest {
        ReceivedRequest {
            source: SourceId::MIN,
            message: MessageId::MIN,
            received_at: Timestamp::from_micros(0),
            method: "POST".to_owned(),
            path: "/in/src_1".to_owned(),
            query: Some(query.to_owned()),
            headers: vec![("x-user".to_owned(), "7".to_owned()), ("x-gone".to_owned(), REDACTED.to_owned())],
            body: body.to_owned().into(),
            event_type: EventTypeName::inbound(),
        }
    }

    #[track_caller]
    fn about(url: &str, query: &str, body: &str) -> Result<String, String> {
        ConfirmUrl::parse(url).unwrap().about(&request(query, body))
    }

    #[test]
    fn values_are_put_in_percent_encoded() {
        let url = "https://a.example/u/{query:id}/{header:X-User}?b={body:/c/d}";
        let filled = about(url, "id=a%2Fb+c%3F%23", r#"{"c":{"d":"é&x=1"}}"#).unwrap();
        assert_eq!(filled, "https://a.example/u/a%2Fb%20c%3F%23/7?b=%C3%A9%26x%3D1");
        assert_eq!(about("https://a.example/{body:/n}", "", r#"{"n":12}"#).unwrap(), "https://a.example/12");
        assert_eq!(ConfirmUrl::parse(url).unwrap().example(), "https://a.example/u/x/x?b=x");
    }

    #[test]
    fn what_is_missing_twice_or_leads_elsewhere_is_not_asked_about() {
        let url = "https://a.example/u/{query:id}/x";
        for (query, why) in [
            ("", "the request does not have the query's id"),
            ("id=", "the request does not have the query's id"),
            ("id=1&id=2", "the request has the query's id more than once"),
            ("id=..", "a value of the request would change the path that is asked at"),
            ("id=.", "a value of the request would change the path that is asked at"),
        ] {
            assert_eq!(about(url, query, "").unwrap_err(), why, "{query}");
        }
        let long = format!("id={}", "x".repeat(VALUE_MAX + 1));
        assert!(about(url, &long, "").unwrap_err().contains("too long"));
        assert!(about("https://a.example/{header:x-gone}", "", "").unwrap_err().contains("not kept"));
        for twice in [r#"{"id":"victim","id":"paid"}"#, r#"{"id":{},"id":"paid"}"#] {
            let refused = about("https://a.example/{body:/id}", "", twice).unwrap_err();
            assert!(refused.contains("the body's /id"), "{refused}");
        }
        assert!(
            about("https://a.example/{body:/a}", "", "{\"a\":{}}").unwrap_err().contains("the body's /a")
        );
        assert!(about("https://a.example/%2e{query:id}", "id=.", "").is_err());
        assert_eq!(about("https://a.example/{query:id}", "id=%252e", "").unwrap(), "https://a.example/%252e");
    }

    #[test]
    fn what_cannot_be_asked_at_is_refused() {
        for (url, error) in [
            ("ftp://a.example/", ConfirmUrlError::Scheme),
            ("{query:url}", ConfirmUrlError::Scheme),
            ("https://{query:host}/", ConfirmUrlError::Host),
            ("https://a.{query:host}.example/", ConfirmUrlError::Host),
            ("https://a.example:{query:port}/", ConfirmUrlError::Host),
            ("https://{query:user}@a.example/", ConfirmUrlError::Host),
            ("https://a.example/{query:id", ConfirmUrlError::Brace),
            ("https://a.example/query:id}", ConfirmUrlError::Brace),
            ("https://a.example/#{query:id}", ConfirmUrlError::Fragment),
            ("https://a.example/{id}", ConfirmUrlError::Placeholder { found: "id".to_owned() }),
            ("https://a.example/{body:id}", ConfirmUrlError::Placeholder { found: "body:id".to_owned() }),
            ("https://a.example/{query:}", ConfirmUrlError::Placeholder { found: "query:".to_owned() }),
            (
                "https://a.example/{header:Authorization}",
                ConfirmUrlError::Credential { name: "authorization".to_owned() },
            ),
        ] {
            assert_eq!(ConfirmUrl::parse(url), Err(error), "{url}");
        }
    }
}
