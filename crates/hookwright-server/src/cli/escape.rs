//! Makes text from elsewhere harmless for a terminal: it shows as text, and commands nothing.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces what a terminal would obey or what would reorder the line: control characters, bidirectional controls and
/// line separators become escapes as in JSON.
pub(crate) fn for_terminal(text: &str) -> Cow<'_, str> {
    replace(text, |character| is_harmful(character) || character == '\n')
}

/// The same for a cell between tabs, in a way that can be undone: what would end the cell or the line, and the backslash
/// itself, become `\\t`, `\\n`, `\\r` and `\\\\`.
pub(super) fn for_tsv(text: &str) -> Cow<'_, str> {
    if !text.contains(|character| is_harmful(character) || matches!(character, '\n' | '\\')) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('\\', "\\\\").replace('\t', "\\t").replace('\r', "\\r");
    Cow::Owned(for_terminal(&text).into_owned())
}

/// The same for a JSON document, where such characters are in strings alone, and line feeds are layout.
pub(super) fn for_json(document: &str) -> Cow<'_, str> {
    replace(document, |character| is_harmful(character) && !matches!(character, '\r' | '\t'))
}

fn replace(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&wanted) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' if wanted('\n') => escaped.push_str("\\n"),
            // All that is replaced is in the basic plane, so that four digits are enough.
            character if wanted(character) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn is_harmful(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(for_terminal("\x1b[2J\x07a\r\nb\u{9b}c"), "\\u001b[2J\\u0007a\\u000d\\nb\\u009bc");
        assert_eq!(for_terminal("a\u{202e}b"), "a\\u202eb");
        assert_eq!(for_terminal("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }

    #[test]
    fn a_cell_stays_in_its_cell_and_can_be_read_back() {
        assert_eq!(for_tsv("a\tb\nc\r\\n\x1b"), "a\\tb\\nc\\r\\\\n\\u001b");
        assert_eq!(for_tsv("plain, 世界"), "plain, 世界");
    }

    #[test]
    fn a_json_document_stays_the_same_document() {
        let document = "{\n\t\"a\": \"x\u{9b}\u{202e}\"\n}";
        let escaped = for_json(document);
        assert!(!escaped.contains('\u{9b}'));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&escaped), parse(document));
    }
}
