//! Second act: an endpoint fails twice and recovers.

use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::super::rig::AttemptOut;
use super::DemoError;
use super::screen::foreign;
use super::stage::{APPLICATION, PARCEL_SENT, Stage};

/// How long two retries of the demo's schedule may take.
const RECOVERY_WITHIN: Duration = Duration::from_secs(15);
/// How often the log of attempts is read.
const POLL: Duration = Duration::from_millis(50);

/// Sends one message and shows each attempt as the server logs it.
pub(super) async fn play(stage: &Stage) -> Result<(), DemoError> {
    let screen = stage.screen;
    screen.act(2, "An endpoint that fails twice and recovers")?;
    let api = stage.server.api();
    let payload = json!({"type": PARCEL_SENT, "parcel": "P-77"});
    let message = api.message(APPLICATION, PARCEL_SENT, &payload).await?;

    let started = Instant::now();
    let mut shown = 0;
    let mut first = None;
    while started.elapsed() < RECOVERY_WITHIN {
        let attempts = api.attempts(APPLICATION, &message).await?;
        for attempt in attempts.iter().skip(shown) {
            shown += 1;
            let first = *first.get_or_insert_with(|| time_of(attempt));
            let after = seconds_between(first, time_of(attempt));
            screen.field(format_args!("attempt {shown}, {after:>4.1} s"), told(attempt))?;
            if attempt.status == 0 {
                screen.good("recovered: the same webhook-id each time, so nothing was done twice")?;
                return Ok(());
            }
        }
        tokio::time::sleep(POLL).await;
    }
    Err(DemoError::TooLate { what: "The endpoint's recovery", seconds: RECOVERY_WITHIN.as_secs() })
}

/// What the server says of an attempt.
fn told(attempt: &AttemptOut) -> String {
    match (&attempt.reason, attempt.response_status_code) {
        _ if attempt.status == 0 => format!("answered {}", status_in_words(attempt.response_status_code)),
        (Some(reason), _) => foreign(reason.as_bytes()),
        (None, 0) => foreign(attempt.response.as_bytes()),
        (None, code) => format!("answered {}", status_in_words(code)),
    }
}

fn status_in_words(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    format!("{code} {}", reason.unwrap_or_default()).trim_end().to_owned()
}

fn time_of(attempt: &AttemptOut) -> Option<Timestamp> {
    attempt.timestamp.parse().ok()
}

/// Zero unless both are known.
fn seconds_between(earlier: Option<Timestamp>, later: Option<Timestamp>) -> f64 {
    earlier.zip(later).map_or(0.0, |(earlier, later)| later.duration_since(earlier).as_secs_f64())
}
