//! One Rust file as the checks see it: its layers, its paths, and which of its lines are tests.

use std::ops::RangeInclusive;

use crate::blank::{Layers, layers};
use crate::paths::{PathUse, Token, paths, tokens};
use crate::tree::File;

pub(crate) struct Source {
    pub(crate) layers: Layers,
    pub(crate) paths: Vec<PathUse>,
    /// Modules that are declared for tests and live in files of their own.
    pub(crate) test_modules: Vec<String>,
    tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    pub(crate) fn read(file: &File) -> Self {
        let layers = layers(&file.text);
        let tokens = tokens(&layers.code);
        let (mut tests, mut test_modules) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < tokens.len() {
            if !begins_test(&tokens, at) {
                at += 1;
                continue;
            }
            let first = tokens[at].line;
            at = attributes_end(&tokens, at);
            if let Some(name) = declared_module(&tokens[at..]) {
                test_modules.push(name);
            }
            at = item_end(&tokens, at);
            tests.push(first..=tokens[at - 1].line);
        }
        Self { paths: paths(&tokens), layers, test_modules, tests }
    }

    /// Whether this line belongs to an item that exists only in tests.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// The paths of the code that is shipped.
    pub(crate) fn shipped_paths(&self) -> impl Iterator<Item = &PathUse> {
        self.paths.iter().filter(|path| !self.is_test(path.line))
    }

    /// The lines of the code with comments and strings blanked, counted from 1.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.layers.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines of the comments with everything else blanked, counted from 1.
    pub(crate) fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        self.layers.comments.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// `#[cfg(test)]` or `#[cfg(all(test, …))]`; with a `not` anywhere it may be shipped, and is not one.
fn begins_test(tokens: &[Token], at: usize) -> bool {
    let word = |ahead: usize| tokens.get(at + ahead).map(|token| token.text.as_str());
    if (word(0), word(1), word(2)) != (Some("#"), Some("["), Some("cfg")) {
        return false;
    }
    let inside = tokens[at..].iter().map(|token| token.text.as_str()).take_while(|text| *text != "]");
    let mut test = false;
    for text in inside {
        match text {
            "test" => test = true,
            "not" | "any" => return false,
            _ => {}
        }
    }
    test
}

/// Where the attributes that stand at `at` end and their item begins.
fn attributes_end(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| token.text == "#") {
        at = balanced_end(tokens, at + 1);
    }
    at
}

/// The end of an item: after its semicolon, or after the brace that closes its body.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => return balanced_end(tokens, at),
            "(" | "[" => at = balanced_end(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// After the bracket that closes the one at `at`.
fn balanced_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The name in `mod name;`, with or without a visibility before it.
fn declared_module(item: &[Token]) -> Option<String> {
    let end = item.iter().position(|token| token.text == ";" || token.text == "{")?;
    match &item[..end] {
        [.., keyword, name] if keyword.text == "mod" && item[end].text == ";" => Some(name.text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::read(&File { path: "src/lib.rs".into(), text: text.into() })
    }

    #[test]
    fn a_test_module_is_not_shipped_and_what_follows_it_is() {
        let source = source(
            "use a::b;\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    use c::d;\n    fn f() { {} }\n}\nuse e::f;\n",
        );
        let shipped: Vec<String> =
            source.shipped_paths().filter(|p| p.parts.len() > 1).map(|p| p.parts.join("::")).collect();
        assert_eq!(shipped, ["a::b", "e::f"]);
        assert!(source.is_test(2) && source.is_test(7) && !source.is_test(1) && !source.is_test(8));
    }

    #[test]
    fn code_that_is_left_out_of_tests_or_shared_with_a_feature_is_shipped() {
        for text in ["#[cfg(not(test))]\nuse a::b;", "#[cfg(any(test, feature = \"testing\"))]\nuse a::b;"] {
            assert!(!source(text).is_test(2), "{text}");
        }
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_named() {
        let source = source("#[cfg(all(test, unix))]\npub(crate) mod model;\nmod other;\n");
        assert_eq!(source.test_modules, ["model"]);
        assert!(!source.is_test(3));
    }
}
