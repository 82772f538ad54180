//! Makes text from outside safe to look at: no hidden characters, no way to turn a line round, no end of length.
//!
//! That it cannot become markup is the templates' work, which escape everything; this is about what the eye sees.

use std::fmt::Write as _;

use url::Url;

/// Characters shown of a name, such as an application's.
const NAME_MAX: usize = 80;
/// Characters shown of an attempt's reason.
const REASON_MAX: usize = 240;
/// Characters shown of a URL.
const URL_MAX: usize = 120;

/// A name, ready to be shown.
pub(super) fn name(text: &str) -> String {
    visible(text, NAME_MAX)
}

/// An attempt's reason, ready to be shown.
pub(super) fn reason(text: &str) -> String {
    visible(text, REASON_MAX)
}

/// A URL's host and path, ready to be shown: credentials often stand in what is left out.
pub(super) fn host_and_path(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let path = if url.path() == "/" { "" } else { url.path() };
            match url.port() {
                Some(port) => visible(&format!("{host}:{port}{path}"), URL_MAX),
                None => visible(&format!("{host}{path}"), URL_MAX),
            }
        }
        Err(_) => "an address that cannot be read".to_owned(),
    }
}

/// At most `max` characters of `text`; what has no look of its own is spelt out, such as `U+202E`.
fn visible(text: &str, max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(max * 4));
    let mut room = max;
    let mut marks = 0;
    for character in text.chars() {
        marks = if is_combining(character) { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            continue;
        }
        if room == 0 {
            shown.push('…');
            break;
        }
        room -= 1;
        match character {
            // The picture of the control character (Unicode block Control Pictures).
            '\0'..='\x1f' => shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
            '\x7f' => shown.push('\u{2421}'),
            _ if is_hidden(character) => {
                let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// No script needs more marks on one letter; piled up, they cover the lines around.
const MARKS_MAX: usize = 3;

fn is_combining(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' | '\u{fe00}'..='\u{fe0f}')
}

/// Control and format characters (Unicode categories Cc, Cf), line separators, and blanks that look like nothing.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e000}'..='\u{f8ff}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_turning_characters_are_spelt_out() {
        assert_eq!(name("a\u{202e}b"), "a⟨U+202E⟩b");
        assert_eq!(name("zero\u{200b}width\u{feff}"), "zero⟨U+200B⟩width⟨U+FEFF⟩");
        assert_eq!(name("line\r\nbreak\t\0\x7f"), "line␍␊break␉␀␡");
        assert_eq!(name("Bücher – 書籍 – كتب 📚"), "Bücher – 書籍 – كتب 📚");
    }

    #[test]
    fn length_is_bounded_by_characters_and_by_marks() {
        assert_eq!(name(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(name(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
        let piled = name(&format!("a{}b", "\u{301}".repeat(1_000)));
        assert_eq!(piled, "a\u{301}\u{301}\u{301}b");
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        let check = |url: &str, shown: &str| assert_eq!(host_and_path(url), shown, "{url}");
        check("https://user:hunter2@example.com/in?token=hunter2#hunter2", "example.com/in");
        check("http://127.0.0.1:9000/", "127.0.0.1:9000");
        check("https://[::1]:8443/a", "[::1]:8443/a");
        check("https://exa\u{202e}mple.com/", "an address that cannot be read");
        check("not a url with hunter2", "an address that cannot be read");
    }
}
