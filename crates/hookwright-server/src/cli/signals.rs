//! Ends the program when it is asked to: gently at first, at once the second time.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::{Failure, eprint_line};

/// What a shell reports for a program that a signal ended: 128 and the signal's number.
const INTERRUPTED: i32 = 128 + libc::SIGINT;
const TERMINATED: i32 = 128 + libc::SIGTERM;

/// A token that the first SIGTERM or SIGINT cancels. The second ends the process on the spot.
pub(crate) fn stop() -> Result<CancellationToken, Failure> {
    let catch = |kind| signal(kind).map_err(|error| Failure::because("Signals cannot be caught", &error));
    let mut terminate = catch(SignalKind::terminate())?;
    let mut interrupt = catch(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        stopped.cancel();
        let code = either(&mut terminate, &mut interrupt).await;
        eprint_line("Stopped at once; what was under way goes on at the next start.");
        std::process::exit(code);
    });
    Ok(stop)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => TERMINATED,
        _ = interrupt.recv() => INTERRUPTED,
    }
}
