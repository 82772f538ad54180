//! Where a command about a server's things stands: the server on one side, the standard output on the other.

use clap::Args;

use super::client::{Client, Document, Pages, Path};
use super::connection::ConnectionArgs;
use super::escape;
use super::failure::{Failure, eprint_line};
use super::layout;
use super::output::{Form, Output};

/// A server and the output.
pub(super) struct Console {
    pub(super) client: Client,
    pub(super) output: Output,
}

/// What is shown of a thing under a heading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    /// Where it is in the document, with dots between the names; with a bar between two places, the first that has something.
    pub(super) member: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In lists, and where one thing is shown.
    Everywhere,
    /// Where one thing is shown.
    Detail,
    /// The same, and laid out over several lines at a terminal.
    Payload,
}

/// How much of a list is wanted.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Amount {
    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all", value_parser = at_least_one)]
    limit: u64,
    /// Show all
    #[arg(long)]
    all: bool,
}

/// How many are wanted, which is never none: that would look as if there were none.
pub(super) fn at_least_one(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|count| *count > 0).ok_or("it must be a whole number, 1 or more")
}

impl Column {
    /// Shown everywhere.
    pub(super) const fn new(heading: &'static str, member: &'static str) -> Column {
        Column { heading, member, kind: Kind::Everywhere }
    }

    /// Shown only where one thing is.
    pub(super) const fn detail(heading: &'static str, member: &'static str) -> Column {
        Column { heading, member, kind: Kind::Detail }
    }

    /// The same, shown everywhere.
    pub(super) fn everywhere(self) -> Column {
        Column { kind: Kind::Everywhere, ..self }
    }

    /// A JSON document that is laid out for people, where one thing is shown.
    pub(super) const fn payload(heading: &'static str, member: &'static str) -> Column {
        Column { heading, member, kind: Kind::Payload }
    }
}

impl Console {
    /// What the flags say.
    pub(super) fn new(connection: &ConnectionArgs, output: Output) -> Result<Console, Failure> {
        Ok(Console { client: connection.client()?, output })
    }

    /// Shows a list, page by page as it comes.
    pub(super) async fn list(&self, path: Path, amount: Amount, columns: &[Column]) -> Result<(), Failure> {
        self.show_pages(Pages::new(&self.client, path, amount.wanted()), columns).await
    }

    /// Shows these pages as they come: one JSON list, one table of lines, or a table for each page.
    pub(super) async fn show_pages(&self, mut pages: Pages<'_>, columns: &[Column]) -> Result<(), Failure> {
        let columns: Vec<Column> =
            columns.iter().copied().filter(|column| column.kind == Kind::Everywhere).collect();
        let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
        let mut shown = 0;
        while let Some(items) = pages.next().await? {
            match self.output.form() {
                Form::Json => {
                    for (at, item) in items.iter().enumerate() {
                        let before = if shown + at == 0 { "[" } else { ",\n" };
                        self.output.part(before)?;
                        self.output.part(&escape::for_json(&item.on_one_line()))?;
                    }
                }
                Form::Tsv => {
                    if shown == 0 {
                        self.output.line(&headings.join("\t"))?;
                    }
                    items.iter().try_for_each(|item| self.output.row(&cells(item, &columns)))?;
                }
                Form::Table => {
                    let rows: Vec<Vec<String>> = items.iter().map(|item| cells(item, &columns)).collect();
                    if shown == 0 || !rows.is_empty() {
                        self.output.table(&headings, &rows)?;
                    }
                }
            }
            shown += items.len();
        }
        match self.output.form() {
            Form::Json => self.output.line(if shown == 0 { "[]" } else { "]" })?,
            Form::Table if pages.has_more() => eprint_line("There are more: --all shows all."),
            _ => {}
        }
        Ok(())
    }

    /// Shows one thing.
    pub(super) fn show(&self, document: &Document, columns: &[Column]) -> Result<(), Failure> {
        match self.output.form() {
            Form::Json => self.output.line(&escape::for_json(&document.on_one_line())),
            Form::Tsv => {
                let headings: Vec<&str> = columns.iter().map(|column| column.heading).collect();
                self.output.line(&headings.join("\t"))?;
                self.output.row(&cells(document, columns))
            }
            Form::Table => {
                let (long, short): (Vec<Column>, Vec<Column>) =
                    columns.iter().partition(|column| column.kind == Kind::Payload);
                let pairs: Vec<(&str, String)> =
                    short.iter().map(|column| (column.heading, cell(document, *column))).collect();
                self.output.pairs(&pairs)?;
                for column in long {
                    self.output.line(&format!(" {}", column.heading))?;
                    let shown = document.find(column.member);
                    let shown =
                        shown.map_or_else(String::new, |json| layout::for_people(json.text().as_bytes()));
                    layout::lines(&shown).try_for_each(|line| self.output.line(&format!("  {line}")))?;
                }
                Ok(())
            }
        }
    }
}

impl Amount {
    /// Nothing for all.
    pub(super) fn wanted(self) -> Option<u64> {
        (!self.all).then_some(self.limit)
    }
}

/// What is shown of a document, in the columns' order.
pub(super) fn cells(document: &Document, columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| cell(document, *column)).collect()
}

fn cell(document: &Document, column: Column) -> String {
    let found = column.member.split('|').map(|place| document.member(place));
    found.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}
