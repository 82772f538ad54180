//! Secrets that stand for something for a while: 32 random bytes each, of which only a hash is kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwright::domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A bounded number of secrets, each standing for a `T`.
pub(super) struct Tickets<T> {
    /// Good for so long.
    lifetime: Duration,
    /// At most so many are good at a time; a further one ends the oldest.
    max: usize,
    issued: Mutex<Vec<Ticket<T>>>,
}

struct Ticket<T> {
    hash: [u8; 32],
    expires_at: Timestamp,
    stands_for: T,
}

impl<T: Copy> Tickets<T> {
    pub(super) fn new(lifetime: Duration, max: usize) -> Tickets<T> {
        Tickets { lifetime, max, issued: Mutex::default() }
    }

    /// A new secret that stands for `stands_for`; `None` if the operating system gave no random bytes.
    pub(super) fn issue(&self, stands_for: T, now: Timestamp) -> Option<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).ok()?;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
        let ticket = Ticket { hash: hash(&secret), expires_at: now.after(self.lifetime), stands_for };
        let mut issued = self.good(now);
        if issued.len() >= self.max {
            issued.remove(0);
        }
        issued.push(ticket);
        Some(secret)
    }

    /// What `secret` stands for, if it is good at `now`.
    pub(super) fn find(&self, secret: &str, now: Timestamp) -> Option<T> {
        let issued = self.good(now);
        position(&issued, secret).map(|at| issued[at].stands_for)
    }

    /// What `secret` stood for, if it was good until now; from here on it is not.
    pub(super) fn take(&self, secret: &str, now: Timestamp) -> Option<T> {
        let mut issued = self.good(now);
        position(&issued, secret).map(|at| issued.remove(at).stands_for)
    }

    fn good(&self, now: Timestamp) -> MutexGuard<'_, Vec<Ticket<T>>> {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.retain(|ticket| now < ticket.expires_at);
        issued
    }
}

/// Looks at all of them, in constant time each, so that the time taken tells nothing of what is kept.
fn position<T>(issued: &[Ticket<T>], secret: &str) -> Option<usize> {
    let hash = hash(secret);
    let mut found = None;
    for (at, ticket) in issued.iter().enumerate() {
        if bool::from(ticket.hash.ct_eq(&hash)) {
            found = Some(at);
        }
    }
    found
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    #[test]
    fn a_secret_is_long_and_taken_once() {
        let tickets = Tickets::new(MINUTE, 4);
        let secret = tickets.issue(7, NOW).unwrap();
        assert_eq!(secret.len(), 43);
        assert_eq!(tickets.find(&secret, NOW), Some(7));
        assert_eq!(tickets.take("wrong", NOW), None);
        assert_eq!(tickets.take(&secret, NOW), Some(7));
        assert_eq!(tickets.take(&secret, NOW), None);
    }

    #[test]
    fn a_secret_ends_with_its_lifetime_or_when_too_many_follow() {
        let tickets = Tickets::new(MINUTE, 2);
        let first = tickets.issue(1, NOW).unwrap();
        let second = tickets.issue(2, NOW).unwrap();
        let third = tickets.issue(3, NOW).unwrap();
        assert_eq!(tickets.find(&first, NOW), None);
        assert_eq!(tickets.find(&second, NOW), Some(2));
        assert_eq!(tickets.find(&third, NOW.after(MINUTE)), None);
    }
}
