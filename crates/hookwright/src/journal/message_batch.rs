//! Which messages go out together.

use std::collections::{HashSet, VecDeque};

use crate::domain::ids::ApplicationId;
use crate::domain::names::EventId;
use crate::journal::queue::{BATCH_BYTES_MAX, BATCH_MAX, Job};
use crate::store::write::{Append, Write};

/// Takes messages up to a full batch, or up to one that meets another of the batch: keys are claimed in order within a
/// statement, so that two writers never wait for each other, and one that came second would need a statement of its own.
pub(super) fn drain(messages: &mut VecDeque<Job>) -> Vec<Job> {
    let mut batch = Vec::with_capacity(messages.len().min(BATCH_MAX));
    let (mut keys, mut event_ids, mut bytes) = (HashSet::new(), HashSet::new(), 0);
    while batch.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
        let Some(job) = messages.front() else { break };
        if let Write::Append(append) = &job.write {
            let is_known = append.key.as_ref().is_some_and(|key| keys.contains(&key.hash));
            let name = event_id_of(append);
            if is_known || name.as_ref().is_some_and(|name| event_ids.contains(name)) {
                break;
            }
            keys.extend(append.key.as_ref().map(|key| key.hash));
            event_ids.extend(name);
            bytes += append.message.payload.len();
        }
        batch.extend(messages.pop_front());
    }
    batch
}

fn event_id_of(append: &Append) -> Option<(ApplicationId, EventId)> {
    Some((append.message.application, append.message.event_id.clone()?))
}
