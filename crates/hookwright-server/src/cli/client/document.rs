//! A JSON document as a server sent it: kept word for word, and read only where something of it is shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::failure::Failure;
use crate::cli::layout;

/// A JSON document. Numbers and texts in it stay as they came.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::cli) struct Document(Box<RawValue>);

impl Document {
    /// The document in an answer.
    pub(super) fn of(answer: &[u8]) -> Result<Document, Failure> {
        serde_json::from_slice(answer)
            .map(Document)
            .map_err(|error| Failure::because("The server's answer is not JSON", &error))
    }

    /// Its text, on one line.
    pub(in crate::cli) fn on_one_line(&self) -> String {
        on_one_line(&self.0)
    }

    /// The member at this path, with dots between the names, as a person reads it: a text without quotes, a list of
    /// texts with commas between them, everything else as JSON on one line; nothing for what is null or not there.
    pub(in crate::cli) fn member(&self, path: &str) -> String {
        self.find(path).map_or_else(String::new, |found| in_words(&found))
    }

    /// The member at this path as it is.
    pub(in crate::cli) fn find(&self, path: &str) -> Option<Document> {
        let mut found = self.0.clone();
        for name in path.split('.') {
            let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(found.get()).ok()?;
            found = members.remove(name)?;
        }
        Some(Document(found))
    }

    /// Its text.
    pub(in crate::cli) fn text(&self) -> &str {
        self.0.get()
    }

    /// What it is, as a type.
    pub(in crate::cli) fn read<'a, T: Deserialize<'a>>(&'a self, what: &str) -> Result<T, Failure> {
        serde_json::from_str(self.0.get())
            .map_err(|error| Failure::because(&format!("The server's answer is not {what}"), &error))
    }
}

fn in_words(document: &Document) -> String {
    let text = document.0.get();
    if let Ok(word) = serde_json::from_str::<String>(text) {
        return word;
    }
    if let Ok(words) = serde_json::from_str::<Vec<String>>(text) {
        return words.join(",");
    }
    if text == "null" { String::new() } else { on_one_line(&document.0) }
}

fn on_one_line(json: &RawValue) -> String {
    layout::on_one_line(json.get().as_bytes()).unwrap_or_else(|| json.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_without_a_change() {
        let text = "{\"a\": {\"b\": 12345678901234567890.10}, \"c\": [\"x\", \"y\"],\n \"d\": null, \"e\": \"q\\\"\"}";
        let document = Document::of(text.as_bytes()).unwrap();
        for (path, expected) in [
            ("a.b", "12345678901234567890.10"),
            ("a", "{\"b\":12345678901234567890.10}"),
            ("c", "x,y"),
            ("d", ""),
            ("e", "q\""),
            ("none.at.all", ""),
        ] {
            assert_eq!(document.member(path), expected, "{path}");
        }
        assert!(!document.on_one_line().contains('\n'));
    }
}
