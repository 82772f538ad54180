//! A program is ready once it prints a certain line on its standard error.

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;

/// Waits for a line with `ready` in it, and then reads on, so that the program never waits for somebody to read what it prints.
///
/// # Panics
///
/// With all that was printed, if it ends before, or prints a line that `has_failed`.
pub(super) fn wait(program: &str, errors: ChildStderr, ready: &str, has_failed: fn(&str) -> bool) {
    let mut errors = BufReader::new(errors);
    let (mut line, mut printed) = (String::new(), String::new());
    while !line.contains(ready) {
        line.clear();
        let read = errors.read_line(&mut line).expect("what it prints is text");
        printed.push_str(&line);
        assert!(read > 0 && !has_failed(&line), "{program} does not start:\n{printed}");
    }
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
}
