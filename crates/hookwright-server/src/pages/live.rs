//! The stream of server-sent events that keeps an open page up to date.
//!
//! Each connection begins with the whole list (`list`), so nothing depends on what a browser saw before; then come the rows
//! that changed (`rows`). Both are the same markup that the page itself has.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template as _;
use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use hookwright::domain::ids::MessageId;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName, RETRY_AFTER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::pages::Pages;
use crate::pages::board::Rows;
use crate::pages::home::RowList;
use crate::pages::row::Row;
use crate::pages::sessions::{NotSignedIn, SignedIn};
use crate::server::AppState;

/// Streams at a time, in all.
const STREAMS_MAX: usize = 64;
/// Shorter than the idle timeout of the proxies in common use, the shortest of which is 30 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long browsers wait before they connect again.
const RETRY: Duration = Duration::from_secs(2);

/// Bounds how many streams there are.
pub(super) struct Slots(Arc<Semaphore>);

impl Slots {
    pub(super) fn new() -> Slots {
        Slots(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

/// Streams what happens to those who are signed in, until they are not, or the server stops.
pub(super) async fn stream(
    State(state): State<AppState>,
    Extension(pages): Extension<Pages>,
    stop: Option<Extension<CancellationToken>>,
    signed_in: Result<SignedIn, NotSignedIn>,
) -> Response {
    // No redirect: a browser would take the form it leads to for a broken stream and never say why.
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(NotSignedIn::Nobody) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(unknown) => return unknown.into_response(),
    };
    let Ok(slot) = Arc::clone(&pages.slots.0).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")]).into_response();
    };
    let viewer = Viewer {
        board: pages.boards.look(&state.hooks, signed_in.organisation),
        stop: stop.map(|Extension(stop)| stop).unwrap_or_default(),
        state,
        signed_in,
        shown: None,
        _slot: slot,
    };
    let events = stream::unfold(viewer, async |mut viewer| {
        let event = viewer.next().await?;
        Some((Ok::<Event, Infallible>(event), viewer))
    });
    // The second header keeps nginx from holding events back.
    let headers = [(CACHE_CONTROL, "no-store"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))).into_response()
}

/// One open page.
struct Viewer {
    state: AppState,
    signed_in: SignedIn,
    board: watch::Receiver<Option<Rows>>,
    stop: CancellationToken,
    /// The version of each row that the browser has; `None` before it has any.
    shown: Option<HashMap<MessageId, u64>>,
    _slot: OwnedSemaphorePermit,
}

impl Viewer {
    /// Waits for something to show; `None` ends the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            // Whoever has signed out meanwhile, on whichever node, is shown nothing more; nor is anybody of whom that is not known.
            if self.stop.is_cancelled() || !self.signed_in.is_still(&self.state.hooks).await.unwrap_or(false)
            {
                return None;
            }
            if let Some(event) = self.news()? {
                return Some(event);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                changed = self.board.changed() => changed.ok()?,
                // A session that ends must not wait for something to happen.
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
        }
    }

    /// What the browser does not have yet, if anything; `None` if it may have no more.
    fn news(&mut self) -> Option<Option<Event>> {
        let now = self.state.hooks.clock().now();
        let Some(rows) = self.board.borrow_and_update().clone() else {
            return Some(None);
        };
        let (name, news) = match &self.shown {
            Some(shown) if is_continued(shown, &rows) => {
                let changed = |row: &&Row| shown.get(&row.id) != Some(&row.version());
                ("rows", rows.iter().filter(changed).cloned().collect())
            }
            _ => ("list", rows.to_vec()),
        };
        self.shown = Some(rows.iter().map(|row| (row.id, row.version())).collect());
        if news.is_empty() && name == "rows" {
            return Some(None);
        }
        let html = RowList { rows: news, now }.render().ok()?;
        Some(Some(Event::default().event(name).retry(RETRY).data(html)))
    }
}

/// Whether nothing vanished but the oldest rows, which the browser drops by itself.
fn is_continued(shown: &HashMap<MessageId, u64>, rows: &[Row]) -> bool {
    let kept = rows.iter().filter(|row| shown.contains_key(&row.id)).count();
    let oldest = rows.iter().map(|row| row.id).min().unwrap_or(MessageId::MAX);
    shown.keys().filter(|id| **id >= oldest).count() == kept && rows.len() >= shown.len()
}
