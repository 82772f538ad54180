//! What is signed, as a text with holes: `v0:{time}:{body}`.

use super::request::Headers;

/// The text between the holes, and the holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Time,
    Method,
    Url,
    Header(String),
}

/// What the holes are filled with.
#[derive(Clone, Copy)]
pub(super) struct Filling<'a> {
    pub(super) body: &'a [u8],
    /// The timestamp as it was written.
    pub(super) time: &'a [u8],
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: &'a dyn Headers,
}

/// The longest template that an operator may write, in bytes.
const MAX_BYTES: usize = 1024;

impl Template {
    /// Reads a template of ours, with all holes.
    pub(super) fn of_row(text: &str) -> Result<Self, String> {
        Self::parse(text, true)
    }

    /// Reads an operator's template: holes are `{body}`, which must be there, and `{header:name}`.
    pub(super) fn of_operator(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        let template = Self::parse(text, false)?;
        let is_hole = |part: &Part| !matches!(part, Part::Text(_));
        if template.0.windows(2).any(|two| two.iter().all(is_hole)) {
            return Err("has two holes side by side, so that what is signed could be moved from one to the other: put something between them".to_owned());
        }
        if template.0.contains(&Part::Body) {
            Ok(template)
        } else {
            Err("does not contain {body}, so that any body would be accepted".to_owned())
        }
    }

    fn parse(text: &str, ours: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (hole, after) = after.split_once('}').ok_or("has a { without its }")?;
            parts.push(match hole {
                "body" => Part::Body,
                "time" if ours => Part::Time,
                "method" if ours => Part::Method,
                "url" if ours => Part::Url,
                _ => match hole.strip_prefix("header:") {
                    Some(name) if is_header_name(name) => Part::Header(name.to_ascii_lowercase()),
                    Some(_) => return Err("has a {header:…} that names no header".to_owned()),
                    None => return Err("has a hole that is neither {body} nor {header:name}".to_owned()),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The headers that are signed.
    pub(super) fn headers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Header(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether the URL is signed.
    pub(super) fn has_url(&self) -> bool {
        self.0.contains(&Part::Url)
    }

    /// The parts to sign, in order. A header that is absent counts as empty: callers have looked before.
    pub(super) fn fill<'a>(&'a self, with: Filling<'a>) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().map(move |part| match part {
            Part::Text(text) => text.as_bytes(),
            Part::Body => with.body,
            Part::Time => with.time,
            Part::Method => with.method.as_bytes(),
            Part::Url => with.url.as_bytes(),
            Part::Header(name) => with.headers.nth(name, 0).unwrap_or_default(),
        })
    }
}

/// Whether this can be the name of a header (RFC 9110 section 5.6.2, `token`).
pub(super) fn is_header_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, headers: &[(&str, &str)]) -> String {
        let headers = headers.to_vec();
        let filling =
            Filling { body: b"BODY", time: b"17", method: "POST", url: "https://a/", headers: &headers };
        let template = Template::of_row(template).unwrap();
        String::from_utf8(template.fill(filling).collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn holes_are_filled_in_order() {
        assert_eq!(filled("{body}", &[]), "BODY");
        assert_eq!(filled("v0:{time}:{body}", &[]), "v0:17:BODY");
        assert_eq!(filled("{method}{url}{body}{time}", &[]), "POSThttps://a/BODY17");
        assert_eq!(filled("{header:X-Stamp}.{body}!", &[("x-stamp", "now")]), "now.BODY!");
    }

    #[test]
    fn an_operator_is_told_what_is_wrong() {
        for (text, word) in [
            ("", "{body}"),
            ("{header:x}", "{body}"),
            ("{body", "without its }"),
            ("{boby}", "neither"),
            ("{time}{body}", "neither"),
            ("{header:}{body}", "names no header"),
            ("{header:a b}{body}", "names no header"),
        ] {
            assert!(Template::of_operator(text).unwrap_err().contains(word), "{text:?}");
        }
        assert!(Template::of_operator(&format!("{{body}}{}", "x".repeat(MAX_BYTES))).is_err());
        assert!(Template::of_operator("{header:x-stamp}.{body}").is_ok());
    }
}
