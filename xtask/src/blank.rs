//! Splits Rust text into code, comments and strings, each on the lines and columns where it stood.
//!
//! A line of the code with its comments and strings blanked can be searched without being misled by prose.

/// The three layers of one text. `code` and `comments` have as many characters as the text, blanks elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Layers {
    pub(crate) code: String,
    pub(crate) comments: String,
    /// The line each string literal begins on, and what it holds, escapes as written.
    pub(crate) strings: Vec<(usize, String)>,
}

/// Separates the layers. Text that ends inside a literal or comment is taken as belonging to it.
pub(crate) fn layers(text: &str) -> Layers {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, layers: Layers::default() };
    while let Some(next) = reader.peek(0) {
        match (next, reader.peek(1)) {
            ('/', Some('/')) => reader.line_comment(),
            ('/', Some('*')) => reader.block_comment(),
            ('"', _) => reader.string(),
            ('\'', _) => reader.quote(),
            _ if next.is_alphabetic() || next == '_' => reader.word(),
            _ => reader.take(Layer::Code),
        }
    }
    reader.layers
}

#[derive(Clone, Copy)]
enum Layer {
    Code,
    Comment,
    Literal,
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    layers: Layers,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Moves one character into its layer; the other gets a blank, and a line's end goes to both.
    fn take(&mut self, layer: Layer) {
        let Some(next) = self.peek(0) else { return };
        let keep = |wanted: bool| if wanted || next == '\n' { next } else { ' ' };
        self.layers.code.push(keep(matches!(layer, Layer::Code)));
        self.layers.comments.push(keep(matches!(layer, Layer::Comment)));
        self.line += usize::from(next == '\n');
        self.at += 1;
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|next| next != '\n') {
            self.take(Layer::Comment);
        }
    }

    /// Block comments nest in Rust.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.take(Layer::Comment);
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.take(Layer::Comment);
                }
                _ => {}
            }
            self.take(Layer::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    /// A literal with escapes; the opening quote is next.
    fn string(&mut self) {
        let (line, mut held) = (self.line, String::new());
        self.take(Layer::Literal);
        while let Some(next) = self.peek(0) {
            self.take(Layer::Literal);
            match next {
                '"' => break,
                '\\' => {
                    held.push('\\');
                    held.extend(self.peek(0));
                    self.take(Layer::Literal);
                }
                _ => held.push(next),
            }
        }
        self.layers.strings.push((line, held));
    }

    /// `r"…"`, `r#"…"#` and so on; the first hash or quote is next.
    fn raw_string(&mut self, hashes: usize) {
        let (line, mut held) = (self.line, String::new());
        for _ in 0..=hashes {
            self.take(Layer::Literal);
        }
        while let Some(next) = self.peek(0) {
            let closes = next == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            if closes {
                for _ in 0..=hashes {
                    self.take(Layer::Literal);
                }
                break;
            }
            held.push(next);
            self.take(Layer::Literal);
        }
        self.layers.strings.push((line, held));
    }

    /// A character literal, or else the start of a lifetime, which is code.
    fn quote(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.take(Layer::Literal);
                self.take(Layer::Literal);
                self.take(Layer::Literal);
                while self.peek(0).is_some_and(|next| next != '\'' && next != '\n') {
                    self.take(Layer::Literal);
                }
                self.take(Layer::Literal);
            }
            (Some(_), Some('\'')) => (0..3).for_each(|_| self.take(Layer::Literal)),
            _ => self.take(Layer::Code),
        }
    }

    /// An identifier, unless it is the prefix of a literal such as `b"…"`, `br#"…"#` or `c"…"`.
    fn word(&mut self) {
        let length =
            self.chars[self.at..].iter().take_while(|next| next.is_alphanumeric() || **next == '_').count();
        let word: String = self.chars[self.at..self.at + length].iter().collect();
        let hashes = self.chars[self.at + length..].iter().take_while(|next| **next == '#').count();
        let quoted = self.peek(length + hashes) == Some('"');
        let (raw, plain) = (["r", "br", "cr"].contains(&&*word), ["b", "c"].contains(&&*word));
        let literal = quoted && (raw || plain && hashes == 0);
        for _ in 0..length {
            self.take(if literal { Layer::Literal } else { Layer::Code });
        }
        match (literal, raw) {
            (true, true) => self.raw_string(hashes),
            (true, false) => self.string(),
            (false, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, comments: &str, strings: &[(usize, &str)]) {
        let found = layers(text);
        assert_eq!(found.code.split_whitespace().collect::<Vec<_>>().join(" "), code);
        assert_eq!(found.comments.split_whitespace().collect::<Vec<_>>().join(" "), comments);
        let held: Vec<(usize, &str)> = found.strings.iter().map(|(line, held)| (*line, &**held)).collect();
        assert_eq!(held, strings);
        assert_eq!(found.code.chars().count(), text.chars().count());
    }

    #[test]
    fn comments_are_no_code_even_when_they_nest() {
        check("a // b \" c\nd", "a d", "// b \" c", &[]);
        check("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */", &[]);
    }

    #[test]
    fn strings_are_kept_with_the_line_they_begin_on() {
        check("x(\"a // b\",\n \"c\\\"d\")", "x( , )", "", &[(1, "a // b"), (2, "c\\\"d")]);
        check(
            "r#\"a \"b\" \n c\"# + br\"d\\\" + b\"e\"",
            "+ +",
            "",
            &[(1, "a \"b\" \n c"), (2, "d\\"), (2, "e")],
        );
    }

    #[test]
    fn a_quote_character_does_not_open_a_string_and_a_lifetime_is_code() {
        check("f('\"', '\\'', '\\u{1f}') g<'a>(&'a str)", "f( , , ) g<'a>(&'a str)", "", &[]);
    }

    #[test]
    fn a_raw_identifier_is_code() {
        check("r#type.r#\"s\"#", "r#type.", "", &[(1, "s")]);
    }

    #[test]
    fn a_text_that_ends_inside_a_literal_does_not_panic() {
        for text in ["\"a", "\"a\\", "r#\"a", "'\\", "/* a", "'", "b\""] {
            assert_eq!(layers(text).code.chars().count(), text.chars().count());
        }
    }
}
