//! After the acts: the server stays up to be tried out, and what arrives is shown.

use std::time::Duration;

use jiff::Timestamp;

use super::DemoError;
use super::inbox::verify;
use super::screen::foreign;
use super::stage::{APPLICATION, ORDER_PAID, Stage};

/// The line on which a server prints the link to its page.
const LINK_PREFIX: &str = "page: ";
/// How long that line is waited for; the server is ready by then.
const LINK_WITHIN: Duration = Duration::from_secs(2);

/// Says how to send a webhook, and shows each as it arrives, until it is interrupted.
pub(super) async fn play(stage: &mut Stage) -> Result<(), DemoError> {
    let screen = stage.screen;
    screen.act(4, "Your turn: the server and the receiver stay up until Ctrl-C")?;
    if let Some(link) = stage.server.printed(LINK_PREFIX, LINK_WITHIN).await {
        screen.field("page", format_args!("{link}  (opens once)"))?;
    }
    screen.field("token", stage.setup.token())?;
    screen.line("Send a webhook from a shell, with curl or with Python:")?;
    screen.space()?;
    screen.command(&curl_line(&stage.setup.url(), stage.setup.token()))?;
    screen.space()?;
    screen.command(&python_line(&stage.setup.url(), stage.setup.token()))?;
    screen.space()?;
    screen.line("It arrives here:")?;
    while let Some(webhook) = stage.orders.recv().await {
        let time = Timestamp::now().strftime("%H:%M:%S");
        let body = foreign(&webhook.body);
        screen.field(format_args!("{time} UTC"), body)?;
        match verify(&stage.orders_verifier, &webhook) {
            Ok(verified) => screen.good(format_args!("verified            {}", verified.id))?,
            Err(error) => screen.bad(format_args!("not verified        {error}"))?,
        }
    }
    Ok(())
}

fn curl_line(server: &str, token: &str) -> String {
    format!(
        "curl -sSw '\\n' {server}/api/v1/app/{APPLICATION}/msg -H 'authorization: Bearer {token}' \
         -H 'content-type: application/json' \
         -d '{{\"eventType\":\"{ORDER_PAID}\",\"payload\":{{\"from\":\"curl\"}}}}'"
    )
}

/// The standard library alone, so that it runs wherever Python does.
fn python_line(server: &str, token: &str) -> String {
    format!(
        "python3 -c \"import json, urllib.request as u; print(u.urlopen(u.Request(\
         '{server}/api/v1/app/{APPLICATION}/msg', \
         json.dumps({{'eventType': '{ORDER_PAID}', 'payload': {{'from': 'Python'}}}}).encode(), \
         {{'authorization': 'Bearer {token}', 'content-type': 'application/json'}})).read().decode())\""
    )
}
