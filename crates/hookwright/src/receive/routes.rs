//! Where the message goes that a request to a source becomes.

use crate::catalog::{ApplicationEntry, Catalog};
use crate::domain::confirmation::asking_lane;
use crate::domain::ids::EndpointId;
use crate::domain::names::EventTypeName;
use crate::domain::source::Source;

/// Where a message of this source goes.
pub(super) struct Routes {
    /// Its endpoints; while it is held the lane in which its sender is asked, and nobody else.
    pub(super) endpoints: Vec<EndpointId>,
    /// Whether it is held until it is confirmed.
    pub(super) is_held: bool,
}

/// Where a message of this event type goes: to those who want it, or to nobody before it is confirmed.
pub(super) fn of(
    catalog: &Catalog,
    source: &Source,
    application: &ApplicationEntry,
    event_type: &EventTypeName,
) -> Routes {
    let is_held = source.settings.confirm.is_some() || catalog.confirmers().get(source.id).is_some();
    let endpoints = match is_held {
        true => vec![asking_lane(source.application)],
        false => application.route(event_type, &[]),
    };
    Routes { endpoints, is_held }
}
