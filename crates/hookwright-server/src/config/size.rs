//! Sizes as people write them: a whole number of bytes, or of a unit.

use super::duration::split;
use super::error::ValueError;

/// Units with their bytes, the largest first.
const UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Reads `1MiB`, `512KiB`, or a bare number of bytes.
///
/// # Errors
///
/// [`ValueError`] says what is wrong with the text.
pub fn parse_size(text: &str) -> Result<usize, ValueError> {
    let (digits, unit) = split(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        unit => match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, bytes)) => *bytes,
            None => return Err(ValueError::Unit { found: unit.into(), known: "B, KiB, MiB and GiB" }),
        },
    };
    let size = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(bytes));
    size.ok_or_else(|| ValueError::Range {
        min: "0".into(),
        max: format_size(isize::MAX.unsigned_abs()).into(),
    })
}

/// Writes a size so that [`parse_size`] reads it again, exactly.
pub fn format_size(size: usize) -> String {
    let whole = UNITS.iter().find(|(_, unit)| size > 0 && size.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{}{name}", size / unit),
        None => size.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units_or_are_bytes() {
        for (text, bytes) in [("1MiB", 1_048_576), ("512KiB", 524_288), ("1000", 1_000), ("0", 0)] {
            assert_eq!(parse_size(text), Ok(bytes));
            assert_eq!(format_size(bytes), text);
        }
        assert_eq!(parse_size("7 B"), Ok(7));
    }

    #[test]
    fn what_is_no_size_says_why() {
        assert!(matches!(parse_size("1MB"), Err(ValueError::Unit { .. })));
        assert_eq!(parse_size("much"), Err(ValueError::Number));
        assert!(matches!(parse_size("99999999999999999999"), Err(ValueError::Range { .. })));
        assert!(matches!(parse_size("99999999999GiB"), Err(ValueError::Range { .. })));
    }
}
