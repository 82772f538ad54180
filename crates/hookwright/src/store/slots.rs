//! Places of limits that nodes share, as they are asked for.

use std::time::Duration;

use crate::domain::ids::{ApplicationId, EndpointId};

/// Places of a limit to reserve, each an interval after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) application: ApplicationId,
    /// `None`: those of the application itself.
    pub(crate) endpoint: Option<EndpointId>,
    pub(crate) count: u32,
    pub(crate) interval: Duration,
}
