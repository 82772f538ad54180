//! What is on show for an organisation, kept up to date while somebody looks on, and read once for all who do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookwright::domain::ids::OrganisationId;
use hookwright::{Activity, Hooks};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use crate::pages::home;
use crate::pages::row::Row;

/// At most four readings a second, however much happens: more than an eye follows.
const BETWEEN_READINGS: Duration = Duration::from_millis(250);
/// A message's first attempt mostly ends this soon after it, and both are shown at once.
const SETTLING: Duration = Duration::from_millis(40);

/// Until one more reading, should nothing happen before: attempts are told when they end, a commit before they can be
/// read, so the first reading may come too soon; and a reading may fail. What happens on other nodes is not told here.
const ONE_MORE: Duration = Duration::from_secs(1);

/// The rows on show; those who are slow see the newest and miss what was between.
pub(super) type Rows = Arc<[Row]>;

/// The boards that somebody looks at.
#[derive(Clone, Default)]
pub(super) struct Boards(Arc<Mutex<HashMap<OrganisationId, watch::Sender<Option<Rows>>>>>);

impl Boards {
    /// What is on show for `organisation` from now on; `None` until it was read for the first time.
    ///
    /// The first who looks starts a task that keeps the board, which ends when the last one is gone.
    pub(super) fn look(&self, hooks: &Hooks, organisation: OrganisationId) -> watch::Receiver<Option<Rows>> {
        let mut boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(board) = boards.get(&organisation) {
            return board.subscribe();
        }
        let (board, onlooker) = watch::channel(None);
        boards.insert(organisation, board.clone());
        tokio::spawn(keep(self.clone(), hooks.clone(), organisation, board));
        onlooker
    }

    /// Takes the board down if nobody looks at it, in one step with the question, so that nobody can come in between.
    fn take_down_unless_looked_at(&self, organisation: OrganisationId) -> bool {
        let mut boards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = boards.get(&organisation).is_none_or(|board| board.receiver_count() == 0);
        if unused {
            boards.remove(&organisation);
        }
        unused
    }
}

async fn keep(
    boards: Boards,
    hooks: Hooks,
    organisation: OrganisationId,
    board: watch::Sender<Option<Rows>>,
) {
    // Listen before reading: what happens between the two must not be missed.
    let mut activity = hooks.activity();
    let mut something_happened = true;
    loop {
        let read_at = Instant::now();
        let reading = home::rows(&hooks, organisation).await;
        let one_more = something_happened || reading.is_err() || hooks.is_shared();
        match reading {
            Ok(rows) => {
                board.send_replace(Some(rows.into()));
            }
            Err(cause) => warn!(error = %cause, "the page's messages could not be read"),
        }
        tokio::select! {
            something = happens(&mut activity, organisation) => {
                if !something {
                    break;
                }
                something_happened = true;
            }
            () = sleep(ONE_MORE), if one_more => something_happened = false,
            () = board.closed() => {}
        }
        if boards.take_down_unless_looked_at(organisation) {
            return;
        }
        sleep_until((read_at + BETWEEN_READINGS).max(Instant::now() + SETTLING)).await;
        forget_the_rest(&mut activity);
    }
    // The engine is gone; who looks on learns it by the sender's end.
    boards.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&organisation);
}

/// Waits until something happens in the organisation; `false` if nothing ever will.
async fn happens(activity: &mut Receiver<Activity>, organisation: OrganisationId) -> bool {
    loop {
        match activity.recv().await {
            Ok(seen) if seen.organisation == organisation => return true,
            Ok(_) => {}
            // Something was missed, and it may have been ours. The whole list is read anyway.
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Everything that happened up to now is in the reading that follows.
fn forget_the_rest(activity: &mut Receiver<Activity>) {
    while matches!(activity.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
}
