//! Which endpoints may want an event type, without looking at each of them.

use std::collections::HashMap;

use crate::domain::endpoint::Endpoint;
use crate::domain::event_filter::{EventFilter, Under, names_above};
use crate::domain::names::EventTypeName;

/// Places of enabled endpoints in their application's list, by what they filter by.
#[derive(Debug, Default)]
pub(super) struct Index {
    unfiltered: Vec<u32>,
    by_event_type: HashMap<EventTypeName, Vec<u32>>,
    /// By the name that the event types stand under.
    by_name_above: HashMap<Box<str>, Vec<u32>>,
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
            for filter in &endpoint.settings.event_types {
                let places = match filter {
                    EventFilter::One(event_type) => {
                        index.by_event_type.entry(event_type.clone()).or_default()
                    }
                    EventFilter::Under(under) => index.by_name_above.entry(name_of(under)).or_default(),
                };
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
        }
        index
    }

    /// The places of endpoints that may want this event type, each once.
    pub(super) fn candidates(&self, event_type: &EventTypeName) -> impl Iterator<Item = usize> {
        let named = self.by_event_type.get(event_type).map_or(&[][..], Vec::as_slice);
        let mut above: Vec<u32> = Vec::new();
        // Most applications have no wildcards, and their messages are not taken apart.
        if !self.by_name_above.is_empty() {
            let names = names_above(event_type).filter_map(|name| self.by_name_above.get(name));
            above.extend(names.flatten());
            above.sort_unstable();
            above.dedup();
            // One that filters by a name and by what it stands under wants it once.
            above.retain(|place| named.binary_search(place).is_err());
        }
        self.unfiltered.iter().chain(named).copied().chain(above).map(|place| place as usize)
    }
}

fn name_of(under: &Under) -> Box<str> {
    under.name().into()
}
