//! What is wrong with a JSON body that cannot be read: where it is, and why, in words that are not Rust's.

use std::borrow::Cow;
use std::str::Utf8Error;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::api::error::{ApiError, FieldError};
use crate::nearest::nearest;

/// The body is not UTF-8.
pub(super) fn not_utf8(error: &Utf8Error) -> ApiError {
    let msg = format!("The body is not UTF-8: byte {} begins no character.", error.valid_up_to());
    ApiError::field(["body"], msg, "json_invalid")
}

/// The body is not a JSON object, or not JSON at all.
pub(super) fn not_an_object(text: &str) -> ApiError {
    let is_array = text.trim_ascii_start().starts_with('[');
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) if !is_array => not_json(text, &error),
        _ => ApiError::field(["body"], "The body must be a JSON object.", "type_error"),
    }
}

/// The body could not be parsed because of `error`. It is parsed again, this time keeping track of where in it we are.
pub(super) fn located<'a, T: Deserialize<'a>>(text: &'a str, error: &serde_json::Error) -> ApiError {
    let msg = error.to_string();
    let is_half = msg.starts_with(LONE_SURROGATE) || msg.starts_with(HALF_ESCAPE);
    if error.classify() != Category::Data && !is_half {
        return not_json(text, error);
    }
    let mut loc = vec![Cow::Borrowed("body")];
    let mut reader = serde_json::Deserializer::from_str(text);
    if let Err(tracked) = serde_path_to_error::deserialize::<_, T>(&mut reader) {
        loc.extend(tracked.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string().into()),
            Segment::Map { key } => Some(key.clone().into()),
            Segment::Enum { variant } => Some(variant.clone().into()),
            Segment::Unknown => None,
        }));
    }
    if is_half {
        let field = last_name(&loc);
        let msg = format!(
            "{field} has half of a surrogate pair, such as \\ud83d, which stands for no character; write both halves, or the \
             character itself."
        );
        return ApiError::invalid(vec![FieldError { loc, msg, kind: "json_invalid" }]);
    }
    for (beginning, kind, what) in
        [("missing field `", "missing", "is required"), ("duplicate field `", "duplicate", "is given twice")]
    {
        let Some(name) = msg.strip_prefix(beginning).and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        if loc.last().is_none_or(|last| last != name) {
            loc.push(name.to_owned().into());
        }
        return ApiError::invalid(vec![FieldError { loc, msg: format!("{name} {what}."), kind }]);
    }
    if let Some((name, known)) = unknown_field(&msg) {
        if loc.last().is_some_and(|last| last == name) {
            loc.pop();
        }
        let whole = if loc.len() > 1 { last_name(&loc) } else { "the body".to_owned() };
        let name: String = name.chars().take(NAME_MAX).collect();
        let meant = nearest(&name, known.into_iter()).map(|known| format!(" Did you mean {known}?"));
        let msg = format!("{name} is no field of {whole}.{}", meant.unwrap_or_default());
        loc.push(name.into());
        return ApiError::invalid(vec![FieldError { loc, msg, kind: "extra_forbidden" }]);
    }
    let field = last_name(&loc);
    let place = format!("line {}, column {}", error.line(), error.column());
    let msg = match expected(&msg) {
        Some((found, wanted)) => format!("{field} must be {wanted}, and is {found} ({place})."),
        None => format!("{field} cannot be used ({place})."),
    };
    ApiError::invalid(vec![FieldError { loc, msg, kind: "type_error" }])
}

/// How serde_json's message about one half of a surrogate pair begins (RFC 8259, section 8.2).
const LONE_SURROGATE: &str = "lone leading surrogate in hex escape";
/// The same, if something else than the second half follows.
const HALF_ESCAPE: &str = "unexpected end of hex escape";

/// How much is repeated of a name that is no field's, in characters.
const NAME_MAX: usize = 100;

fn not_json(text: &str, error: &serde_json::Error) -> ApiError {
    let msg = match error.classify() {
        _ if text.is_empty() => "The request needs a JSON body.".to_owned(),
        Category::Eof => "The body ends in the middle of its JSON.".to_owned(),
        _ => format!(
            "The body is not JSON: it cannot be read at line {} column {}.",
            error.line(),
            error.column()
        ),
    };
    ApiError::field(["body"], msg, "json_invalid")
}

/// What to call the place: the innermost field's name, with what is in it.
fn last_name(loc: &[Cow<'static, str>]) -> String {
    match loc {
        [_, rest @ ..] if !rest.is_empty() => rest.join("."),
        _ => "The body".to_owned(),
    }
}

/// The field that a body has and must not have, and those it may have, of a message such as
/// "unknown field `x`, expected one of `a`, `b` at line 1 column 2".
fn unknown_field(msg: &str) -> Option<(&str, Vec<String>)> {
    // The name is whatever the caller wrote, and what serde writes behind it has the last words like these.
    let (name, known) = msg.strip_prefix("unknown field `")?.rsplit_once("`, expected ")?;
    Some((name, known.split('`').skip(1).step_by(2).map(str::to_owned).collect()))
}

/// What was found and what was wanted, in words, of a message such as `invalid type: map, expected u16 at line 1 column 2`.
fn expected(msg: &str) -> Option<(String, Cow<'static, str>)> {
    let rest = msg.strip_prefix("invalid type: ").or_else(|| msg.strip_prefix("invalid value: "))?;
    let (found, wanted) = rest.rsplit_once(", expected ")?;
    let wanted = wanted.rsplit_once(" at line ").map_or(wanted, |(wanted, _)| wanted);
    let wanted: Cow<'static, str> = match wanted {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" => "a whole number from 0 to 4294967295".into(),
        "i64" => "a whole number".into(),
        "a map" => "an object".into(),
        "a sequence" => "an array".into(),
        "a boolean" => "true or false".into(),
        wanted if wanted.starts_with("struct ") => "an object".into(),
        wanted => wanted.to_owned().into(),
    };
    // What was found is told as its kind alone: the value itself may be a secret in the wrong place.
    let kind = found.split(' ').next().unwrap_or_default();
    let found = match kind {
        "map" => "an object",
        "sequence" => "an array",
        "string" => "a string",
        "boolean" => "true or false",
        "null" => "null",
        "integer" => "another whole number",
        "floating" => "a number with a fraction",
        _ => "something else",
    };
    let found = match (found, wanted.starts_with("a whole number")) {
        ("another whole number", false) => "a number",
        (found, _) => found,
    };
    Some((found.to_owned(), wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_expected_is_said_without_the_names_of_rust() {
        let of = |msg| expected(msg).map(|(found, wanted)| format!("{wanted}, and is {found}"));
        for (msg, said) in [
            (
                "invalid type: integer `5`, expected struct MessageIn at line 1 column 2",
                "an object, and is a number",
            ),
            (
                "invalid value: integer `70000`, expected u16 at line 1 column 2",
                "a whole number from 0 to 65535, and is another whole number",
            ),
            (
                "invalid type: string \"x, expected y\", expected a map at line 1 column 2",
                "an object, and is a string",
            ),
        ] {
            assert_eq!(of(msg).as_deref(), Some(said), "{msg}");
        }
        assert_eq!(of("something else"), None);
    }
}
