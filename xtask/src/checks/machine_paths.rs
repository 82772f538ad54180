//! No committed text names a place on somebody's machine.

use crate::finding::Finding;
use crate::tree::Tree;

/// Folders of people and of build machines. Spelled apart, so that these lines are no findings of their own.
const PLACES: [&str; 4] =
    [concat!("/", "root/"), concat!("/", "work/"), concat!("/", "home/"), concat!("/", "Users/")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        for (line, text) in file.lines() {
            if let Some(place) = PLACES.iter().find(|place| is_place(text, place)) {
                let message = format!("{place} is a place on one machine: use a relative path or a variable");
                findings.push(Finding::new(&file.path, line, message));
            }
        }
    }
    findings
}

/// At the start of an absolute path only: a folder of the same name further down is anyone's.
fn is_place(text: &str, place: &str) -> bool {
    text.match_indices(place).any(|(at, _)| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || "._-~})]>*".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::{PLACES, check};

    #[test]
    fn relative_paths_and_urls_pass() {
        let text = "see docs/work/a.md, https://example.com/home/ and ${HOME}/work/\n";
        assert_eq!(said(check, &[("README.md", text)]), [""; 0]);
    }

    #[test]
    fn a_place_on_a_machine_is_found() {
        let [root, _, home, _] = PLACES;
        let text = format!("first\ncd \"{home}ann/src\"\nopen file://{root}x\n");
        let advice = "is a place on one machine: use a relative path or a variable";
        assert_eq!(
            said(check, &[("a.sh", &text)]),
            [format!("a.sh:2: {home} {advice}"), format!("a.sh:3: {root} {advice}")]
        );
    }
}
