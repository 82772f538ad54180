//! Finds the name that somebody who mistyped most likely meant.

/// The name most like `written`, if one is like enough to be meant: a third of its letters may differ.
pub(crate) fn nearest(written: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let limit = written.chars().count().max(3) / 3;
    names
        .map(|name| (distance(written, &name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be inserted, removed or replaced to make `b` of `a` (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // One row of the table: the distances of what was read of `a` to each start of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (read, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = read + 1;
        for (column, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_single_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn only_a_name_that_is_like_enough_is_suggested() {
        let names = || ["retry_schedule", "https_only", "listen"].map(str::to_owned).into_iter();
        assert_eq!(nearest("retry_schedul", names()).as_deref(), Some("retry_schedule"));
        assert_eq!(nearest("http_only", names()).as_deref(), Some("https_only"));
        assert_eq!(nearest("colour_of_the_sky", names()), None);
        assert_eq!(nearest("x", names()), None);
    }
}
