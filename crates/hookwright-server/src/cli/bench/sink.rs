//! The receiver of a benchmark: notes what arrives and answers at once.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;

use super::super::rig::{Answer, Answering, Webhook};
use super::board::Board;
use super::payload;

/// What stands before an endpoint's number in the path of one that takes everything.
const GOOD: &str = "/good/";
/// The path of endpoints that always fail.
pub(super) const BAD: &str = "/bad";

/// Notes arrivals on a board.
pub(super) struct Sink {
    board: Arc<Board>,
}

impl Sink {
    /// Notes arrivals on this board.
    pub(super) fn new(board: Arc<Board>) -> Sink {
        Sink { board }
    }
}

impl Answering for Sink {
    fn answer(&self, webhook: Webhook) -> Answer {
        let now = Instant::now();
        let endpoint = webhook.path.strip_prefix(GOOD).and_then(|number| number.parse().ok());
        let (Some(endpoint), Some(number)) = (endpoint, payload::number(&webhook.body)) else {
            return Answer::Status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        self.board.arrived(number, endpoint, now);
        Answer::Status(StatusCode::NO_CONTENT)
    }
}

/// The path of the endpoint with this number.
pub(super) fn good(endpoint: u32) -> String {
    format!("{GOOD}{endpoint}")
}
