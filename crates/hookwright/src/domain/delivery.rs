//! Deliveries: a message on its way to an endpoint, and each way it can go on after an attempt.

use crate::domain::attempt::Trigger;
use crate::domain::endpoint::DisabledReason;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::domain::time::Timestamp;

/// Which delivery: one message to one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// Whose message it is.
    pub application: ApplicationId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// What goes there.
    pub message: MessageId,
}

/// A message on its way to an endpoint. It exists only while it is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Which message, to where.
    pub key: DeliveryKey,
    /// How many attempts were made so far.
    pub attempts: u16,
    /// Who asked for it.
    pub trigger: Trigger,
}

/// How a delivery goes on after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The endpoint took the message.
    Delivered,
    /// Another attempt is due.
    RetryAt(Timestamp),
    /// No attempt will follow of its own accord.
    GivenUp(GiveUpReason),
}

/// Why no attempt follows a failed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUpReason {
    /// The schedule has no further attempt.
    Exhausted,
    /// The endpoint asked to end this delivery, with `webhook-delivery: abort-message`.
    Aborted,
    /// The message's payload is no longer stored.
    PayloadGone,
    /// The endpoint was disabled by this attempt.
    Disabled(DisabledReason),
}
