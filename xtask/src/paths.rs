//! Finds the paths that code names (`use a::{b, c::d}`, `a::b::call()`), spelled out one by one.

/// One path as written, with groups expanded: `use a::{b, c}` is `a::b` and `a::c`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathUse {
    /// The line its last part stands on, counted from 1.
    pub(crate) line: usize,
    pub(crate) parts: Vec<String>,
    /// Whether an opening parenthesis follows.
    pub(crate) called: bool,
}

impl PathUse {
    /// Whether the path begins with these parts.
    pub(crate) fn begins(&self, parts: &[&str]) -> bool {
        self.parts.len() >= parts.len() && self.parts.iter().zip(parts).all(|(a, b)| a == b)
    }

    /// Whether the path ends with these parts.
    pub(crate) fn ends(&self, parts: &[&str]) -> bool {
        self.parts.len() >= parts.len()
            && self.parts.iter().rev().zip(parts.iter().rev()).all(|(a, b)| a == b)
    }
}

/// A word, or one character that is not a blank, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The tokens of code whose comments and strings are blanked; `::` is one token.
pub(crate) fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            tokens.push(Token { line: index + 1, text: rest[..length].to_owned() });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Every path in the code. A method or field after a dot is none, nor is the name a function is given.
pub(crate) fn paths(tokens: &[Token]) -> Vec<PathUse> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = is_word(tokens, at) && (at == 0 || ![".", "fn"].contains(&tokens[at - 1].text.as_str()));
        at = if starts { path(tokens, at, &[], &mut found) } else { at + 1 };
    }
    found
}

/// Reads the path that begins at `at`, after `before`, and returns where it ends.
fn path(tokens: &[Token], at: usize, before: &[String], found: &mut Vec<PathUse>) -> usize {
    let mut parts = before.to_vec();
    let mut at = at;
    let mut line = tokens[at].line;
    loop {
        if is_word(tokens, at) || is(tokens, at, "*") {
            line = tokens[at].line;
            parts.push(tokens[at].text.clone());
            at += 1;
        } else if is(tokens, at, "{") {
            return group(tokens, at + 1, &parts, found);
        } else {
            break;
        }
        let goes_on = is_word(tokens, at + 1) || is(tokens, at + 1, "{") || is(tokens, at + 1, "*");
        if !(is(tokens, at, "::") && goes_on) {
            break;
        }
        at += 1;
    }
    found.push(PathUse { line, parts, called: is(tokens, at, "(") });
    at
}

/// Reads what stands between the braces of a `use`, and returns where they end.
fn group(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<PathUse>) -> usize {
    while at < tokens.len() && !is(tokens, at, "}") {
        if is(tokens, at, "as") {
            at += 2;
        } else if is_word(tokens, at) || is(tokens, at, "*") {
            at = path(tokens, at, before, found);
        } else {
            at += 1;
        }
    }
    at + 1
}

fn is(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

fn is_word(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.text.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, expected: &[&str]) {
        let found: Vec<String> = paths(&tokens(code))
            .iter()
            .filter(|path| path.parts.len() > 1)
            .map(|path| {
                format!("{} {}{}", path.line, path.parts.join("::"), if path.called { "()" } else { "" })
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn groups_are_spelled_out() {
        let expected = ["1 a::b", "1 a::c::d", "2 a::c::e", "2 a::g::*"];
        check("use a::{b, c::{d,\n e as f}, g::*};", &expected);
    }

    #[test]
    fn paths_in_expressions_and_types_are_found() {
        check("let x: Vec<a::B<c::D>> = ::e::f(a::g::<u8>());", &["1 a::B", "1 c::D", "1 e::f()", "1 a::g"]);
    }

    #[test]
    fn methods_and_fields_are_no_paths() {
        check("x.a().b; self.c.d()", &[]);
    }

    #[test]
    fn beginnings_and_ends_compare_whole_parts() {
        let path = &paths(&tokens("a::bc::d()"))[0];
        assert!(path.begins(&["a", "bc"]) && path.ends(&["bc", "d"]) && path.called);
        assert!(!path.begins(&["a", "b"]) && !path.ends(&["c", "d"]));
    }
}
