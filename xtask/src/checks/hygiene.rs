//! Nothing unfinished is committed, and no test waits by sleeping.

use crate::finding::Finding;
use crate::source::Source;
use crate::tree::{File, Tree};

/// Macros of unfinished code, without the exclamation mark.
const UNFINISHED: [&str; 3] = ["dbg", "todo", "unimplemented"];

/// Words of unfinished business. Spelled apart, so that a plain search for them finds none here.
const REMINDERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Other files that may hold a reminder; prose may speak about the word.
const TEXTS: [&str; 9] = ["sql", "py", "sh", "js", "ts", "css", "html", "toml", "yml"];

/// How a script's deliberate slowness is marked, on the line above the sleep.
const PACES: &str = "Paces: ";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs") {
        let source = Source::read(file);
        unfinished(file, &source, &mut findings);
        sleeps(file, &source, &mut findings);
    }
    for file in TEXTS.iter().flat_map(|extension| tree.with_extension(extension)) {
        reminders(file, file.lines(), &mut findings);
        if file.name().ends_with(".py") && in_tests(file) {
            script_sleeps(file, &mut findings);
        }
    }
    findings
}

fn unfinished(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    for (line, code) in source.code() {
        for name in UNFINISHED {
            if words(code).any(|(at, word)| word == name && code[at + name.len()..].starts_with('!')) {
                findings.push(Finding::new(&file.path, line, format!("`{name}!` is unfinished: finish it")));
            }
        }
        let code: String = code.split_whitespace().collect();
        if code.contains("#[ignore]") || code.contains("#[ignore=") {
            let message = "an ignored test tests nothing: make it run, or delete it";
            findings.push(Finding::new(&file.path, line, message));
        }
    }
    reminders(file, source.comments(), findings);
}

fn reminders<'a>(file: &File, lines: impl Iterator<Item = (usize, &'a str)>, findings: &mut Vec<Finding>) {
    for (line, text) in lines {
        if let Some((_, word)) = words(text).find(|(_, word)| REMINDERS.contains(word)) {
            let message = format!("{word} is for working copies: do it, or open an issue");
            findings.push(Finding::new(&file.path, line, message));
        }
    }
}

/// A sleep in a test hides a race; only a script's own pace may be one, and says so above.
fn sleeps(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    let comments: Vec<&str> = source.layers.comments.lines().collect();
    for path in
        source.paths.iter().filter(|path| path.called && (in_tests(file) || source.is_test(path.line)))
    {
        let sleeps = path.parts.last().is_some_and(|last| ["sleep", "sleep_until"].contains(&last.as_str()));
        let above =
            path.line.checked_sub(2).and_then(|index| comments.get(index)).copied().unwrap_or_default();
        let paces = above.trim().strip_prefix("//").is_some_and(|said| said.trim().starts_with(PACES.trim()));
        if sleeps && !paces {
            findings.push(Finding::new(&file.path, path.line, SLEEPS));
        }
    }
}

const SLEEPS: &str = "a test waits on an event, with a generous bound, and never sleeps; \
                      where a script is slow on purpose, say `// Paces: ` and why on the line above";

fn script_sleeps(file: &File, findings: &mut Vec<Finding>) {
    let mut above = "";
    for (line, text) in file.lines() {
        let paces = above.trim().strip_prefix('#').is_some_and(|said| said.trim().starts_with(PACES.trim()));
        if text.contains("sleep(") && !text.contains("def ") && !paces {
            findings.push(Finding::new(&file.path, line, SLEEPS));
        }
        above = text;
    }
}

fn in_tests(file: &File) -> bool {
    file.path.starts_with("tests/") || file.path.contains("/tests/")
}

/// The words of a line and where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::check;

    #[test]
    fn finished_code_passes() {
        let files = [
            (
                "crates/a/src/lib.rs",
                "//! Says \"todo!\" and todo.\nfn f() { let todo = \"TODO\"; sleep(1); }\n",
            ),
            (
                "crates/a/tests/it/main.rs",
                "// Paces: the receiver answers slowly.\nsleep(1);\nx.sleep(2);\nfn sleep() {}\n",
            ),
            ("tests/sdk/slow.py", "# Paces: as a slow network.\ntime.sleep(1)\n"),
            ("README.md", "No TODO in main.\n"),
        ];
        assert_eq!(said(check, &files), [""; 0]);
    }

    #[test]
    fn unfinished_code_and_reminders_are_found() {
        let text = "fn f() { todo!() }\n#[ignore = \"slow\"]\nfn g() { dbg!(1); } // FIXME: h\n";
        let files = [("a.rs", text), ("b.sql", "-- TODO index\n")];
        assert_eq!(
            said(check, &files),
            [
                "a.rs:1: `todo!` is unfinished: finish it",
                "a.rs:2: an ignored test tests nothing: make it run, or delete it",
                "a.rs:3: `dbg!` is unfinished: finish it",
                "a.rs:3: FIXME is for working copies: do it, or open an issue",
                "b.sql:1: TODO is for working copies: do it, or open an issue",
            ]
        );
    }

    #[test]
    fn a_test_that_sleeps_is_found_wherever_it_is() {
        let files = [
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod tests {\n  fn f() { std::thread::sleep(d) }\n}\n"),
            ("crates/a/tests/it/main.rs", "// Waits.\ntokio::time::sleep(d).await;\n"),
            ("tests/sdk/slow.py", "time.sleep(1)\n"),
        ];
        let said = said(check, &files);
        let places: Vec<&str> =
            said.iter().filter_map(|said| said.split_once(": ")).map(|(at, _)| at).collect();
        assert_eq!(places, ["crates/a/src/lib.rs:3", "crates/a/tests/it/main.rs:2", "tests/sdk/slow.py:1"]);
    }
}
