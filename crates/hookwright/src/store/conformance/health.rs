//! The kept failures of endpoints.

use crate::domain::delivery::Transition;
use crate::domain::health::Health;
use crate::store::conformance::fixture::{Fixture, NOW, app, at, attempt, endpoint, ep};
use crate::store::write::{CatalogWrite, Changed, HealthChange, Outcome, Write};

pub(super) async fn failures_are_kept_until_a_success_or_a_change_of_the_endpoint(mut f: Fixture) {
    f.configured(1, &[8, 9]);
    let health = |last_span, previous_span| Health { first_failure_at: NOW, last_span, previous_span };
    let mut number = 100;
    let mut record = |f: &mut Fixture, endpoint, health| {
        number += 1;
        let attempt = attempt(1, 1, endpoint, number, 1);
        f.write(Write::Outcome(Outcome {
            attempt,
            hold: f.hold(),
            transition: Transition::RetryAt(at(1)),
            health,
            told: Vec::new(),
        }));
    };
    record(&mut f, 9, HealthChange::Failing(health(7, None)));
    record(&mut f, 8, HealthChange::Failing(health(7, None)));
    record(&mut f, 9, HealthChange::Failing(health(8, Some(7))));
    record(&mut f, 9, HealthChange::None);
    let mut kept = f.store.health_all().await.unwrap();
    kept.sort_by_key(|kept| kept.1);
    assert_eq!(kept, [(app(1), ep(8), health(7, None)), (app(1), ep(9), health(8, Some(7)))]);
    record(&mut f, 8, HealthChange::Recovered);
    assert_eq!(f.store.health_all().await.unwrap().len(), 1);
    let changed = crate::domain::endpoint::Endpoint { updated_at: at(1), ..endpoint(1, 9) };
    let update = CatalogWrite::EndpointUpdate { endpoint: Box::new(changed), unless_changed_since: NOW };
    assert_eq!(f.change(update), Changed::Yes);
    assert_eq!(f.store.health_all().await.unwrap(), []);
    record(&mut f, 9, HealthChange::Failing(health(9, None)));
    assert_eq!(f.change(CatalogWrite::EndpointDelete(app(1), ep(9))), Changed::Yes);
    assert_eq!(f.store.health_all().await.unwrap(), []);
    record(&mut f, 9, HealthChange::Failing(health(9, None)));
    assert_eq!(f.store.health_all().await.unwrap(), [], "its last attempt ended after it was deleted");
}
