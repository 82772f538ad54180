//! Calls about tickets: who is signed in, and links that sign in. They hold on all nodes, and over a restart.

use zeroize::Zeroizing;

use crate::catalog::{hash, random_text};
use crate::domain::ids::OrganisationId;
use crate::domain::ticket::{LetsInTo, NewTicket, TicketKind, TicketRef};
use crate::error::Error;
use crate::hooks::Hooks;
use crate::store::write::{Changed, Write};

impl Hooks {
    /// Makes a ticket that lets in to `organisation`, and gives its secret, of which only a hash is kept: letters and digits alone.
    pub async fn ticket_issue(
        &self,
        kind: TicketKind,
        organisation: OrganisationId,
    ) -> Result<Zeroizing<String>, Error> {
        self.ticket_make(kind, LetsInTo::Organisation(organisation)).await.map(|(secret, _)| secret)
    }

    /// Makes a session of a link that is good, in one: the link is used up, whoever else opens it, and on whichever node. `None` if
    /// it is not good.
    pub async fn ticket_redeem(&self, link: &str) -> Result<Option<Zeroizing<String>>, Error> {
        // Whoever makes links up is given no place in a batch.
        if self.ticket_find(TicketKind::Link, link).await?.is_none() {
            return Ok(None);
        }
        let link = named(TicketKind::Link, link);
        let (secret, changed) = self.ticket_make(TicketKind::Session, LetsInTo::SameAs(link)).await?;
        Ok((changed == Changed::Yes).then_some(secret))
    }

    /// The organisation that the ticket of this kind with this secret lets in to, if it is good now. It is asked of the database each
    /// time, so that one which ended is refused from then on by all nodes.
    pub async fn ticket_find(&self, kind: TicketKind, secret: &str) -> Result<Option<OrganisationId>, Error> {
        Ok(self.inner.store.ticket_find(named(kind, secret), self.inner.clock.now()).await?)
    }

    /// Makes a ticket good for nothing, if it is not that already.
    pub async fn ticket_end(&self, kind: TicketKind, secret: &str) -> Result<(), Error> {
        self.inner.journal.change_ticket(Write::TicketEnd(named(kind, secret))).await.map(|_| ())
    }

    async fn ticket_make(
        &self,
        kind: TicketKind,
        lets_in_to: LetsInTo,
    ) -> Result<(Zeroizing<String>, Changed), Error> {
        let secret = random_text("")?;
        let new = NewTicket { ticket: named(kind, &secret), lets_in_to, now: self.inner.clock.now() };
        let changed = self.inner.journal.change_ticket(Write::TicketIssue(new)).await?;
        Ok((secret, changed))
    }
}

fn named(kind: TicketKind, secret: &str) -> TicketRef {
    TicketRef { kind, hash: hash(secret) }
}
