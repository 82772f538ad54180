//! Tickets: who is signed in, and links that sign in.

use crate::domain::ids::OrganisationId;
use crate::domain::ticket::TicketKind::{self, Link, Session};
use crate::domain::ticket::{LetsInTo, NewTicket, TicketRef};
use crate::domain::time::Timestamp;
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{Fixture, at, id};
use crate::store::conformance::token::{EVERYTHING, customer, insert, token};
use crate::store::write::{CatalogWrite, Changed, Write, Written};

const OURS: LetsInTo = LetsInTo::Organisation(DEFAULT_ORGANISATION);

fn ticket(kind: TicketKind, number: u16) -> TicketRef {
    let mut hash = [7; 32];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    TicketRef { kind, hash }
}

fn write(f: &mut Fixture, write: Write) -> Changed {
    match f.write(write) {
        Written::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

fn issue(f: &mut Fixture, ticket: TicketRef, lets_in_to: LetsInTo, now: Timestamp) -> Changed {
    write(f, Write::TicketIssue(NewTicket { ticket, lets_in_to, now }))
}

pub(super) async fn a_ticket_is_good_for_what_it_was_made_for_until_it_ends(mut f: Fixture) {
    let theirs = OrganisationId::from_bytes(id(5));
    assert_eq!(issue(&mut f, ticket(Link, 1), OURS, at(0)), Changed::Yes);
    assert_eq!(issue(&mut f, ticket(Session, 2), LetsInTo::Organisation(theirs), at(0)), Changed::Yes);
    assert_eq!(f.store.ticket_find(ticket(Link, 1), at(899)).await.unwrap(), Some(DEFAULT_ORGANISATION));
    assert_eq!(f.store.ticket_find(ticket(Session, 2), at(899)).await.unwrap(), Some(theirs));
    for other in [ticket(Session, 1), ticket(Link, 2), ticket(Link, 3)] {
        assert_eq!(f.store.ticket_find(other, at(0)).await.unwrap(), None, "{other:?}");
        assert_eq!(write(&mut f, Write::TicketEnd(other)), Changed::Missing, "{other:?}");
    }
    assert_eq!(f.store.ticket_find(ticket(Link, 1), at(900)).await.unwrap(), None);

    // Those that expired go, and no others.
    assert!(matches!(f.write(Write::ExpireTickets { now: at(900) }), Written::Done));
    assert_eq!(f.store.ticket_find(ticket(Link, 1), at(0)).await.unwrap(), None);
    let mut f = f.reopen();
    assert_eq!(f.store.ticket_find(ticket(Session, 2), at(43_199)).await.unwrap(), Some(theirs));
    assert_eq!(write(&mut f, Write::TicketEnd(ticket(Session, 2))), Changed::Yes);
    assert_eq!(f.store.ticket_find(ticket(Session, 2), at(0)).await.unwrap(), None);
}

pub(super) async fn a_ticket_is_used_up_by_the_one_that_is_made_for_it(mut f: Fixture) {
    let theirs = OrganisationId::from_bytes(id(5));
    let (link, late) = (ticket(Link, 1), ticket(Link, 2));
    assert_eq!(issue(&mut f, link, LetsInTo::Organisation(theirs), at(0)), Changed::Yes);
    assert_eq!(issue(&mut f, late, LetsInTo::Organisation(theirs), at(0)), Changed::Yes);
    let session =
        |f: &mut Fixture, number, used, now| issue(f, ticket(Session, number), LetsInTo::SameAs(used), now);
    assert_eq!(session(&mut f, 3, TicketRef { kind: Session, ..link }, at(1)), Changed::Missing);
    assert_eq!(session(&mut f, 4, link, at(1)), Changed::Yes);
    assert_eq!(session(&mut f, 5, link, at(1)), Changed::Missing, "it was used");
    assert_eq!(session(&mut f, 6, late, at(900)), Changed::Missing, "it has expired");
    assert_eq!(f.store.ticket_find(link, at(1)).await.unwrap(), None);
    for (number, lets_in_to) in [(3, None), (4, Some(theirs)), (5, None), (6, None)] {
        let found = f.store.ticket_find(ticket(Session, number), at(1)).await.unwrap();
        assert_eq!(found, lets_in_to, "{number}");
    }
}

pub(super) async fn too_many_tickets_end_the_oldest_of_their_kind(mut f: Fixture) {
    assert_eq!(issue(&mut f, ticket(Session, 999), OURS, at(0)), Changed::Yes);
    let theirs = LetsInTo::Organisation(OrganisationId::from_bytes(id(5)));
    assert_eq!(issue(&mut f, ticket(Link, 998), theirs, at(0)), Changed::Yes);
    for number in 0..64 {
        assert_eq!(issue(&mut f, ticket(Link, number), OURS, at(2)), Changed::Yes);
    }
    assert_eq!(issue(&mut f, ticket(Link, 64), OURS, at(1)), Changed::Yes);
    let good =
        async |f: &Fixture, number| f.store.ticket_find(ticket(Link, number), at(3)).await.unwrap().is_some();
    let mut left = Vec::new();
    for number in 0..65 {
        left.extend(good(&f, number).await.then_some(number));
    }
    assert_eq!(left.len(), 64);
    assert!(left.contains(&64), "one that was just made is never the one that goes");
    assert_eq!(issue(&mut f, ticket(Link, 65), OURS, at(2)), Changed::Yes);
    assert!(good(&f, 65).await && !good(&f, 64).await, "the oldest goes");
    assert!(good(&f, 998).await, "it is another organisation's");
    assert!(
        f.store.ticket_find(ticket(Session, 999), at(3)).await.unwrap().is_some(),
        "it is of another kind"
    );
}

pub(super) async fn sessions_end_with_any_token_of_their_whole_organisation(mut f: Fixture) {
    let (operator, portal) = (token(1, EVERYTHING, None), token(2, customer(1), None));
    insert(&mut f, &operator, 1);
    insert(&mut f, &portal, 2);
    let theirs = OrganisationId::from_bytes(id(5));
    for (number, organisation) in [(3, DEFAULT_ORGANISATION), (4, theirs)] {
        let lets_in_to = LetsInTo::Organisation(organisation);
        assert_eq!(issue(&mut f, ticket(Session, number), lets_in_to, at(0)), Changed::Yes);
    }
    let good = async |f: &Fixture, number| {
        f.store.ticket_find(ticket(Session, number), at(1)).await.unwrap().is_some()
    };
    let revoke = |id| CatalogWrite::TokenRevoke { organisation: DEFAULT_ORGANISATION, id, now: at(1) };
    assert_eq!(f.change(revoke(portal.id)), Changed::Yes);
    assert!(good(&f, 3).await, "nobody signs in with that");
    assert_eq!(f.change(revoke(operator.id)), Changed::Yes);
    assert!(!good(&f, 3).await && good(&f, 4).await);
}
