//! What a client still sends when it has been answered: taken in for a while, so that the answer arrives.
//!
//! A connection that is closed while its client still writes is reset, and most clients then report that and never read the
//! answer: a 413 that says what is wrong would look like a broken server.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

/// How long the client may send nothing.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// How long it may go on.
const TIME_MAX: Duration = Duration::from_secs(5);
/// How much it may go on to send, in bytes.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The body of a request; what nobody read of it is left behind.
pub(super) struct Watched {
    /// Until it has ended.
    body: Option<Incoming>,
    leftover: Leftover,
}

/// What was left of the body of a connection's request, if anything was. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Leftover(Arc<Mutex<Option<Incoming>>>);

impl Leftover {
    /// The same body, which leaves here what is not read.
    pub(super) fn watch(&self, body: Incoming) -> Watched {
        Watched { body: Some(body), leftover: self.clone() }
    }

    /// What was left, once.
    pub(super) fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.leftover.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

/// Takes in what is left and throws it away, for as long as that is worth it; then the connection may close.
pub(super) async fn drain(mut rest: Incoming) {
    let until = Instant::now() + TIME_MAX;
    let mut room = BYTES_MAX;
    loop {
        let next = tokio::time::timeout_at(until.min(Instant::now() + QUIET_MAX), rest.frame()).await;
        let Ok(Some(Ok(frame))) = next else { return };
        match room.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(left) => room = left,
            None => return,
        }
    }
}
