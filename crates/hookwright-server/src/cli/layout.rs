//! Lays out JSON without changing it: order, numbers and strings stay as they were sent.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// More of a payload is not shown to people.
const SHOWN_BYTES: usize = 4 * 1024;

/// A payload for people: JSON is indented, the rest is shown as it is, both without anything a terminal would obey;
/// what is too long is cut, and said to be.
pub(super) fn for_people(payload: &[u8]) -> String {
    let cut = payload.len().min(SHOWN_BYTES);
    let mut shown = match json(payload) {
        // Only the beginning is laid out, which may end anywhere.
        Some(_) => indented(&String::from_utf8_lossy(&payload[..cut])),
        None => String::from_utf8_lossy(&payload[..cut]).into_owned(),
    };
    if cut < payload.len() {
        shown.push_str(&format!("\n… and {} bytes more", payload.len() - cut));
    }
    shown
}

/// The payload on one line, if it is JSON.
pub(super) fn on_one_line(payload: &[u8]) -> Option<String> {
    let mut line = String::with_capacity(payload.len());
    walk(json(payload)?, |character, in_string| {
        if in_string || !character.is_ascii_whitespace() {
            line.push(character);
        }
    });
    Some(line)
}

/// The payload as text, if it is one JSON document.
fn json(payload: &[u8]) -> Option<&str> {
    serde_json::from_slice::<IgnoredAny>(payload).ok()?;
    std::str::from_utf8(payload).ok()
}

fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut opened = false;
    walk(json, |character, in_string| {
        if in_string {
            line_if(&mut opened, &mut out, depth);
            out.push(character);
            return;
        }
        match character {
            '{' | '[' => {
                line_if(&mut opened, &mut out, depth);
                out.push(character);
                depth += 1;
                opened = true;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                // What is empty stays on one line.
                if !std::mem::take(&mut opened) {
                    new_line(&mut out, depth);
                }
                out.push(character);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            character if character.is_ascii_whitespace() => {}
            character => {
                line_if(&mut opened, &mut out, depth);
                out.push(character);
            }
        }
    });
    out
}

fn line_if(opened: &mut bool, out: &mut String, depth: usize) {
    if std::mem::take(opened) {
        new_line(out, depth);
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// Gives every character, and whether it belongs to a string; the quotes do.
fn walk(json: &str, mut each: impl FnMut(char, bool)) {
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        let quote = character == '"' && !escaped;
        each(character, in_string || quote);
        escaped = in_string && character == '\\' && !escaped;
        in_string ^= quote;
    }
}

/// The lines of a shown payload, ready for a terminal.
pub(super) fn lines(shown: &str) -> impl Iterator<Item = Cow<'_, str>> {
    shown.split('\n').map(super::escape::for_terminal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_and_nothing_else_changes() {
        let payload = br#"{"b":[1,{}, []],"a":"x, {\"y\"}: \\","n":12345678901234567890123.10}"#;
        let expected = "{\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n  \"a\": \"x, {\\\"y\\\"}: \\\\\",\n  \"n\": 12345678901234567890123.10\n}";
        assert_eq!(for_people(payload), expected);
        let line = on_one_line(for_people(payload).as_bytes()).unwrap();
        assert_eq!(line, r#"{"b":[1,{},[]],"a":"x, {\"y\"}: \\","n":12345678901234567890123.10}"#);
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is_and_long_things_are_cut() {
        assert_eq!(for_people(b"a=1&b={"), "a=1&b={");
        assert_eq!(on_one_line(b"{\"a\":1} {"), None);
        let long = format!("\"{}\"", "é".repeat(SHOWN_BYTES));
        let shown = for_people(long.as_bytes());
        assert!(shown.ends_with("bytes more") && shown.len() < SHOWN_BYTES + 100);
    }
}
