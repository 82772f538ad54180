//! Just enough of Markdown for the checks: fences, code spans and links.

use crate::tree::File;

/// One line of a document that is not inside a fence.
pub(crate) struct Prose<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// A fenced block.
pub(crate) struct Fence<'a> {
    /// Where it opens.
    pub(crate) line: usize,
    /// What follows the opening backticks, for example `sh`.
    pub(crate) language: &'a str,
    pub(crate) lines: Vec<&'a str>,
    pub(crate) closed: bool,
}

/// The prose and the fenced blocks of a document.
pub(crate) fn read(file: &File) -> (Vec<Prose<'_>>, Vec<Fence<'_>>) {
    let (mut prose, mut fences): (Vec<Prose<'_>>, Vec<Fence<'_>>) = (Vec::new(), Vec::new());
    for (line, text) in file.lines() {
        let mark = text.trim_start().strip_prefix("```");
        match (mark, fences.last_mut().filter(|fence| !fence.closed)) {
            (Some(_), Some(open)) => open.closed = true,
            (None, Some(open)) => open.lines.push(text),
            (Some(language), None) => {
                fences.push(Fence { line, language: language.trim(), lines: Vec::new(), closed: false });
            }
            (None, None) => prose.push(Prose { line, text }),
        }
    }
    (prose, fences)
}

/// What stands between single backticks on a line.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The targets of `[words](target)` on a line, outside of code spans.
pub(crate) fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').step_by(2).flat_map(|prose| {
        prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_kept_apart_from_prose() {
        let text = "One `a` and `b`.\n```sh\nrun `c`\n```\nTwo [d](e.md) `[f](g)`.\n```\n";
        let file = File { path: "README.md".into(), text: text.into() };
        let (prose, fences) = read(&file);
        assert_eq!(prose.iter().map(|prose| prose.line).collect::<Vec<_>>(), [1, 5]);
        assert_eq!(spans(prose[0].text).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(links(prose[1].text).collect::<Vec<_>>(), ["e.md"]);
        assert_eq!(
            (fences[0].language, fences[0].closed, fences[0].lines.as_slice()),
            ("sh", true, &["run `c`"][..])
        );
        assert!(!fences[1].closed);
    }
}
