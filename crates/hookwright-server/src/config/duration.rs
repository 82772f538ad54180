//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

use super::error::ValueError;

/// Units with their milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `500ms`, `5s`, `5m`, `2h`, `90d`: a whole number and a unit, which may not be missing.
///
/// # Errors
///
/// [`ValueError`] says what is wrong with the text; a number too large for any duration is out of range.
pub fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    let (digits, unit) = split(text)?;
    if unit.is_empty() {
        return Err(ValueError::NoUnit);
    }
    let found = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, millis) =
        found.ok_or_else(|| ValueError::Unit { found: unit.into(), known: "ms, s, m, h and d" })?;
    let millis = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| ValueError::Range { min: "0s".into(), max: "36500d".into() })
}

/// Writes a duration so that [`parse_duration`] reads it again, down to milliseconds.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let whole = UNITS.iter().find(|(_, unit)| millis.is_multiple_of(u128::from(*unit)));
    let (name, unit) = whole.unwrap_or(&UNITS[UNITS.len() - 1]);
    format!("{}{name}", millis / u128::from(*unit))
}

/// Splits the digits from what follows them.
pub(super) fn split(text: &str) -> Result<(&str, &str), ValueError> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    if end == 0 {
        return Err(ValueError::Number);
    }
    Ok((&text[..end], text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read_and_written() {
        for (text, millis) in
            [("500ms", 500), ("5s", 5_000), ("90m", 5_400_000), ("2h", 7_200_000), ("90d", 7_776_000_000)]
        {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis));
            assert_eq!(format_duration(duration), text);
        }
        assert_eq!(format_duration(Duration::from_secs(120)), "2m");
    }

    #[test]
    fn what_is_no_duration_says_why() {
        assert_eq!(parse_duration("15"), Err(ValueError::NoUnit));
        assert_eq!(parse_duration(""), Err(ValueError::Empty));
        assert_eq!(parse_duration("s"), Err(ValueError::Number));
        assert_eq!(parse_duration("-5s"), Err(ValueError::Number));
        assert!(matches!(parse_duration("1.5s"), Err(ValueError::Unit { .. })));
        assert!(matches!(parse_duration("5 weeks"), Err(ValueError::Unit { .. })));
        assert!(matches!(parse_duration("99999999999999999999d"), Err(ValueError::Range { .. })));
        assert!(matches!(parse_duration("9999999999999999d"), Err(ValueError::Range { .. })));
    }
}
