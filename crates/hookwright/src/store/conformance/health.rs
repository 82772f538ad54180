//! The kept failures of endpoints.

use crate::domain::delivery::Transition;
use crate::domain::endpoint::DisabledReason;
use crate::domain::health::Health;
use crate::store::conformance::fixture::{Fixture, NOW, app, at, attempt, endpoint, ep, outcome, success};
use crate::store::read::FoundHealth;
use crate::store::write::{CatalogWrite, Changed, HealthChange, Outcome, Write};

/// An attempt that failed, with what is to be kept of it.
fn failed(number: u16, health: HealthChange) -> Write {
    let Write::Outcome(made) = outcome(attempt(1, 1, 9, number, 1), Transition::RetryAt(at(1))) else {
        panic!("it is an outcome")
    };
    Write::Outcome(Outcome { health, ..made })
}

fn health(first: u64, last_span: i64, previous_span: Option<i64>) -> Health {
    Health { first_failure_at: at(first), last_span, previous_span }
}

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

pub(super) async fn failures_that_nodes_know_of_come_together_in_whichever_order(mut f: Fixture) {
    f.configured(1, &[9]);
    let one = |first, span| HealthChange::Failed(health(first, span, None));
    let kept = async |f: &Fixture| f.store.health_all().await.unwrap().first().map(|(.., health)| *health);
    f.write(failed(100, one(20, 8)));
    f.write(failed(101, one(10, 7)));
    assert_eq!(kept(&f).await, Some(health(10, 8, Some(7))));
    f.write(failed(102, one(30, 8)));
    assert_eq!(kept(&f).await, Some(health(10, 8, Some(7))), "it adds nothing");
    f.commit([failed(103, one(50, 10)), failed(104, one(40, 9))]);
    assert_eq!(kept(&f).await, Some(health(10, 10, Some(9))), "also in one batch");
    f.commit([failed(105, HealthChange::Recovered), failed(106, one(60, 11))]);
    assert_eq!(kept(&f).await, Some(health(60, 11, None)), "what came before a success is past");
    f.commit([failed(107, one(70, 12)), failed(108, HealthChange::Recovered)]);
    assert_eq!(kept(&f).await, None);
}

pub(super) async fn what_failed_before_a_success_that_reset_nothing_is_found_to_be_past(mut f: Fixture) {
    f.configured(1, &[9]);
    let get = async |f: &Fixture, endpoint| f.store.health_get(app(1), ep(endpoint), at(999)).await.unwrap();
    assert_eq!(get(&f, 9).await, None);
    let first = health(100, 7, None);
    f.write(failed(100, HealthChange::Failing(first)));
    f.write(failed(110, HealthChange::None));
    assert_eq!(get(&f, 9).await, Some(FoundHealth { health: first, is_kept: true }));
    assert_eq!(get(&f, 8).await, None);

    f.write(outcome(success(attempt(1, 2, 9, 120, 1)), Transition::Delivered));
    f.write(outcome(success(attempt(1, 3, 8, 190, 1)), Transition::Delivered));
    let since = |time| Some(FoundHealth { health: health(time, 7, None), is_kept: false });
    assert_eq!(get(&f, 9).await, since(999), "nothing has failed since");
    f.write(failed(130, HealthChange::None));
    f.write(failed(140, HealthChange::None));
    assert_eq!(get(&f, 9).await, since(130));
}

pub(super) async fn an_endpoint_is_disabled_for_failing_only_as_long_as_that_is_kept(mut f: Fixture) {
    f.configured(1, &[9]);
    let disable = |since| CatalogWrite::EndpointDisable {
        application: app(1),
        endpoint: ep(9),
        reason: DisabledReason::Failing,
        failing_since: Some(at(since)),
        now: at(20),
    };
    assert_eq!(f.change(disable(10)), Changed::Stale, "another node had a success");
    f.write(failed(100, HealthChange::Failing(health(11, 7, None))));
    assert_eq!(f.change(disable(10)), Changed::Stale, "and it failed again since");
    assert_eq!(f.change(disable(11)), Changed::Yes);
    assert_eq!(f.store.health_all().await.unwrap(), []);
    f.write(failed(101, HealthChange::Failed(health(11, 7, None))));
    assert_eq!(f.store.health_all().await.unwrap(), [], "what was under way ended after it was disabled");
}
