//! How deep JSON is nested: what is too deep would break receivers that parse it by recursion.

/// The deepest nesting of arrays and objects that is taken.
const DEPTH_MAX: usize = 128;

/// Whether this JSON text is nested at most [`DEPTH_MAX`] deep.
pub(crate) fn is_bounded(json: &[u8]) -> bool {
    // Counting needs no understanding of strings, and settles nearly every case many bytes at a time.
    let openings = json.iter().filter(|&&byte| byte == b'[' || byte == b'{').count();
    openings <= DEPTH_MAX || depth(json) <= DEPTH_MAX
}

/// The same for what is in an object, which itself does not count.
pub(crate) fn is_bounded_within_an_object(json: &[u8]) -> bool {
    let openings = json.iter().filter(|&&byte| byte == b'[' || byte == b'{').count();
    openings <= DEPTH_MAX + 1 || depth(json) <= DEPTH_MAX + 1
}

/// What is wrong with a value that is nested too deep.
pub(crate) const REFUSAL: &str = "must not be nested deeper than 128 arrays and objects";

fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn nesting_is_bounded_at_128() {
        assert!(is_bounded(nested(128).as_bytes()));
        assert!(!is_bounded(nested(129).as_bytes()));
        let beside = format!("[{}]", vec!["[]"; 1_000].join(","));
        assert!(is_bounded(beside.as_bytes()));
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        let json = format!(r#"{{"a\"[":"{}\\"}}"#, "[{\\\"".repeat(500));
        assert!(is_bounded(json.as_bytes()), "{json}");
        assert_eq!(depth(json.as_bytes()), 1);
    }
}
