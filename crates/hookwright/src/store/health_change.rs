//! What an attempt changes about its endpoint's kept failures.

use crate::domain::health::Health;

/// What an attempt changes about an endpoint's kept failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HealthChange {
    /// Nothing worth a write.
    None,
    /// It failed: this comes to what is kept of this and other nodes' attempts.
    Failed(Health),
    /// It failed, and this is to be kept in the place of all else.
    Failing(Health),
    /// It succeeded after failures.
    Recovered,
}

impl HealthChange {
    /// This, and then another of the same endpoint.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite writes one after the other"))]
    pub(crate) fn then(self, next: HealthChange) -> HealthChange {
        match (self, next) {
            (before, HealthChange::None) => before,
            (HealthChange::Failed(before), HealthChange::Failed(health)) => {
                HealthChange::Failed(before.merged(health))
            }
            (HealthChange::Failing(before), HealthChange::Failed(health)) => {
                HealthChange::Failing(before.merged(health))
            }
            // What was kept is past.
            (HealthChange::Recovered, HealthChange::Failed(health)) => HealthChange::Failing(health),
            (_, next) => next,
        }
    }
}
