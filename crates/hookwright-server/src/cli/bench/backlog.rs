//! Before anything is measured: endpoints that always fail, and deliveries that wait for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::rig::{Api, Receiver, RefusingPort, RigError};
use super::BenchError;
use super::args::{BenchArgs, Failure};
use super::board::Board;
use super::drive;
use super::progress::Progress;
use super::sender::{Keys, Sender};
use super::sink::BAD;

/// What only failing endpoints get.
pub(super) const BACKLOG_TYPE: &str = "bench.backlog";
/// How long making a backlog may take.
const MADE_WITHIN: Duration = Duration::from_secs(1_800);

/// Endpoints that always fail. While it lives their port is nobody else's.
pub(super) struct Failing {
    _refusing: Option<RefusingPort>,
}

/// Makes the endpoints that fail.
pub(super) async fn endpoints(
    args: &BenchArgs,
    api: &Api,
    application: &str,
    receiver: &Receiver,
) -> Result<Failing, RigError> {
    let refusing = match args.failing_with {
        Failure::Refuse => Some(RefusingPort::take()?),
        Failure::Answer500 => None,
    };
    let url = refusing.as_ref().map_or_else(|| receiver.url(BAD), |port| port.url(BAD));
    for number in 0..args.failing_endpoints() {
        // Every type of event: the measured messages and the backlog.
        api.endpoint(application, &format!("{url}?{number}"), None).await?;
    }
    Ok(Failing { _refusing: refusing })
}

/// Sends what nobody will take, until enough deliveries wait. Gives how many there are.
pub(super) async fn make(
    args: &BenchArgs,
    api: &Api,
    application: &str,
    progress: &Progress,
) -> Result<u64, BenchError> {
    let endpoints = u64::from(args.failing_endpoints());
    if args.backlog == 0 || endpoints == 0 {
        return Ok(0);
    }
    let messages = args.backlog.div_ceil(endpoints);
    let bar = Arc::new(progress.bar("backlog", messages));
    // Nothing of it arrives anywhere, so there is nothing to note.
    let nothing = Arc::new(Board::new(0, 1));
    let keys = if args.no_key { None } else { Some(Keys::new()?) };
    let sender = Arc::new(Sender::to_server(
        vec![api.clone()],
        &[application],
        BACKLOG_TYPE,
        keys,
        nothing,
        args.size,
    ));
    let send = move |turn| {
        let (sender, bar) = (Arc::clone(&sender), Arc::clone(&bar));
        async move {
            bar.step();
            sender.send(turn).await
        }
    };
    let sent = drive::closed(args.senders, messages, Instant::now() + MADE_WITHIN, send).await?;
    Ok(sent * endpoints)
}
