//! What a command prints: tables for people, tab-separated lines for pipes, JSON for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::escape;
use super::failure::Failure;

/// Below so many columns a table is not fitted in.
const COLUMNS_MIN: u16 = 60;

/// Standard output, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
}

impl Output {
    /// JSON if asked for, else what suits whoever reads: a person at a terminal or a program behind a pipe.
    pub(super) fn new(json: bool) -> Output {
        Output { json, terminal: std::io::stdout().is_terminal() }
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints one line of text that we wrote; text from elsewhere in it must have gone through [`escape`].
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        write(text)
    }

    /// Prints one JSON document on one line.
    pub(crate) fn json(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|error| Failure::because("The output cannot be written as JSON", &error))?;
        write(&escape::for_json(&text))
    }

    /// Prints rows under their headings: a table at a terminal, tab-separated lines elsewhere.
    pub(crate) fn table(self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let clean = rows.iter().map(|row| row.iter().map(|cell| escape::for_terminal(cell).into_owned()));
        if self.terminal {
            let mut table = Table::new();
            table.load_style(presets::NOTHING);
            // A terminal that does not know its width says 0, and lines that are too long are better than letters
            // below each other.
            if table.width().is_some_and(|columns| columns >= COLUMNS_MIN) {
                table.set_content_arrangement(ContentArrangement::Dynamic);
            }
            table.set_header(headings);
            table.add_rows(clean.map(Iterator::collect::<Vec<String>>));
            return write(&table.to_string());
        }
        write(&headings.join("\t"))?;
        for row in clean {
            write(&row.collect::<Vec<String>>().join("\t"))?;
        }
        Ok(())
    }
}

fn write(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::unread(),
        _ => Failure::because("Standard output cannot be written", &error),
    })
}
