//! What a command prints: tables for people, tab-separated lines for pipes, JSON for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

use super::escape;
use super::failure::Failure;

/// Below so many columns a table is not fitted in.
const COLUMNS_MIN: u16 = 60;

/// Standard output, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    form: Form,
}

/// How things are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For a person at a terminal.
    Table,
    /// A line of headings, and a line for each thing, with tabs between.
    Tsv,
    Json,
}

impl Output {
    /// JSON or TSV if asked for, else what suits whoever reads: a person at a terminal or a program behind a pipe.
    pub(super) fn new(json: bool, tsv: bool) -> Output {
        let form = match (json, tsv || !std::io::stdout().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Tsv,
            (false, false) => Form::Table,
        };
        Output { form }
    }

    /// How things are to be written.
    pub(super) fn form(self) -> Form {
        self.form
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(self) -> bool {
        self.form == Form::Json
    }

    /// Prints one line of text that we wrote; text from elsewhere in it must have gone through [`escape`].
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        write(text, "\n")
    }

    /// Prints a part of a line, under the same condition.
    pub(super) fn part(self, text: &str) -> Result<(), Failure> {
        write(text, "")
    }

    /// Prints one JSON document on one line.
    pub(crate) fn json(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|error| Failure::because("The output cannot be written as JSON", &error))?;
        write(&escape::for_json(&text), "\n")
    }

    /// Says that something was done: in a sentence, or in JSON if that was asked for.
    pub(super) fn done(self, sentence: &str, document: &impl Serialize) -> Result<(), Failure> {
        if self.is_json() { self.json(document) } else { self.line(&escape::for_terminal(sentence)) }
    }

    /// Prints rows under their headings: a table at a terminal, tab-separated lines elsewhere.
    pub(crate) fn table(self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        if self.form == Form::Table {
            let mut table = plain_table();
            table.set_header(headings);
            table.add_rows(rows.iter().map(|row| row.iter().map(|cell| escape::for_terminal(cell))));
            for (at, column) in table.column_iter_mut().enumerate() {
                // Ids, times and URLs are copied from here, so they stay in one piece.
                if rows.iter().all(|row| row.get(at).is_none_or(|cell| !cell.contains(' '))) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
            return write(&table.trim_fmt(), "\n");
        }
        write(&headings.join("\t"), "\n")?;
        rows.iter().try_for_each(|row| self.row(row))
    }

    /// Prints one line of cells with tabs between them.
    pub(super) fn row(self, cells: &[String]) -> Result<(), Failure> {
        let clean: Vec<_> = cells.iter().map(|cell| escape::for_tsv(cell)).collect();
        write(&clean.join("\t"), "\n")
    }

    /// Prints names and values below each other.
    pub(super) fn pairs(self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let mut table = plain_table();
        table.add_rows(pairs.iter().map(|(name, value)| [(*name).into(), escape::for_terminal(value)]));
        write(&table.trim_fmt(), "\n")
    }
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // A terminal that does not know its width says 0, and lines that are too long are better than letters below each
    // other.
    if table.width().is_some_and(|columns| columns >= COLUMNS_MIN) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}

fn write(text: &str, end: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{text}{end}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::unread(),
        _ => Failure::because("Standard output cannot be written", &error),
    })
}
