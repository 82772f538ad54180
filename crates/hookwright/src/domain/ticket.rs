//! Tickets: secrets that let somebody in to an organisation for a while. Only their hashes are kept.

use std::time::Duration;

use crate::domain::ids::OrganisationId;
use crate::domain::time::Timestamp;

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    /// For whoever is signed in, until they sign out.
    Session,
    /// For one sign-in.
    Link,
}

impl TicketKind {
    /// How long a ticket is good, from when it was made, however much it is used.
    pub const fn lifetime(self) -> Duration {
        match self {
            TicketKind::Session => Duration::from_secs(12 * 3600),
            TicketKind::Link => Duration::from_secs(15 * 60),
        }
    }

    /// So many of an organisation are good at a time; a further one ends the oldest.
    pub const fn max(self) -> u32 {
        match self {
            TicketKind::Session => 256,
            TicketKind::Link => 64,
        }
    }

    /// The number it is kept as.
    pub(crate) const fn code(self) -> u8 {
        match self {
            TicketKind::Session => 1,
            TicketKind::Link => 2,
        }
    }
}

/// A ticket as it is looked for: what it is good for, and the hash of its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TicketRef {
    pub(crate) kind: TicketKind,
    pub(crate) hash: [u8; 32],
}

/// A ticket to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewTicket {
    pub(crate) ticket: TicketRef,
    pub(crate) lets_in_to: LetsInTo,
    pub(crate) now: Timestamp,
}

/// What a new ticket lets in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetsInTo {
    /// This organisation.
    Organisation(OrganisationId),
    /// That of this ticket, which must be good, and is used up by it.
    SameAs(TicketRef),
}

impl NewTicket {
    /// From then on it is refused.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.now.after(self.ticket.kind.lifetime())
    }
}
