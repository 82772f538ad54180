//! Making an application on the way, for a request that names it and brings along what it is to be.

use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::ids::OrganisationId;
use hookwright::hooks::ApplicationRef;
use hookwright::{Error, Thing};

use crate::api::error::ApiError;
use crate::server::AppState;

/// Makes the application that a request names, as `inline` says.
pub(in crate::api) async fn make_named(
    state: &AppState,
    organisation: OrganisationId,
    named: &ApplicationRef,
    mut inline: ApplicationSettings,
) -> Result<(), ApiError> {
    let ApplicationRef::Uid(uid) = named else {
        return Err(ApiError::not_found(Thing::Application));
    };
    if inline.uid.get_or_insert_with(|| uid.clone()) != uid {
        return Err(ApiError::field(
            ["body", "application", "uid"],
            "uid must be the one that the path names.",
            "value_error",
        ));
    }
    match state.hooks.application_create(organisation, inline).await {
        // Somebody else made it just now.
        Ok(_) | Err(Error::Taken { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
