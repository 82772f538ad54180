//! The demo's receiver: three paths with three tempers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use hookwright_signature::{KeyError, Verified, Verifier, VerifyError};
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::super::rig::{Answer, Answering, Webhook};

/// Takes what it gets.
pub(super) const ORDERS: &str = "/orders";
/// Fails twice, then takes what it gets.
pub(super) const PARCELS: &str = "/parcels";
/// Counts what it gets.
pub(super) const STOCK: &str = "/stock";

/// Webhooks for [`ORDERS`] that wait to be shown; beyond them they are taken and not shown.
const SHOWN_BACKLOG: usize = 256;

/// Where the demo's webhooks arrive.
pub(super) struct Inbox {
    shown: mpsc::Sender<Webhook>,
    parcel_attempts: AtomicU32,
    stock: Tally,
}

/// What of a numbered lot arrived, and how often.
#[derive(Default)]
pub(super) struct Tally {
    verifier: OnceLock<Verifier>,
    arrivals: Mutex<HashMap<u64, u32>>,
}

/// What a [`Tally`] says at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Different messages.
    pub(super) arrived: u64,
    /// Arrivals of a message beyond its first.
    pub(super) duplicates: u64,
}

/// The payload of a counted message.
#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

impl Inbox {
    /// An empty inbox, and the webhooks of [`ORDERS`] as they arrive.
    pub(super) fn new() -> (Inbox, mpsc::Receiver<Webhook>) {
        let (shown, arriving) = mpsc::channel(SHOWN_BACKLOG);
        (Inbox { shown, parcel_attempts: AtomicU32::new(0), stock: Tally::default() }, arriving)
    }

    /// What arrived for [`STOCK`].
    pub(super) fn stock(&self) -> &Tally {
        &self.stock
    }
}

impl Answering for Inbox {
    fn answer(&self, webhook: Webhook) -> Answer {
        match webhook.path.as_str() {
            ORDERS => {
                // A full backlog means that nobody looks; the webhook itself was taken.
                let _ = self.shown.try_send(webhook);
                Answer::Status(StatusCode::NO_CONTENT)
            }
            PARCELS => match self.parcel_attempts.fetch_add(1, Ordering::Relaxed) {
                0 => Answer::HangUp,
                1 => Answer::Status(StatusCode::SERVICE_UNAVAILABLE),
                _ => Answer::Status(StatusCode::NO_CONTENT),
            },
            STOCK => Answer::Status(self.stock.take(&webhook)),
            _ => Answer::Status(StatusCode::NOT_FOUND),
        }
    }
}

impl Tally {
    /// Says what genuine webhooks are signed with; the first call counts.
    pub(super) fn expect_signatures_of(&self, verifier: Verifier) {
        let _ = self.verifier.set(verifier);
    }

    /// What arrived so far.
    pub(super) fn count(&self) -> Count {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        Count {
            arrived: arrivals.len() as u64,
            duplicates: arrivals.values().map(|times| u64::from(*times) - 1).sum(),
        }
    }

    /// How many of `numbers` did not arrive.
    pub(super) fn missing(&self, numbers: impl Iterator<Item = u64>) -> u64 {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.filter(|number| !arrivals.contains_key(number)).count() as u64
    }

    /// Counts a genuine webhook; others do not count as arrived.
    fn take(&self, webhook: &Webhook) -> StatusCode {
        let genuine = self.verifier.get().is_some_and(|verifier| verify(verifier, webhook).is_ok());
        if !genuine {
            return StatusCode::UNAUTHORIZED;
        }
        let Ok(Numbered { number }) = serde_json::from_slice(&webhook.body) else {
            return StatusCode::BAD_REQUEST;
        };
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        *arrivals.entry(number).or_default() += 1;
        StatusCode::NO_CONTENT
    }
}

/// Reads an endpoint's secret.
pub(super) fn verifier(secret: &str) -> Result<Verifier, KeyError> {
    Verifier::parse(secret)
}

/// Checks a webhook as any receiver would.
pub(super) fn verify(verifier: &Verifier, webhook: &Webhook) -> Result<Verified, VerifyError> {
    verifier.verify(|name| webhook.headers.get(name), &webhook.body)
}
