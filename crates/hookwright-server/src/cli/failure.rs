//! How a command fails: one sentence of what, one of why, one of what to do; never a debug dump.

use std::error::Error;
use std::process::ExitCode;

use super::escape;
use crate::config::ConfigError;

/// A command failed, and this is what its user reads.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    may_pass: bool,
}

impl Failure {
    /// A failure in a whole sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Failure {
        Failure { text: sentence.into(), may_pass: false }
    }

    /// `what` failed because of `error` and what is behind it: each level once, in one sentence.
    pub(crate) fn because(what: &str, error: &(dyn Error + 'static)) -> Failure {
        let mut text = what.to_owned();
        let mut cause = Some(error);
        while let Some(error) = cause {
            let said = error.to_string();
            // Some errors repeat what is behind them.
            if !said.is_empty() && !text.contains(said.trim_end_matches('.')) {
                text.push_str(": ");
                text.push_str(said.trim_end_matches('.'));
            }
            cause = error.source();
        }
        if !text.ends_with('.') {
            text.push('.');
        }
        Failure { text, may_pass: false }
    }

    /// What its user reads.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// It may be over by itself: a server that restarts, say.
    pub(super) fn passing(mut self) -> Failure {
        self.may_pass = true;
        self
    }

    /// Whether it may be over by itself.
    pub(super) fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// Adds what to do about it, in a whole sentence.
    pub(crate) fn advise(mut self, sentence: &str) -> Failure {
        self.text.push(' ');
        self.text.push_str(sentence);
        self
    }

    /// Whoever read the output went away, so there is nobody to tell.
    pub(super) fn unread() -> Failure {
        Failure { text: String::new(), may_pass: false }
    }

    /// Tells it on standard error.
    pub(super) fn report(&self) -> ExitCode {
        self.lines().iter().for_each(|line| eprint_line(line));
        ExitCode::FAILURE
    }

    /// What is told: what has several lines, such as the end of a log, is told in several, further in.
    fn lines(&self) -> Vec<String> {
        let margins = std::iter::once("error: ").chain(std::iter::repeat("  "));
        let lines = margins.zip(self.text.lines());
        lines.map(|(margin, line)| format!("{margin}{}", escape::for_terminal(line))).collect()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        match error.source() {
            // The error is a whole sentence already.
            None => Failure::new(error.to_string()),
            Some(cause) => Failure::because(&error.to_string(), cause),
        }
    }
}

/// Writes a line to standard error; nothing can be done if that is closed.
pub(super) fn eprint_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        #[source]
        cause: Option<Box<Level>>,
    }

    #[test]
    fn several_lines_are_told_in_several() {
        let failure = Failure::new("It ended. Its last words:\nfirst\r\n\u{1b}[2Jsecond");
        assert_eq!(failure.lines(), ["error: It ended. Its last words:", "  first", "  \\u001b[2Jsecond"]);
        assert_eq!(Failure::unread().lines(), [""; 0]);
    }

    #[test]
    fn each_level_of_a_chain_is_told_once() {
        let bottom = Level { text: "the disk is full", cause: None };
        let middle = Level { text: "cannot write: the disk is full", cause: Some(Box::new(bottom)) };
        let failure = Failure::because("The message was not sent", &middle).advise("Make room.");
        assert_eq!(failure.text, "The message was not sent: cannot write: the disk is full. Make room.");
    }
}
