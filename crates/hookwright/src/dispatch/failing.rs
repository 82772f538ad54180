//! What failures mean for an endpoint that several nodes call: each knows its own attempts at once, and of the others' what is kept.

use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::Shared;
use crate::domain::delivery::DeliveryKey;
use crate::domain::health::Health;
use crate::domain::time::Timestamp;
use crate::store::write::HealthChange;

/// So often a node looks at what is kept of others' attempts: little against the days that count.
const EVERY: Duration = Duration::from_secs(60);

/// What a failed attempt says of its endpoint.
pub(super) struct Judged {
    /// What is to be kept.
    pub(super) change: HealthChange,
    /// Since when it has been failing.
    pub(super) since: Timestamp,
    /// Whether it is to be disabled for that.
    pub(super) is_beyond_hope: bool,
}

/// Notes a failure, of an endpoint that `may_end` because of it or not.
///
/// Before it says that an endpoint is to be disabled it asks the database whether that is so: another node may have had a success that
/// was not known to reset anything, or one that is not known here. If the database cannot be asked, the endpoint stays as it is.
pub(super) async fn judge(shared: &Shared, key: DeliveryKey, may_end: bool, now: Timestamp) -> Judged {
    let (change, known) = shared.health.failed(key.endpoint, now);
    let on = Judged { change, since: known.first_failure_at, is_beyond_hope: false };
    if !may_end || !known.is_beyond_hope(now) {
        return on;
    }
    let found = match shared.store.health_get(key.application, key.endpoint, now).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(endpoint.id = %key.endpoint, %error, "could not ask since when an endpoint fails; the next failure will");
            return on;
        }
    };
    let first = Health::first_failure(now);
    let health = found.map_or(first, |found| found.health.merged(first));
    shared.health.set(key.endpoint, health);
    let change = match found {
        Some(found) if !found.is_kept => HealthChange::Failing(health),
        _ => HealthChange::Failed(first),
    };
    Judged { change, since: health.first_failure_at, is_beyond_hope: health.is_beyond_hope(now) }
}

/// Keeps up with what other nodes' attempts say, so that a success here resets what failed there.
pub(super) async fn keep_up(shared: Arc<Shared>) {
    while shared.store.is_shared() {
        let next = shared.clock.now().after(EVERY);
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.clock.sleep_until(next) => {}
        }
        match shared.store.health_all().await {
            Ok(kept) => shared.health.learn(kept.into_iter().map(|(_, endpoint, health)| (endpoint, health))),
            Err(error) => {
                tracing::debug!(%error, "could not read which endpoints fail; it will be tried again")
            }
        }
    }
}
