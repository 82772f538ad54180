//! What happens around every request, and around every POST.

mod idempotency; // a repeated POST is answered as the first one was
mod observe; // the access log, metrics, panics
mod request_id; // which name a request goes by
mod this_machine; // who may call a server for development

pub(crate) use idempotency::{IdempotencyHeader, InFlight, answer_once};
pub(crate) use observe::Observe;
pub(crate) use this_machine::only_this_machine;
