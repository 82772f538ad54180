//! What came of an attempt, in a form that decisions are made on and in words.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};

use crate::deliver::address_policy::AddressKind;
use crate::deliver::client::Ended;
use crate::domain::retry::{Directive, Verdict};
use crate::domain::time::Timestamp;

/// What came of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// What decides how the delivery goes on.
    pub(crate) verdict: Verdict,
    /// The answer's status code; 0 if none came.
    pub(crate) response_code: u16,
    /// The first bytes of the answer's body.
    pub(crate) response: Bytes,
    /// What went wrong, in words; `None` after a success.
    pub(crate) reason: Option<String>,
    /// From start to end.
    pub(crate) duration: Duration,
}

/// Why no whole answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FailureReason {
    #[error("the endpoint's URL cannot be called")]
    Url,
    #[error(
        "the endpoint's URL does not begin with https://, and unencrypted webhooks are not sent from here"
    )]
    NotHttps,
    #[error("the message could not be signed")]
    Unsigned,
    #[error("the payload could not be serialised: {0}")]
    Unserialised(String),
    #[error("the webhook could not be delivered: {0}")]
    Undelivered(String),
    #[error("the handler did not take it: {0}")]
    Unhandled(String),
    #[error("this program has no such handler any more")]
    NoHandler,
    #[error("one of the endpoint's headers cannot be sent")]
    Header,
    #[error("the host name could not be looked up")]
    Dns,
    #[error("looking up the host name took longer than {}", words(*.0))]
    DnsTimeout(Duration),
    #[error("the host name has no address")]
    NoAddress,
    #[error("the URL leads to {}, which may not be called", .0.in_words())]
    AddressRefused(AddressKind),
    #[error("{}", connect_words(*.0))]
    Connect(io::ErrorKind),
    #[error("connecting took longer than {}", words(*.0))]
    ConnectTimeout(Duration),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("the TLS handshake took longer than {}", words(*.0))]
    TlsTimeout(Duration),
    #[error("no answer came within {}", words(*.0))]
    Timeout(Duration),
    #[error("the connection was closed before an answer came")]
    Closed,
    #[error("the connection was reset before an answer came")]
    Reset,
    #[error("the answer was not HTTP")]
    NotHttp,
    #[error("the answer's headers were too large")]
    HeadTooLarge,
    #[error("the answer broke off in the middle")]
    BodyInterrupted,
    #[error("the answer did not end within {}", words(*.0))]
    BodyTimeout(Duration),
    #[error("the answer is too large")]
    AnswerTooLarge,
    #[error("the request could not be sent")]
    Other,
    #[error("the attempt broke off because of an error in this program")]
    Panicked,
}

impl Outcome {
    pub(super) fn new(ended: Ended, duration: Duration, now: Timestamp) -> Outcome {
        let status = ended.head.as_ref().map(|(status, _)| *status);
        let headers = ended.head.as_ref().map(|(_, headers)| headers);
        let verdict = Verdict {
            status: status.map(|status| status.as_u16()),
            complete: ended.failure.is_none(),
            retry_after: headers.and_then(|headers| retry_after(headers, now)),
            directive: headers.and_then(directive),
        };
        let reason = match (&ended.failure, status) {
            _ if verdict.is_success() => None,
            (Some(failure), Some(status)) => {
                Some(format!("{failure}, after status {}", status_words(status)))
            }
            (Some(failure), None) => Some(failure.to_string()),
            (None, Some(status)) => Some(answered_words(status)),
            (None, None) => Some(FailureReason::Other.to_string()),
        };
        let response_code = verdict.status.unwrap_or(0);
        Outcome { verdict, response_code, response: ended.body, reason, duration }
    }

    /// The outcome of an attempt that this program itself broke off.
    pub(crate) fn panicked() -> Outcome {
        let ended = Ended::failed(FailureReason::Panicked);
        Outcome::new(ended, Duration::ZERO, Timestamp::from_micros(0))
    }
}

