//! Caches that are bounded by bytes.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::{Cache as Bounded, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::catalog::cache::ApplicationEntry;
use crate::catalog::event_type::EventTypes;
use crate::domain::event_type::EventType;
use crate::domain::ids::{ApplicationId, OrganisationId};

/// Weighs entries by about how many bytes they take.
#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<ApplicationId, Arc<ApplicationEntry>> for ByBytes {
    fn weight(&self, _: &ApplicationId, entry: &Arc<ApplicationEntry>) -> u64 {
        (entry.application.weight() + entry.endpoint_bytes()) as u64
    }
}

impl Weighter<OrganisationId, Arc<EventTypes>> for ByBytes {
    fn weight(&self, _: &OrganisationId, all: &Arc<EventTypes>) -> u64 {
        // Even an organisation without any takes its place.
        all.by_name.values().map(EventType::weight).sum::<usize>().max(size_of::<EventType>()) as u64
    }
}

/// A cache of so many bytes in one piece: cut into shards, as it is otherwise, each could hold only what is smaller than its
/// own share, and a large application would be read again for each message.
pub(super) fn in_one_piece<K, V>(usual: usize, bytes: u64) -> Bounded<K, V, ByBytes>
where
    K: Eq + Hash,
    V: Clone,
    ByBytes: Weighter<K, V> + Clone,
{
    let mut options = OptionsBuilder::new();
    options.shards(1).estimated_items_capacity(usual).weight_capacity(bytes);
    match options.build() {
        Ok(options) => Bounded::with_options(
            options,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ),
        // It fails only if something is left out.
        Err(_) => Bounded::with_weighter(usual, bytes, ByBytes),
    }
}
