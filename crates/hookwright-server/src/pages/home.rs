//! The page itself: the newest messages as a list.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use hookwright::domain::ids::OrganisationId;
use hookwright::domain::time::Timestamp;
use hookwright::{Error, Hooks};
use http::StatusCode;

use crate::pages::html::{Frame, page, unavailable};
use crate::pages::row::{Progress, Row};
use crate::pages::sessions::SignedIn;
use crate::pages::times::Moment;
use crate::server::AppState;

/// So many messages are shown.
pub(super) const MESSAGES_MAX: u32 = 50;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    now: Moment,
    list: RowList<Vec<Row>>,
}

/// Rows alone, without a page around them.
#[derive(Template)]
#[template(path = "rows.html")]
pub(super) struct RowList<R: AsRef<[Row]>> {
    pub(super) rows: R,
    /// When they are looked at.
    pub(super) now: Timestamp,
}

/// Shows the page.
pub(super) async fn show(State(state): State<AppState>, signed_in: SignedIn) -> Response {
    let now = state.hooks.clock().now();
    match rows(&state.hooks, signed_in.organisation).await {
        Ok(rows) => {
            let home = HomePage {
                frame: Frame::signed_in(),
                now: Moment::new(now, now),
                list: RowList { rows, now },
            };
            page(StatusCode::OK, &home)
        }
        Err(cause) => unavailable(&cause),
    }
}

/// The rows to show, newest first.
pub(super) async fn rows(hooks: &Hooks, organisation: OrganisationId) -> Result<Vec<Row>, Error> {
    let recent = hooks.message_recent(organisation, MESSAGES_MAX).await?;
    Ok(recent.iter().map(Row::new).collect())
}

impl<R: AsRef<[Row]>> RowList<R> {
    fn moment(&self, time: &Timestamp) -> Moment {
        Moment::new(*time, self.now)
    }

    fn due(&self, time: &Timestamp) -> Moment {
        Moment::due(*time, self.now)
    }
}