impl FailureReason {
    /// What the HTTP client's error means.
    pub(super) fn of_client(error: &hyper_util::client::legacy::Error) -> FailureReason {
        let mut cause: Option<&(dyn Error + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(reason) = error.downcast_ref::<FailureReason>() {
                return reason.clone();
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>() {
                if error.is_parse_too_large() {
                    return FailureReason::HeadTooLarge;
                }
                if error.is_parse() {
                    return FailureReason::NotHttp;
                }
                if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                    return FailureReason::Closed;
                }
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return match error.kind() {
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => FailureReason::Reset,
                    io::ErrorKind::UnexpectedEof => FailureReason::Closed,
                    _ => FailureReason::Other,
                };
            }
            cause = error.source();
        }
        FailureReason::Other
    }

    /// What an error of the TLS handshake means. Its text is the library's own: it holds nothing of the peer's.
    pub(super) fn tls(error: &io::Error) -> FailureReason {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(problem)) => {
                FailureReason::Tls(certificate_words(problem).to_owned())
            }
            Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. }) => {
                FailureReason::Tls("the endpoint does not speak TLS on this port".to_owned())
            }
            Some(rustls::Error::AlertReceived(alert)) => {
                FailureReason::Tls(format!("the endpoint refused the handshake ({alert:?})"))
            }
            Some(_) => FailureReason::Tls("the handshake failed".to_owned()),
            None => FailureReason::Tls("the connection broke off in the handshake".to_owned()),
        }
    }
}

fn certificate_words(problem: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Problem;
    match problem {
        Problem::Expired | Problem::ExpiredContext { .. } => "the certificate has expired",
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => "the certificate is not valid yet",
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => {
            "the certificate is for another host name"
        }
        Problem::UnknownIssuer => "the certificate is not from an authority that is trusted here",
        Problem::Revoked => "the certificate was revoked",
        _ => "the certificate is not valid",
    }
}

fn connect_words(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => "the connection was refused: nothing listens there",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "the host cannot be reached",
        io::ErrorKind::TimedOut => "connecting timed out",
        _ => "the connection could not be made",
    }
}

fn answered_words(status: StatusCode) -> String {
    let status_words = status_words(status);
    if status.is_redirection() {
        return format!("the endpoint answered {status_words}; redirects are not followed");
    }
    format!("the endpoint answered {status_words}")
}

/// The code with the name it has in RFC 9110, never what the peer calls it.
fn status_words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn words(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

/// The header `retry-after` (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they do not fit mean: as late as possible.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let date = Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).ok()?);
    Some(date.since(now))
}

fn directive(headers: &HeaderMap) -> Option<Directive> {
    let text = headers.get("webhook-delivery")?.to_str().ok()?.trim();
    if text.eq_ignore_ascii_case("disable") {
        Some(Directive::Disable)
    } else if text.eq_ignore_ascii_case("abort-message") {
        Some(Directive::AbortMessage)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn asked(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers, NOW)
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(asked("Tue, 14 Nov 2023 22:14:20 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(asked("Tue, 14 Nov 2023 22:12:20 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("-5"), None);
        assert_eq!(asked("soon"), None);
    }

    #[test]
    fn reasons_say_what_happened_in_words() {
        let answer = |status: u16, failure| {
            let head = Some((StatusCode::from_u16(status).unwrap(), HeaderMap::new()));
            Outcome::new(Ended { head, body: Bytes::new(), failure }, Duration::ZERO, NOW).reason
        };
        assert_eq!(answer(200, None), None);
        let reason = answer(500, None).unwrap();
        assert_eq!(reason, "the endpoint answered 500 Internal Server Error");
        let reason = answer(302, None).unwrap();
        assert_eq!(reason, "the endpoint answered 302 Found; redirects are not followed");
        let reason = answer(200, Some(FailureReason::BodyTimeout(Duration::from_secs(15)))).unwrap();
        assert_eq!(reason, "the answer did not end within 15 s, after status 200 OK");
    }
}
