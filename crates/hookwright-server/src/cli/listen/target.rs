//! Where requests are posted to: the developer's own program.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hookwright::Clock;
use hookwright::domain::inbound::{described, is_forwarded};
use hookwright_signature::{HeaderNames, Secret};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;

use crate::cli::client::Document;
use crate::cli::failure::Failure;
use crate::outgoing::{HttpClient, http_client};

/// A program in a debugger may take its time; one that hangs must not hold up what comes after.
const TIMEOUT: Duration = Duration::from_secs(30);
/// So much of an answer is read, so that its connection can be used again.
const ANSWER_MAX: usize = 1024 * 1024;
/// What was sent without a content type says nothing of itself (RFC 9110, section 8.3).
const BYTES: &str = "application/octet-stream";
/// What signatures of Standard Webhooks are in. The server puts its own in the place of the provider's.
const SIGNATURE_HEADERS: [&str; 2] = ["webhook-", "svix-"];

/// The developer's program.
pub(super) struct Target {
    http: HttpClient,
    url: Uri,
    secret: Option<Secret>,
}

/// What became of a request that was posted.
pub(super) struct Posted {
    pub(super) took: Duration,
    /// The status it was answered with, or why there is none.
    pub(super) answer: Result<u16, String>,
}

/// A request as the log has it.
#[derive(Deserialize)]
struct Logged {
    method: String,
    path: String,
    #[serde(default)]
    query: Option<String>,
    headers: BTreeMap<String, String>,
    payload: String,
    #[serde(default)]
    payload_base64: Option<String>,
    #[serde(default)]
    msg_id: Option<String>,
}

impl Target {
    /// The program at this URL; signed for it with this secret, if there is one.
    pub(super) fn new(url: &str, secret: Option<&str>) -> Result<Target, Failure> {
        let parsed = url.parse::<Uri>().ok();
        let is_web = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
        let Some(parsed) = parsed.filter(is_web) else {
            return Err(Failure::new(format!("--forward-to is {url:?}, which is no URL to post to."))
                .advise("An example is http://127.0.0.1:3000/webhooks."));
        };
        let secret = secret
            .map(Secret::parse)
            .transpose()
            .map_err(|error| Failure::because("The secret cannot be used", &error))?;
        let http = http_client(None)
            .map_err(|error| Failure::because("The system's certificates cannot be used", &error))?;
        Ok(Target { http, url: parsed, secret })
    }

    /// Posts a request of the log, as an endpoint would get it.
    pub(super) async fn post(&self, request: &Document) -> Posted {
        let started = Instant::now();
        let answer = match self.request(request) {
            Err(failure) => Err(failure.text().to_owned()),
            Ok(request) => match tokio::time::timeout(TIMEOUT, self.exchange(request)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("{} did not answer within {} s.", self.url, TIMEOUT.as_secs())),
            },
        };
        Posted { took: started.elapsed(), answer }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<u16, String> {
        let answered = self.http.request(request).await.map_err(|error| {
            // The outermost level says only that connecting failed.
            let cause: &(dyn std::error::Error + 'static) =
                std::error::Error::source(&error).unwrap_or(&error);
            Failure::because(&format!("{} cannot be reached", self.url), cause).text().to_owned()
        })?;
        let status = answered.status().as_u16();
        // It was taken, or not, whatever becomes of the rest.
        let _ = Limited::new(answered.into_body(), ANSWER_MAX).collect().await;
        Ok(status)
    }

    fn request(&self, document: &Document) -> Result<Request<Full<Bytes>>, Failure> {
        let logged: Logged = document.read("a request of a source's log")?;
        let (body, content_type) = logged.body()?;
        let mut request = Request::post(&self.url);
        for (name, value) in &logged.headers {
            let is_signature = SIGNATURE_HEADERS.iter().any(|prefix| name.starts_with(prefix));
            let goes_on = if is_signature { self.secret.is_none() } else { is_forwarded(name, value) };
            // What is no header's value cannot be sent.
            if goes_on
                && let (Ok(name), Ok(value)) =
                    (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
            {
                request = request.header(name, value);
            }
        }
        for (name, value) in self.signature(&logged, &body)? {
            request = request.header(name, value);
        }
        let content_type =
            HeaderValue::try_from(content_type).unwrap_or_else(|_| HeaderValue::from_static(BYTES));
        request
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(body))
            .map_err(|error| Failure::because("The request cannot be written", &error))
    }

    /// The headers that the server would sign with.
    fn signature(&self, logged: &Logged, body: &[u8]) -> Result<Vec<(&'static str, String)>, Failure> {
        let (Some(secret), Some(id)) = (&self.secret, &logged.msg_id) else { return Ok(Vec::new()) };
        let seconds = Clock::system().now().as_seconds().max(0).unsigned_abs();
        let signature = hookwright_signature::sign(secret, id, seconds, body)
            .map_err(|error| Failure::because("The request cannot be signed", &error))?;
        let names = HeaderNames::Standard;
        Ok(vec![
            (names.id(), id.clone()),
            (names.timestamp(), seconds.to_string()),
            (names.signature(), signature),
        ])
    }
}

impl Logged {
    /// The body byte for byte with its content type; of a request without one, what it said otherwise.
    fn body(&self) -> Result<(Bytes, &str), Failure> {
        let bytes = match &self.payload_base64 {
            Some(text) => STANDARD.decode(text).map_err(|error| {
                Failure::because("The server's answer has a body that cannot be read", &error)
            })?,
            None => self.payload.clone().into_bytes(),
        };
        if bytes.is_empty() {
            let described = described(&self.method, &self.path, self.query.as_deref());
            return Ok((Bytes::from(described), "application/json"));
        }
        Ok((Bytes::from(bytes), self.headers.get(CONTENT_TYPE.as_str()).map_or(BYTES, String::as_str)))
    }
}
