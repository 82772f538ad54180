//! Which applications a list leaves out.

use hookwright::ApplicationFilter;
use utoipa::IntoParams;

use crate::api::error::ApiError;
use crate::api::query::Query;

/// Which applications to leave out.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ApplicationFilterParams {
    /// Leave out those without any endpoint.
    #[param(required = false)]
    exclude_apps_with_no_endpoints: bool,
    /// Leave out those that have only disabled endpoints.
    #[param(required = false)]
    exclude_apps_with_disabled_endpoints: bool,
    /// Leave out those that have only endpoints at Svix Play.
    #[param(required = false)]
    exclude_apps_with_svix_play_endpoints: bool,
}

impl ApplicationFilterParams {
    pub(super) fn of(query: &Query) -> Result<ApplicationFilterParams, ApiError> {
        Ok(ApplicationFilterParams {
            exclude_apps_with_no_endpoints: query.flag("exclude_apps_with_no_endpoints", false)?,
            exclude_apps_with_disabled_endpoints: query
                .flag("exclude_apps_with_disabled_endpoints", false)?,
            exclude_apps_with_svix_play_endpoints: query
                .flag("exclude_apps_with_svix_play_endpoints", false)?,
        })
    }

    pub(super) fn into_filter(self) -> ApplicationFilter {
        ApplicationFilter {
            exclude_without_endpoints: self.exclude_apps_with_no_endpoints,
            exclude_all_disabled: self.exclude_apps_with_disabled_endpoints,
            exclude_all_play: self.exclude_apps_with_svix_play_endpoints,
        }
    }
}
