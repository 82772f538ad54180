//! One-time links that open the page without typing a token, for those who can read the server's terminal.

use std::sync::Arc;
use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;

use crate::pages::tickets::Tickets;

/// A link is good for so long.
pub const LINK_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// So many links are good at a time; a further one ends the oldest.
const LINKS_MAX: usize = 64;

/// Makes and redeems one-time links. Clones share them.
#[derive(Clone)]
pub struct LoginLinks {
    clock: Clock,
    issued: Arc<Tickets<()>>,
}

impl Default for LoginLinks {
    fn default() -> LoginLinks {
        LoginLinks::new()
    }
}

impl std::fmt::Debug for LoginLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginLinks").finish_non_exhaustive()
    }
}

impl LoginLinks {
    /// No links yet, on the machine's clock.
    pub fn new() -> LoginLinks {
        LoginLinks::with_clock(Clock::system())
    }

    /// No links yet, on this clock.
    pub fn with_clock(clock: Clock) -> LoginLinks {
        LoginLinks { clock, issued: Arc::new(Tickets::new(LINK_LIFETIME, LINKS_MAX)) }
    }

    /// The path of a new link, `/login/…`, which opens the page once and for [`LINK_LIFETIME`].
    ///
    /// Should the operating system give no random bytes it is `/login`, where a token is asked for.
    pub fn issue(&self) -> String {
        match self.issued.issue((), self.now()) {
            Some(secret) => format!("/login/{}", secret.as_str()),
            None => "/login".to_owned(),
        }
    }

    /// Whether the link ending in `secret` would open the page now.
    pub(super) fn is_good(&self, secret: &str) -> bool {
        self.issued.find(secret, self.now()).is_some()
    }

    /// Uses the link ending in `secret` up; whether it was good.
    pub(super) fn redeem(&self, secret: &str) -> bool {
        self.issued.take(secret, self.now()).is_some()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_the_page_once_and_for_a_quarter_of_an_hour() {
        let clock = Clock::manual(Timestamp::from_micros(1_800_000_000_000_000));
        let links = LoginLinks::with_clock(clock.clone());
        let secret = |path: String| path.strip_prefix("/login/").unwrap().to_owned();
        let (used, late) = (secret(links.issue()), secret(links.issue()));

        assert!(links.is_good(&used) && links.is_good(&used));
        assert!(links.redeem(&used) && !links.redeem(&used));
        clock.advance(LINK_LIFETIME);
        assert!(!links.is_good(&late) && !links.redeem(&late));
    }
}
