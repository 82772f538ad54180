//! What happens around every request, and around every POST.

mod idempotency; // a repeated POST is answered as the first one was
mod observe; // request ids, the access log, metrics, panics
mod request_id;

pub(crate) use idempotency::{IdempotencyHeader, InFlight, answer_once};
pub(crate) use observe::Observe;
