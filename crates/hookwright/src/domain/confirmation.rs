//! Never trust the values sent: a request counts only once its sender, asked at a URL of ours, says the same.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::domain::confirm_url::ConfirmUrl;
use crate::domain::ids::{ApplicationId, EndpointId};
use crate::domain::json_pointer::JsonPointer;

/// How long the sender may take to answer, unless the source says otherwise.
pub const CONFIRM_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// How long it may take at most.
pub const CONFIRM_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// What is known of a message before its sender was asked.
pub(crate) const NOT_ASKED: &str = "the sender is yet to be asked";

/// How a source's sender is asked whether what came is true.
#[derive(Clone, PartialEq)]
pub struct Confirm {
    /// Where.
    pub url: ConfirmUrl,
    /// Headers of the request that asks, in lower case; they hold credentials.
    pub headers: Vec<(String, String)>,
    /// Which answer confirms.
    pub expected: Expected,
    /// How long the answer may take.
    pub timeout: Duration,
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Which answer confirms: all that is set must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// Its status code; none: any from 200 to 299.
    pub status: Option<u16>,
    /// A value in its body, and what it must be.
    pub value: Option<(JsonPointer, Value)>,
}

/// What an answer says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is true.
    Confirmed,
    /// It is not, in these words.
    Refused(String),
    /// Nothing: whoever answered could not say. It is asked again.
    Unanswered,
}

/// Answers with which a sender says that there is no such thing, or that nobody can ask so.
const NO_SUCH_THING: [u16; 4] = [400, 404, 410, 422];

impl Expected {
    /// What a whole answer says.
    pub fn judge(&self, status: u16, body: &[u8]) -> Judgement {
        let is_success = (200..300).contains(&status);
        if !self.status.map_or(is_success, |wanted| wanted == status) {
            return match is_success || NO_SUCH_THING.contains(&status) {
                true => Judgement::Refused(format!("the sender answered {status}")),
                false => Judgement::Unanswered,
            };
        }
        let Some((pointer, wanted)) = &self.value else { return Judgement::Confirmed };
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Judgement::Refused("the sender's answer is not JSON".to_owned());
        };
        match pointer.find(&body) {
            Some(found) if are_equal(found, wanted) => Judgement::Confirmed,
            Some(_) => Judgement::Refused(format!("the sender says something else at {}", pointer.as_str())),
            None => Judgement::Refused(format!("the sender's answer has nothing at {}", pointer.as_str())),
        }
    }
}

/// Numbers are equal whichever way they are written.
fn are_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
        }
        _ => one == other,
    }
}

/// Where a message of this application goes while its sender is to be asked: no endpoint, but a lane and retries as one has.
pub fn asking_lane(application: ApplicationId) -> EndpointId {
    // Ids are given once, so no endpoint has it.
    EndpointId::from_bytes(*application.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(status: Option<u16>) -> Expected {
        Expected { status, value: Some((JsonPointer::parse("/paid").unwrap(), Value::Bool(true))) }
    }

    #[test]
    fn only_the_answer_that_is_expected_confirms() {
        assert_eq!(paid(Some(200)).judge(200, b"{\"paid\":true}"), Judgement::Confirmed);
        assert_eq!(paid(None).judge(203, b"{\"paid\":true}"), Judgement::Confirmed);
        assert_eq!(Expected::default().judge(204, b""), Judgement::Confirmed);
        let gone = Expected { status: Some(404), value: None };
        assert_eq!(gone.judge(404, b""), Judgement::Confirmed);
        for (status, body) in [
            (200, &b"{\"paid\":false}"[..]),
            (200, b"{\"paid\":\"true\"}"),
            (200, b"{}"),
            (200, b"<html>"),
            (202, b"{\"paid\":true}"),
            (404, b""),
            (422, b""),
        ] {
            let judged = paid(Some(200)).judge(status, body);
            assert!(matches!(judged, Judgement::Refused(_)), "{status} {judged:?}");
        }
    }

    #[test]
    fn who_cannot_say_is_asked_again() {
        for status in [301, 401, 403, 408, 429, 500, 503] {
            assert_eq!(paid(Some(200)).judge(status, b"{\"paid\":true}"), Judgement::Unanswered, "{status}");
        }
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        let amount =
            Expected { status: None, value: Some((JsonPointer::parse("/n").unwrap(), Value::from(10))) };
        assert_eq!(amount.judge(200, b"{\"n\":10.0}"), Judgement::Confirmed);
        assert!(matches!(amount.judge(200, b"{\"n\":10.5}"), Judgement::Refused(_)));
    }
}
