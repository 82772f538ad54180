//! First act: a signed webhook, as it arrives.

use std::time::Duration;

use serde_json::json;

use super::DemoError;
use super::inbox::verify;
use super::screen::foreign;
use super::stage::{APPLICATION, ORDER_PAID, Stage};

/// What is shown of the request's head.
const HEADERS_SHOWN: [&str; 4] = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"];
/// How long a first webhook may take.
const ARRIVAL_WITHIN: Duration = Duration::from_secs(10);

/// Sends one message, shows its webhook and checks the signature.
pub(super) async fn play(stage: &mut Stage) -> Result<(), DemoError> {
    let screen = stage.screen;
    screen.act(1, "A signed webhook, as it arrives")?;
    let payload = json!({"type": ORDER_PAID, "order": "A-1042", "total": "19.90"});
    stage.server.api().message(APPLICATION, ORDER_PAID, &payload).await?;
    let webhook = stage.next_order(ARRIVAL_WITHIN).await?;

    screen.line(format_args!("{} {}", webhook.method, webhook.path))?;
    for name in HEADERS_SHOWN {
        if let Some(value) = webhook.headers.get(name) {
            screen.field(name, foreign(value.as_bytes()))?;
        }
    }
    screen.line(foreign(&webhook.body))?;
    if let Err(error) = verify(&stage.orders_verifier, &webhook) {
        screen.bad("not verified")?;
        return Err(error.into());
    }
    screen.good("verified: id, time and body are what was signed")?;
    Ok(())
}
