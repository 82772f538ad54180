//! A sender is asked whether what came from it is true: one GET, under the same rules as every delivery.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;

use crate::config::UrlSchemes;
use crate::deliver::client::Ended;
use crate::deliver::outcome::{FailureReason, Outcome};
use crate::deliver::render::JSON;
use crate::deliver::{Deliverer, SENDER, callable};
use crate::domain::time::Timestamp;

/// So much of an answer is read, in bytes.
const ANSWER_MAX: usize = 256 * 1024;

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) timeout: Duration,
    pub(crate) now: Timestamp,
}

impl Deliverer {
    /// Asks, and gives what came of it; an answer that did not come whole has a reason.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Outcome {
        let started = Instant::now();
        let ended = match self.question(question) {
            Ok(request) => {
                self.client.send(request, started + question.timeout, question.timeout, ANSWER_MAX).await
            }
            Err(reason) => Ended::failed(reason),
        };
        let is_cut = ended.body.len() >= ANSWER_MAX && ended.failure.is_none();
        let ended =
            if is_cut { Ended { failure: Some(FailureReason::AnswerTooLarge), ..ended } } else { ended };
        Outcome::new(ended, started.elapsed(), question.now)
    }

    fn question(&self, question: &Question<'_>) -> Result<Request<Full<Bytes>>, FailureReason> {
        let uri = callable(question.url).ok_or(FailureReason::Url)?;
        if self.schemes == UrlSchemes::HttpsOnly && uri.scheme_str() != Some("https") {
            return Err(FailureReason::NotHttps);
        }
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = Method::GET;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(USER_AGENT, SENDER);
        for (name, value) in question.headers {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| FailureReason::Header)?;
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| FailureReason::Header)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(request)
    }
}
