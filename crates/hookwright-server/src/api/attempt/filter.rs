//! Which attempts a list shows.

use hookwright::AttemptFilter;
use hookwright::domain::attempt::AttemptStatus;
use utoipa::IntoParams;

use crate::api::attempt::dto::MessageStatus;
use crate::api::error::ApiError;
use crate::api::message::MessageFilterParams;
use crate::api::query::{Query, refused};

/// SDKs send it: whether status 4, cancelled, is shown as such or as 0. Nothing here has that status.
pub(super) const EXPANDED_STATUSES: &str = "expanded_statuses";

/// Which attempts a list shows, beside what holds of their messages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AttemptFilterParams {
    /// 0: it succeeded, 1: another attempt follows, 2: it failed, 3: it is being sent.
    #[param(value_type = Option<u8>, maximum = 4)]
    status: Option<MessageStatus>,
    /// The hundred of the answer's status code; 0: there was no answer.
    #[param(maximum = 500)]
    status_code_class: Option<u16>,
}

/// A filter with this status.
pub(super) enum StatusFilter {
    /// What the store can tell by itself.
    Stored(AttemptFilter),
    /// Of what passes the filter, that which is still on its way, in this sense.
    OnItsWay(AttemptFilter, MessageStatus),
    /// Nothing has this status.
    Nothing,
}

impl AttemptFilterParams {
    pub(super) fn of(query: &Query) -> Result<AttemptFilterParams, ApiError> {
        let status = match query.number::<u8>("status")? {
            None => None,
            Some(code) => Some(
                MessageStatus::from_code(code).ok_or_else(|| refused("status", "must be 0, 1, 2, 3 or 4"))?,
            ),
        };
        let status_code_class = query.number::<u16>("status_code_class")?;
        if status_code_class.is_some_and(|class| class > 500 || class % 100 != 0) {
            return Err(refused("status_code_class", "must be 0, 100, 200, 300, 400 or 500"));
        }
        query.flag(EXPANDED_STATUSES, false)?;
        Ok(AttemptFilterParams { status, status_code_class })
    }

    /// The filter made of these and of what holds of the messages.
    pub(super) fn into_filter(self, message: MessageFilterParams) -> StatusFilter {
        let class = self.status_code_class.and_then(|class| u8::try_from(class / 100).ok());
        let filter = |status| AttemptFilter {
            message: message.into_filter(),
            status,
            status_class: class,
            endpoint: None,
        };
        match self.status {
            None => StatusFilter::Stored(filter(None)),
            Some(MessageStatus::Success) => StatusFilter::Stored(filter(Some(AttemptStatus::Success))),
            Some(MessageStatus::Fail) => StatusFilter::Stored(filter(Some(AttemptStatus::Fail))),
            Some(status @ (MessageStatus::Pending | MessageStatus::Sending)) => {
                StatusFilter::OnItsWay(filter(None), status)
            }
            Some(MessageStatus::Canceled) => StatusFilter::Nothing,
        }
    }
}
