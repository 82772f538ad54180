//! What callers say of an endpoint: how they name it, what a new one is, what a change may change.

use hookwright_signature::Secret;

use crate::domain::endpoint::{DisabledReason, EndpointSettings, Header};
use crate::domain::ids::EndpointId;
use crate::domain::names::{NameError, Uid};

/// How callers name an endpoint of an application: by our id or by their uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointRef {
    /// Our id.
    Id(EndpointId),
    /// The product's own name for it.
    Uid(Uid),
}

impl EndpointRef {
    /// Reads an id or a uid; a text that can be neither is an error.
    pub fn parse(text: &str) -> Result<EndpointRef, NameError> {
        match text.parse() {
            Ok(id) => Ok(EndpointRef::Id(id)),
            Err(_) => Uid::parse(text).map(EndpointRef::Uid),
        }
    }

    /// The uid that this names if it is no id of ours: an id of another server may have been taken over as one.
    pub fn as_uid(&self) -> Option<Uid> {
        match self {
            EndpointRef::Id(id) => Uid::parse(&id.to_string()).ok(),
            EndpointRef::Uid(uid) => Some(uid.clone()),
        }
    }
}

/// An endpoint to be made.
#[derive(Debug, Clone, Default)]
pub struct NewEndpoint {
    /// What is set on it.
    pub settings: EndpointSettings,
    /// Signs its webhooks; a fresh one is made if not given.
    pub secret: Option<Secret>,
    /// Sent with each attempt.
    pub headers: Vec<Header>,
    /// Whether it gets nothing until it is enabled.
    pub disabled: Option<DisabledReason>,
}

/// What a change of an endpoint may change.
#[derive(Debug, Clone)]
pub struct EndpointEdit {
    /// What is set on it.
    pub settings: EndpointSettings,
    /// Sent with each attempt.
    pub headers: Vec<Header>,
    /// Why it gets nothing, if so.
    pub disabled: Option<DisabledReason>,
}
