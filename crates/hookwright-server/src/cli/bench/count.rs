//! What the server says it has done, in its metrics: only that ends a measurement.

use super::super::rig::{Api, RigError};

/// What the server counts when it is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Attempts that succeeded.
    Attempts,
    /// Requests to sources that were proven and are stored.
    Stored,
}

impl Count {
    /// The metric that has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Count::Attempts => "hookwright_attempts_total",
            Count::Stored => "hookwright_inbound_total",
        }
    }

    /// How many there are, if the server says so.
    ///
    /// # Errors
    ///
    /// If it gives no metrics.
    pub(super) async fn now(self, api: &Api) -> Result<Option<u64>, RigError> {
        Ok(self.within(&api.metrics().await?))
    }

    fn within(self, metrics: &str) -> Option<u64> {
        let label = match self {
            Count::Attempts => "outcome=\"success\"",
            Count::Stored => "verdict=\"verified\"",
        };
        let of_name = |line: &&str| line.strip_prefix(self.name()).is_some_and(|rest| rest.starts_with('{'));
        let mut total = None;
        for line in metrics.lines().filter(of_name) {
            if let Some((labels, value)) = line.rsplit_once(' ')
                && labels.contains(label)
                && let Ok(value) = value.parse::<u64>()
            {
                total = Some(total.unwrap_or(0) + value);
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn only_what_succeeded_counts() {
        let metrics = "# HELP hookwright_inbound_total Requests.\n\
            hookwright_inbound_total{verdict=\"verified\"} 7\nhookwright_inbound_total{verdict=\"refused\"} 5\n\
            hookwright_attempts_total{outcome=\"success\",x=\"1\"} 2\n\
            hookwright_attempts_total{outcome=\"success\",x=\"2\"} 3\n\
            hookwright_attempts_total{outcome=\"failure\"} 9\n";
        assert_eq!(Count::Stored.within(metrics), Some(7));
        assert_eq!(Count::Attempts.within(metrics), Some(5));
        assert_eq!(Count::Attempts.within(""), None);
    }
}
