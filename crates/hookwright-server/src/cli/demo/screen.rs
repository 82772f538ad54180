//! What the demo prints: calm, aligned, and without colours unless somebody looks.

use std::fmt::Display;
use std::io::{self, Write};

/// Names stand in a column of this width.
const NAME_WIDTH: usize = 18;
/// So much of a text that came over the network is shown, in characters.
const FOREIGN_SHOWN: usize = 160;

/// Where the demo prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    ink: Ink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    None,
    Plain,
    Coloured,
}

#[derive(Debug, Clone, Copy)]
enum Tone {
    Bold,
    Dim,
    Good,
    Bad,
}

impl Screen {
    /// Prints nothing.
    pub(super) fn silent() -> Screen {
        Screen { ink: Ink::None }
    }

    /// Prints to the standard output, in colours on a terminal whose user does not forbid them (`NO_COLOR`).
    pub(super) fn stdout(is_terminal: bool) -> Screen {
        let wanted = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen { ink: if wanted { Ink::Coloured } else { Ink::Plain } }
    }

    /// The first line.
    pub(super) fn title(&self, name: &str, about: &str) -> io::Result<()> {
        self.write(&format!("{}  {}\n", self.tone(Tone::Bold, name), self.tone(Tone::Dim, about)))
    }

    /// The title of an act, after an empty line.
    pub(super) fn act(&self, number: u8, title: &str) -> io::Result<()> {
        let number = self.tone(Tone::Dim, number);
        self.write(&format!("\n{number}  {}\n", self.tone(Tone::Bold, title)))
    }

    /// One line of an act.
    pub(super) fn line(&self, text: impl Display) -> io::Result<()> {
        self.write(&format!("   {text}\n"))
    }

    /// A line to be copied, which therefore stands at the margin; long ones are not broken.
    pub(super) fn command(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// An empty line.
    pub(super) fn space(&self) -> io::Result<()> {
        self.write("\n")
    }

    /// A name and its value.
    pub(super) fn field(&self, name: impl Display, value: impl Display) -> io::Result<()> {
        let name = format!("{name:<NAME_WIDTH$}");
        self.line(format_args!("{}  {value}", self.tone(Tone::Dim, name)))
    }

    /// What went well.
    pub(super) fn good(&self, text: impl Display) -> io::Result<()> {
        self.line(self.tone(Tone::Good, text))
    }

    /// What did not.
    pub(super) fn bad(&self, text: impl Display) -> io::Result<()> {
        self.line(self.tone(Tone::Bad, text))
    }

    fn tone(&self, tone: Tone, text: impl Display) -> String {
        if self.ink != Ink::Coloured {
            return text.to_string();
        }
        let code = match tone {
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if self.ink == Ink::None {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// A text from the network on one line: control characters would let a sender write over the screen.
pub(super) fn foreign(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String =
        text.chars().take(FOREIGN_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(FOREIGN_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{FOREIGN_SHOWN, foreign};

    #[test]
    fn a_body_cannot_move_the_cursor_or_fill_the_screen() {
        assert_eq!(foreign(b"a\x1b[2Jb\r\nc\xff"), "a [2Jb  c\u{fffd}");
        let long = foreign("é".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), FOREIGN_SHOWN + 1);
    }
}
