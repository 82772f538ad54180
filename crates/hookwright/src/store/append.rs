//! A message to store, with where it goes and by what that was decided.

use std::sync::Arc;

use crate::domain::ids::{BroadcastId, EndpointId};
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::store::write::RequestKey;

/// A message to store, with where it goes.
pub(crate) struct Append {
    pub(crate) message: Arc<Message>,
    /// The endpoints that want it, each once.
    pub(crate) endpoints: Vec<EndpointId>,
    /// The idempotency key that the request carried.
    pub(crate) key: Option<RequestKey>,
    /// When its payload goes, if before the message itself.
    pub(crate) payload_expires_at: Option<Timestamp>,
    /// The event for all that it is of, whose payload is stored with that.
    pub(crate) broadcast: Option<BroadcastId>,
    /// What was known of the catalog when its endpoints were looked up, as [`Store::catalog_known`](crate::store::Store::catalog_known)
    /// had it before: if another node has changed its application since, it is not stored. `None`: it goes where it says.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has one node"))]
    pub(crate) routed_by: Option<i64>,
}

impl Append {
    /// A message to store that nobody's request carried a key for, and whose payload stays as long as it does.
    pub(crate) fn plain(message: Arc<Message>, endpoints: Vec<EndpointId>) -> Append {
        let (key, payload_expires_at, broadcast, routed_by) = (None, None, None, None);
        Append { message, endpoints, key, payload_expires_at, broadcast, routed_by }
    }

    /// The same, if its application is still as it was when so much was known.
    pub(crate) fn routed_by(self, known: i64) -> Append {
        Append { routed_by: Some(known), ..self }
    }
}
