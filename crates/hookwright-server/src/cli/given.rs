//! What arguments can hold: JSON and texts from files or pipes, pairs, points in time.

use std::collections::BTreeMap;
use std::path::Path;

use hookwright::Clock;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::input;
use crate::config::parse_duration;

/// A text as it stands, or that of the file after an `@`, or of standard input for `-`.
pub(super) fn text(argument: &str) -> Result<String, Failure> {
    let bytes = match argument.strip_prefix('@') {
        Some(path) => input::read(Path::new(path))?,
        None if argument == "-" => input::read(Path::new("-"))?,
        None => return Ok(argument.to_owned()),
    };
    String::from_utf8(bytes).map_err(|_| Failure::new("What was given is not text: it is not UTF-8."))
}

/// A JSON document, from wherever [`text`] finds it, which is sent as it is.
pub(super) fn json(name: &str, argument: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(text(argument)?).map_err(|error| {
        Failure::because(&format!("The {name} is not JSON"), &error)
            .advise(&format!("An example is --{name} '{{\"title\": \"Momo\"}}'."))
    })
}

/// Pairs of the form `key=value`.
pub(super) fn metadata(pairs: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let split = |pair: &String| {
        let parts = pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        parts.ok_or_else(|| {
            Failure::new(format!("--metadata is {pair:?}, which has no = in it."))
                .advise("An example is --metadata plan=gold.")
        })
    };
    pairs.iter().map(split).collect()
}

/// Headers of the form `Name: value`; a value may come from a file, as in [`text`], since it may be a secret.
pub(super) fn headers(lines: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let split = |line: &String| {
        let Some((name, value)) = line.split_once(':') else {
            // It may be a secret, so it is not repeated.
            return Err(Failure::new("A header has no : in it.")
                .advise("Examples are 'X-Team: books' and 'Authorization: @token.txt'."));
        };
        Ok((name.trim().to_owned(), text(value.trim())?.trim().to_owned()))
    };
    lines.iter().map(split).collect()
}

/// A point in time as the API reads it: RFC 3339 as it stands, or how long ago it was.
pub(super) fn time(flag: &str, argument: &str) -> Result<String, Failure> {
    if argument.parse::<jiff::Timestamp>().is_ok() {
        return Ok(argument.to_owned());
    }
    let ago = parse_duration(argument).map_err(|_| {
        Failure::new(format!(
            "--{flag} is {argument:?}, which is neither a point in time nor how long ago one was."
        ))
        .advise("Examples are 2026-11-24T12:00:00Z, 90m, 12h and 3d.")
    })?;
    let at = Clock::system().now().before(ago);
    jiff::Timestamp::from_microsecond(at.as_micros())
        .map(|time| time.to_string())
        .map_err(|error| Failure::because(&format!("--{flag} is too long ago"), &error))
}

/// The same for what may be left out.
pub(super) fn time_if(flag: &str, argument: Option<&str>) -> Result<Option<String>, Failure> {
    argument.map(|argument| time(flag, argument)).transpose()
}

/// A duration in whole seconds.
pub(super) fn seconds(flag: &str, argument: &str) -> Result<u64, Failure> {
    parse_duration(argument).map(|duration| duration.as_secs()).map_err(|problem| {
        Failure::new(format!("--{flag} is {argument:?}, which {problem}."))
            .advise("Examples are 90s, 24h and 7d.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_said_in_two_ways() {
        assert_eq!(time("since", "2026-11-24T12:00:00+01:00").unwrap(), "2026-11-24T12:00:00+01:00");
        let ago: jiff::Timestamp = time("since", "2h").unwrap().parse().unwrap();
        let now = Clock::system().now().as_seconds();
        assert!((7_199..7_260).contains(&(now - ago.as_second())));
        assert!(
            time("since", "yesterday")
                .unwrap_err()
                .to_string()
                .starts_with("--since is \"yesterday\", which ")
        );
    }

    #[test]
    fn pairs_and_headers_are_taken_apart_once() {
        let pairs = metadata(&["a=b=c".to_owned()]).unwrap();
        assert_eq!(pairs["a"], "b=c");
        let headers = headers(&["X-Url: http://x".to_owned()]).unwrap();
        assert_eq!(headers["X-Url"], "http://x");
    }
}
