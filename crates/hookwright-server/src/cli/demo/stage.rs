//! What the demo is played on: the server, its receiver, one application with three endpoints.

use std::sync::Arc;
use std::time::Duration;

use hookwright_signature::Verifier;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::super::rig::{Api, ChildServer, Receiver, RigError, ServerSetup, Webhook};
use super::DemoError;
use super::inbox::{self, Inbox, ORDERS, PARCELS, STOCK};
use super::screen::Screen;

/// The application's uid, which stands in the lines that users copy.
pub(super) const APPLICATION: &str = "demo";
/// What [`ORDERS`] wants.
pub(super) const ORDER_PAID: &str = "order.paid";
/// What [`PARCELS`] wants.
pub(super) const PARCEL_SENT: &str = "parcel.sent";
/// What [`STOCK`] wants.
pub(super) const STOCK_CHANGED: &str = "stock.changed";

/// Short, so that a recovery can be watched.
const RETRY_SCHEDULE: &str = "500ms,1s,2s,4s,8s";

/// Everything the acts use. Fields are dropped in order: the server is gone before its directory is.
pub(super) struct Stage {
    pub(super) screen: Screen,
    pub(super) server: ChildServer,
    pub(super) setup: ServerSetup,
    pub(super) inbox: Arc<Inbox>,
    pub(super) orders: mpsc::Receiver<Webhook>,
    pub(super) orders_verifier: Verifier,
    /// Messages of the third act.
    pub(super) messages: u64,
    _receiver: Receiver,
    _directory: TempDir,
}

impl Stage {
    /// Starts the server and the receiver, and configures one for the other.
    pub(super) async fn set_up(screen: Screen, messages: u64) -> Result<Stage, DemoError> {
        let directory = tempfile::Builder::new()
            .prefix("hookwright-demo-")
            .tempdir()
            .map_err(|source| RigError::Io { what: "make a directory for the demo", source })?;
        let setup = ServerSetup::new(directory.path())?
            .with("HOOKWRIGHT_RETRY_SCHEDULE", RETRY_SCHEDULE)
            .with_argument("--print-login-link");
        let (inbox, orders) = Inbox::new();
        let inbox = Arc::new(inbox);
        let receiver = Receiver::start(Arc::clone(&inbox)).await?;
        let server = setup.start().await?;

        let api = server.api();
        api.application("Demo", APPLICATION).await?;
        let order_secret = subscribe(api, ORDER_PAID, "An order was paid.", &receiver.url(ORDERS)).await?;
        subscribe(api, PARCEL_SENT, "A parcel was sent.", &receiver.url(PARCELS)).await?;
        let stock_secret =
            subscribe(api, STOCK_CHANGED, "There is more or less of an article.", &receiver.url(STOCK))
                .await?;
        inbox.stock().expect_signatures_of(inbox::verifier(&stock_secret)?);
        Ok(Stage {
            screen,
            server,
            setup,
            inbox,
            orders,
            orders_verifier: inbox::verifier(&order_secret)?,
            messages,
            _receiver: receiver,
            _directory: directory,
        })
    }

    /// The next webhook for [`ORDERS`], waited for up to `within`.
    pub(super) async fn next_order(&mut self, within: Duration) -> Result<Webhook, DemoError> {
        let late = DemoError::TooLate { what: "The arrival of a webhook", seconds: within.as_secs() };
        // The channel cannot close before the inbox, which this stage holds.
        tokio::time::timeout(within, self.orders.recv()).await.ok().flatten().ok_or(late)
    }
}

/// Makes an event type and an endpoint for it; gives the endpoint's secret.
async fn subscribe(api: &Api, event_type: &str, about: &str, url: &str) -> Result<String, RigError> {
    api.event_type(event_type, about).await?;
    let endpoint = api.endpoint(APPLICATION, url, Some(event_type)).await?;
    api.endpoint_secret(APPLICATION, &endpoint).await
}
