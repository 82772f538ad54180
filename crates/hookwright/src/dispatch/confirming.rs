//! A held message's turn: its sender is asked whether it is true, and only what is confirmed goes on to the endpoints.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;

use crate::deliver::Question;
use crate::dispatch::Shared;
use crate::dispatch::lanes::{End, Start};
use crate::domain::confirmation::{Confirm, Judgement};
use crate::domain::delivery::Transition;
use crate::domain::inbound::{ReceivedRequest, Verdict};
use crate::domain::retry::{self, Jitter};
use crate::domain::short_ids::InboundId;
use crate::domain::source::Source;
use crate::error::Error;
use crate::store::write::{Asked, Changed, Confirmation, Write, Written};

/// How long a product's own confirmation may take.
const OWN_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 500;

/// What came of asking once.
enum Said {
    Confirmed,
    Refused(String),
    /// Nothing, and why; with what decides when it is asked again.
    Nothing(String, retry::Verdict),
}

/// Asks about a message, and decides how it goes on.
pub(super) async fn attempt(shared: &Arc<Shared>, start: &Start) -> End {
    let (source, request) = match read(shared, start).await {
        Ok(Some(read)) => read,
        // The source is being removed, and all its messages with it.
        Ok(None) => {
            shared.end_deliveries(start.key.application, start.key.endpoint, shared.newest());
            return End::Abandoned;
        }
        Err(error) => return super::worker::postpone(start, &error),
    };
    if !shared.may_still_start(start) {
        return End::Postponed;
    }
    let said = tokio::select! {
        said = ask(shared, &source, request) => said,
        () = shared.call_off.cancelled() => {
            // Its row is still there, and the next start asks again.
            shared.called_off.fetch_add(1, Ordering::SeqCst);
            return End::Abandoned;
        }
    };
    let number = start.attempts.saturating_add(1);
    let over = |verdict, reason, endpoints| Asked::Over { verdict, reason, endpoints };
    let mut routed_by = None;
    let (asked, end) = match said {
        Said::Confirmed => {
            // Asking takes its time: it goes to whoever wants it now.
            routed_by = Some(shared.catalog.known());
            let application = match shared.catalog.application_by_id(start.key.application).await {
                Ok(Some(application)) => application,
                Ok(None) => {
                    shared.end_deliveries(start.key.application, start.key.endpoint, shared.newest());
                    return End::Abandoned;
                }
                Err(error) => return super::worker::postpone(start, &error),
            };
            let endpoints = application.route(&start.message.event_type, &start.message.channels);
            (over(Verdict::Confirmed, None, endpoints), End::Succeeded)
        }
        Said::Refused(reason) => (over(Verdict::Refused, Some(reason), Vec::new()), End::Succeeded),
        Said::Nothing(reason, answered) => {
            let now = shared.clock.now();
            let jitter = Jitter(if shared.clock.is_manual() { 0.0 } else { fastrand::f64() * 2.0 - 1.0 });
            let reason: String = reason.chars().take(REASON_MAX).collect();
            match retry::next(&shared.retry, number, &answered, now, jitter) {
                Transition::RetryAt(at) => (Asked::Again { at, reason }, End::Failed),
                Transition::Delivered | Transition::GivenUp(_) => {
                    (over(Verdict::Unconfirmed, Some(reason), Vec::new()), End::Failed)
                }
            }
        }
    };
    let verdict = if let Asked::Over { verdict, .. } = &asked { Some(*verdict) } else { None };
    tell(&source, &asked);
    let due = if let Asked::Again { at, .. } = &asked { Some(*at) } else { None };
    let (message, hold) = (Arc::clone(&start.message), start.hold);
    let confirmation = Confirmation { message, hold, number, asked, routed_by };
    match shared.journal.write(Write::Confirm(Box::new(confirmation))).await {
        Ok(Written::Changed(Changed::Yes)) => {
            if let Some(due) = due {
                shared.note_due(due);
            }
            shared.measures.confirmation(verdict);
            end
        }
        // Another node has changed who gets it, in this moment. Its sender is asked once more then, as after a failed write.
        Ok(Written::Changed(Changed::Stale)) => match shared.node.catch_up().await {
            Ok(()) => End::Postponed,
            Err(error) => super::worker::postpone(start, &error),
        },
        Ok(_) => End::Abandoned,
        Err(error) => super::worker::postpone(start, &error),
    }
}

