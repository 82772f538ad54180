//! Which event types a caller sees: an application's token those without a feature flag, and those whose flag it holds.

use hookwright::Error;
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::event_type::EventType;
use hookwright::domain::names::EventTypeName;

use crate::api::error::ApiError;
use crate::auth::Caller;
use crate::server::AppState;

/// Whether the caller sees it.
pub(in crate::api) fn is_visible(event_type: &EventType, caller: &Caller) -> bool {
    caller.sees(&event_type.settings.feature_flags)
}

/// Refuses a filter that names an event type which the caller does not see, as if it were not registered.
///
/// What the endpoint filters by `already` may stay: whoever writes back what was read changes nothing.
pub(in crate::api) async fn check_filter(
    state: &AppState,
    caller: &Caller,
    wanted: &[EventFilter],
    already: &[EventFilter],
) -> Result<(), ApiError> {
    if caller.tenant().is_none() || wanted.is_empty() {
        return Ok(());
    }
    let all = state.hooks.event_types(caller.organisation()).await?;
    let is_hidden =
        |name: &&EventTypeName| all.get(*name).is_some_and(|event_type| !is_visible(event_type, caller));
    let new = wanted.iter().filter(|filter| !already.contains(filter));
    match new.filter_map(EventFilter::event_type).find(is_hidden) {
        Some(hidden) => Err(Error::UnknownEventType(hidden.clone()).into()),
        None => Ok(()),
    }
}
