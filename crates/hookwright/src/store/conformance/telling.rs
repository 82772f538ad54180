//! What tells of a change is written with it, and the application it belongs to is seen by nobody.

use crate::domain::application::{Application, Purpose};
use crate::domain::delivery::{GiveUpReason, Transition};
use crate::domain::endpoint::DisabledReason;
use crate::domain::ids::OrganisationId;
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, append, application, attempt, ep, id, message, msg,
};
use crate::store::read::{ApplicationFilter, SearchBudget};
use crate::store::write::{Append, CatalogWrite, Changed, HealthChange, Outcome, Write, Written};

/// A message of application 2 to endpoint 2, which tells of something.
fn told(number: u16) -> Vec<Append> {
    match append(message(2, number), &[2], None) {
        Write::Append(append) => vec![append],
        _ => Vec::new(),
    }
}

pub(super) async fn what_tells_of_a_change_is_written_with_it_or_not_at_all(mut f: Fixture) {
    f.configured(1, &[1]);
    f.configured(2, &[2]);
    let mut disable = |number| {
        let reason = DisabledReason::Gone;
        let change = CatalogWrite::EndpointDisable {
            application: app(1),
            endpoint: ep(1),
            reason,
            failing_since: None,
            now: NOW,
        };
        match f.write(Write::Told(Box::new(Write::Catalog(change)), told(number))) {
            Written::Changed(changed) => changed,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((disable(1), disable(2)), (Changed::Yes, Changed::Missing));
    assert_eq!(f.ready(2, 2).await, [(msg(1), 0)]);
    assert_eq!(f.store.message_get(app(2), msg(2)).await.unwrap(), None);
}

pub(super) async fn what_tells_of_an_attempt_is_written_with_it(mut f: Fixture) {
    f.configured(1, &[1]);
    f.configured(2, &[2]);
    f.append(message(1, 1), &[1]);
    let attempt = attempt(1, 1, 1, 3, 1);
    let transition = Transition::GivenUp(GiveUpReason::Exhausted);
    let hold = f.hold();
    let outcome = Outcome { attempt, hold, transition, health: HealthChange::None, told: told(4) };
    f.write(Write::Outcome(outcome));
    assert!(f.ready(1, 1).await.is_empty());
    assert_eq!(f.ready(2, 2).await, [(msg(4), 0)]);
    assert_eq!(f.store.message_get(app(2), msg(4)).await.unwrap(), Some(message(2, 4)));
}

pub(super) async fn the_application_of_operational_webhooks_is_one_and_in_no_list(mut f: Fixture) {
    f.configured(1, &[]);
    let operational = |number, organisation| {
        let hidden = Application { organisation, purpose: Purpose::Operational, ..application(number) };
        CatalogWrite::ApplicationInsert(hidden)
    };
    let elsewhere = OrganisationId::from_bytes(id(9));
    assert_eq!(f.store.operational_application(DEFAULT_ORGANISATION).await.unwrap(), None);
    assert_eq!(f.change(operational(2, DEFAULT_ORGANISATION)), Changed::Yes);
    assert_eq!(f.change(operational(3, DEFAULT_ORGANISATION)), Changed::Taken);
    assert_eq!(f.change(operational(4, elsewhere)), Changed::Yes);
    assert_eq!(f.store.operational_application(DEFAULT_ORGANISATION).await.unwrap(), Some(app(2)));
    assert_eq!(f.store.operational_application(elsewhere).await.unwrap(), Some(app(4)));

    f.append(message(1, 5), &[]);
    f.append(message(2, 6), &[]);
    let listed = f.store.application_list(DEFAULT_ORGANISATION, all()).await.unwrap();
    assert_eq!(listed.items, [application(1)]);
    let (filter, budget) = (ApplicationFilter::default(), SearchBudget { applications: 10, endpoints: 10 });
    let found = f.store.application_search(DEFAULT_ORGANISATION, filter, budget, all()).await.unwrap();
    assert_eq!(found.page.items, [application(1)]);
    let recent = f.store.message_recent(DEFAULT_ORGANISATION, 10).await.unwrap();
    assert_eq!(recent.iter().map(|recent| recent.message.id).collect::<Vec<_>>(), [msg(5)]);
    let read = f.store.application_with_endpoints(app(2)).await.unwrap().unwrap();
    assert_eq!(read.application.purpose, Purpose::Operational);
}
