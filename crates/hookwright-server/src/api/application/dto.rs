//! An application on the wire.

use std::collections::BTreeMap;

use hookwright::domain::application::{Application, ApplicationSettings, Metadata};
use hookwright::domain::ids::ApplicationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::Shown;
use crate::api::error::ApiError;
use crate::api::fields::{Fields, given};
use crate::api::time::Rfc3339;

/// An application to be made, or to be put in the place of another.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApplicationIn {
    /// A name for people.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// Your own id for it, unique among your applications.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    pub(crate) uid: Option<String>,
    /// At most so many attempts a second, over all its endpoints.
    #[serde(default)]
    #[schema(minimum = 1)]
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[serde(default)]
    #[schema(deprecated, minimum = 1)]
    rate_limit: Option<u16>,
    /// Free key-value pairs. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

/// What to change about an application; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::api) struct ApplicationPatch {
    /// A name for people.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Your own id for it; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256, pattern = "^[a-zA-Z0-9_.-]+$")]
    uid: Option<Option<String>>,
    /// At most so many attempts a second; null lifts the limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>)]
    throttle_rate: Option<Option<u16>>,
    /// The older name of `throttleRate`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>, deprecated)]
    rate_limit: Option<Option<u16>>,
    /// Free key-value pairs, in the place of those that are there. At most 100, with keys of at most 256 characters; at most 16 KiB in all.
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

/// One of your customers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationOut<'a> {
    /// Its id.
    #[schema(value_type = String)]
    id: Shown<ApplicationId>,
    /// Your own id for it.
    uid: Option<&'a str>,
    /// A name for people.
    name: &'a str,
    /// At most so many attempts a second, over all its endpoints.
    throttle_rate: Option<u16>,
    /// The older name of `throttleRate`.
    #[schema(deprecated)]
    rate_limit: Option<u16>,
    /// Free key-value pairs.
    metadata: &'a Metadata,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Rfc3339,
}

impl ApplicationIn {
    pub(crate) fn settings(self) -> Result<ApplicationSettings, ApiError> {
        self.checked(Fields::default())
    }

    /// The settings of an application that a request brings along, in case it is not there: what is wrong with them is told
    /// in any case.
    pub(in crate::api) fn brought_along(self) -> Result<ApplicationSettings, ApiError> {
        self.checked(Fields::within("application"))
    }

    fn checked(self, mut fields: Fields) -> Result<ApplicationSettings, ApiError> {
        let settings = ApplicationSettings {
            uid: fields.uid(self.uid.as_deref()),
            name: fields.name(self.name),
            throttle_rate: fields.rate(self.throttle_rate, self.rate_limit),
            metadata: fields.metadata(self.metadata.unwrap_or_default()),
        };
        fields.finish()?;
        Ok(settings)
    }
}

impl ApplicationPatch {
    /// What the patch does to settings.
    pub(super) fn change(self) -> Result<impl FnMut(&mut ApplicationSettings) + Send, ApiError> {
        let mut fields = Fields::default();
        let name = self.name.map(|name| fields.name(name));
        let uid = self.uid.map(|uid| fields.uid(uid.as_deref()));
        // A patch may say 0 where it means none.
        let rate = self.throttle_rate.or(self.rate_limit).map(|rate| rate.filter(|&rate| rate > 0));
        let metadata = self.metadata.map(|metadata| fields.metadata(metadata));
        fields.finish()?;
        Ok(move |settings: &mut ApplicationSettings| {
            if let Some(name) = &name {
                settings.name.clone_from(name);
            }
            if let Some(uid) = &uid {
                settings.uid.clone_from(uid);
            }
            if let Some(rate) = rate {
                settings.throttle_rate = rate;
            }
            if let Some(metadata) = &metadata {
                settings.metadata.clone_from(metadata);
            }
        })
    }
}

impl ApplicationOut<'_> {
    pub(super) fn of(application: &Application) -> ApplicationOut<'_> {
        let settings = &application.settings;
        ApplicationOut {
            id: Shown(application.id),
            uid: settings.uid.as_ref().map(|uid| uid.as_str()),
            name: &settings.name,
            throttle_rate: settings.throttle_rate,
            rate_limit: settings.throttle_rate,
            metadata: &settings.metadata,
            created_at: Rfc3339(application.created_at),
            updated_at: Rfc3339(application.updated_at),
        }
    }
}
