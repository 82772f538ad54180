//! Each setting as people look at it: what holds, and who said so. Secrets are masked.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::key::{Key, Profile};
use super::layers::Given;
use super::place::Place;

/// One setting, for `config check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Which one.
    pub key: Key,
    /// Its value as it was written; `None` if nothing is set. A secret is shown as its length.
    pub value: Option<String>,
    /// Who said so.
    pub place: Place,
}

impl Effective {
    pub(super) fn all(given: &BTreeMap<Key, Given>, profile: Profile, networks: &[IpNet]) -> Vec<Effective> {
        let one = |key: Key| {
            let Some(found) = given.get(&key) else {
                let value = key.default_text(profile).map(str::to_owned);
                return Effective { key, value, place: Place::Default };
            };
            let value = match (&found.file, key.is_secret()) {
                (Some(path), _) => format!("(from {})", path.display()),
                (None, true) => format!("({} characters)", found.text.trim().chars().count()),
                (None, false) => shown(found.text.trim()),
            };
            Effective { key, value: Some(value), place: found.place.clone() }
        };
        let mut all: Vec<Effective> = Key::ALL.into_iter().map(one).collect();
        // `dev` adds to what was written.
        if let (Profile::Dev, Some(shown)) =
            (profile, all.iter_mut().find(|shown| shown.key == Key::AllowTargetNetworks))
        {
            let texts: Vec<String> = networks.iter().map(IpNet::to_string).collect();
            shown.value = Some(texts.join(","));
        }
        all
    }
}

/// More of a value than this helps nobody to find it.
const SHOWN_CHARS: usize = 200;

/// A value that is no secret itself, without the user and password that a URL may carry.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    let authority = shown.find("://").map(|scheme| scheme + "://".len());
    if let (Some(start), Some(end)) = (authority, shown.rfind('@'))
        && start < end
    {
        shown.replace_range(start..end, "…");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says_before_its_host_is_not_shown() {
        assert_eq!(shown("postgres://me:p@ss@db/x"), "postgres://…@db/x");
        assert_eq!(shown("https://hooks.example.com/a"), "https://hooks.example.com/a");
        assert_eq!(shown("me@home"), "me@home");
        assert_eq!(shown(&"é".repeat(300)).chars().count(), SHOWN_CHARS + 1);
    }
}
