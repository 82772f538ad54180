//! Which endpoints may want an event type, without looking at each of them.

use std::collections::HashMap;

use crate::domain::endpoint::Endpoint;
use crate::domain::names::EventTypeName;

/// Places of enabled endpoints in their application's list, by what they filter by.
#[derive(Debug, Default)]
pub(super) struct Index {
    unfiltered: Vec<u32>,
    by_event_type: HashMap<EventTypeName, Vec<u32>>,
}

impl Index {
    /// The index of `endpoints`; disabled ones are left out.
    pub(super) fn new<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Index {
        let mut index = Index::default();
        for (at, endpoint) in (0u32..).zip(endpoints) {
            if endpoint.disabled.is_some() {
                continue;
            }
            if endpoint.settings.event_types.is_empty() {
                index.unfiltered.push(at);
            }
            for event_type in &endpoint.settings.event_types {
                let places = index.by_event_type.entry(event_type.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        index
    }

    /// The places of endpoints that may want this event type, each once.
    pub(super) fn candidates(&self, event_type: &EventTypeName) -> impl Iterator<Item = usize> {
        let filtered = self.by_event_type.get(event_type).map_or(&[][..], Vec::as_slice);
        self.unfiltered.iter().chain(filtered).map(|at| *at as usize)
    }
}