/// The source of a message, and the request that the message was made of, if the log still has it. `None` if there is no such source.
async fn read(shared: &Shared, start: &Start) -> Result<Option<(Source, Option<ReceivedRequest>)>, Error> {
    let application = start.key.application;
    let Some(source) = shared.store.source_by_application(application).await? else { return Ok(None) };
    let id = InboundId::of_message(start.key.message);
    let row = shared.store.inbound_get(application, id).await?;
    let request = row.map(|row| ReceivedRequest::of(source.id, &start.message, &row));
    Ok(Some((source, request)))
}

async fn ask(shared: &Shared, source: &Source, request: Option<ReceivedRequest>) -> Said {
    let nothing = |reason: String| {
        let answered = retry::Verdict { status: None, complete: false, retry_after: None, directive: None };
        Said::Nothing(reason, answered)
    };
    // What others of its source wait for goes on.
    let Some(request) = request else {
        return Said::Refused("the request was removed before its sender could be asked".to_owned());
    };
    if request.body.is_empty() {
        return Said::Refused(
            "the message's payload was removed before its sender could be asked".to_owned(),
        );
    }
    if let Some(confirm) = shared.catalog.confirmers().get(source.id) {
        let answer = AssertUnwindSafe(async move { confirm.ask(request).await }).catch_unwind();
        return match tokio::time::timeout(OWN_TIMEOUT, answer).await {
            Ok(Ok(Ok(true))) => Said::Confirmed,
            Ok(Ok(Ok(false))) => Said::Refused("the product's own confirmation says no".to_owned()),
            Ok(Ok(Err(error))) => nothing(error.to_string()),
            Ok(Err(_)) => nothing("the product's own confirmation panicked".to_owned()),
            Err(_) => nothing(format!(
                "the product's own confirmation took longer than {} s",
                OWN_TIMEOUT.as_secs()
            )),
        };
    }
    match &source.settings.confirm {
        Some(confirm) => ask_sender(shared, confirm, &request).await,
        None => nothing("there is nobody to ask: the source has no confirmation any more".to_owned()),
    }
}

async fn ask_sender(shared: &Shared, confirm: &Confirm, request: &ReceivedRequest) -> Said {
    let url = match confirm.url.about(request) {
        Ok(url) => url,
        Err(why) => return Said::Refused(why),
    };
    let now = shared.clock.now();
    let question = Question { url: &url, headers: &confirm.headers, timeout: confirm.timeout, now };
    let outcome = shared.deliverer.ask(&question).await;
    // What an endpoint may ask for with a header is nothing that a sender may.
    let answered = retry::Verdict { directive: None, complete: false, ..outcome.verdict };
    let answered = match answered.status {
        // It would end a delivery, and here it ends nothing.
        Some(410) => retry::Verdict { status: None, ..answered },
        _ => answered,
    };
    if outcome.verdict.complete {
        match confirm.expected.judge(outcome.response_code, &outcome.response) {
            Judgement::Confirmed => return Said::Confirmed,
            Judgement::Refused(why) => return Said::Refused(why),
            Judgement::Unanswered => {}
        }
    }
    let why = outcome.reason.unwrap_or_else(|| format!("the sender answered {}", outcome.response_code));
    Said::Nothing(why.replace("the endpoint", "the sender"), answered)
}

/// Says in the log what became of it, if it is over and not as it should be.
fn tell(source: &Source, asked: &Asked) {
    if let Asked::Over { verdict, reason: Some(reason), .. } = asked {
        let verdict = verdict.word();
        tracing::warn!(
            source.id = %source.id, verdict, reason,
            "a request to source {} is {verdict} and not forwarded: {reason}", source.id
        );
    }
}
