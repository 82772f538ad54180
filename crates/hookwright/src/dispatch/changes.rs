//! What a change of an endpoint or an application means for what is on its way.

use std::sync::Arc;

use crate::dispatch::{Dispatch, Shared};
use crate::domain::application::Application;
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{ApplicationId, EndpointId, MessageId};
use crate::store::write::{Write, Written};

/// Rows of ended deliveries that are removed in one batch.
const END_SLICE: u32 = 500;

impl Dispatch {
    /// An endpoint was changed: its limit may be another, and what it failed at before is past.
    pub(crate) fn endpoint_changed(&self, endpoint: &Endpoint) {
        let now = self.shared.clock.now();
        self.shared.health.remove(endpoint.id);
        self.shared.lanes().reconfigure_endpoint(endpoint.id, endpoint.settings.throttle_rate, now);
        if endpoint.disabled.is_some() {
            self.shared.end_deliveries(endpoint.application, endpoint.id, self.shared.newest());
        }
        self.shared.pump();
    }

    /// An application was changed: its limit may be another.
    pub(crate) fn application_changed(&self, application: &Application) {
        self.shared.lanes().reconfigure_application(application.id, application.settings.throttle_rate);
        self.shared.pump();
    }

    /// An endpoint was deleted: what was on its way to it ends.
    pub(crate) fn endpoint_deleted(&self, application: ApplicationId, endpoint: EndpointId) {
        self.shared.end_deliveries(application, endpoint, self.shared.newest());
    }
}

impl Shared {
    /// Ends what is on its way to an endpoint that is disabled or gone, in memory at once and on disk in slices.
    ///
    /// Only messages up to `up_to` are meant: the endpoint may be enabled again, and get others, at any moment.
    pub(super) fn end_deliveries(
        self: &Arc<Self>,
        application: ApplicationId,
        endpoint: EndpointId,
        up_to: MessageId,
    ) {
        self.health.remove(endpoint);
        self.lanes().clear(endpoint, up_to);
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                let write = Write::EndDeliveries { application, endpoint, up_to, limit: END_SLICE };
                if shared.stop.is_cancelled() {
                    // What is left is found at the next start.
                    break;
                }
                match shared.journal.write(write).await {
                    Ok(Written::Removed(removed)) if removed >= END_SLICE => {}
                    _ => break,
                }
            }
            // Newer messages that stood on disk are found by a pass over what is left, and so are failed slices.
            shared.lanes().left_on_disk(endpoint);
            shared.pump();
        });
    }
}
