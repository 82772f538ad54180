//! Waits for the user to end it.

use tokio::signal::unix::{SignalKind, signal};

/// Returns when Ctrl-C is pressed or the process is told to end.
///
/// From the first call on, neither ends the process by itself: whoever waits here lets go of what it owns.
pub(crate) async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process, which is what was asked for.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
