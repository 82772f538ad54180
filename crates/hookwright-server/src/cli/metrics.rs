//! Collects what the program counts, for `/metrics`.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// Upper bounds for all durations, in seconds: fine around what a commit and a good receiver take, up to the longest
/// request that can be configured.
const SECONDS: [f64; 17] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 600.0];
/// How often what was counted is folded together, so that memory stays small when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder; the engine must start after it, since it looks its handles up once.
pub(crate) fn start(stop: CancellationToken) -> Result<PrometheusHandle, Failure> {
    let failed = |error| Failure::because("Metrics cannot be collected", &error);
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(failed)?;
    let handle = builder.install_recorder().map_err(failed)?;
    let upkept = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            upkept.run_upkeep();
        }
    });
    Ok(handle)
}
