//! Asks the product which of its users a key belongs to: those who have keys of the product need no token of ours.
//!
//! The product gets `{"username", "api_key"}` by POST, and answers 2xx with `{"uid"}` if they belong together.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hookwright::Clock;
use hookwright::domain::names::Uid;
use hookwright::domain::time::Timestamp;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use url::Url;

use crate::outgoing::{HttpClient, http_client};

/// So long a key that was found good is taken without asking.
const ADMITTED_FOR: Duration = Duration::from_secs(60);
/// So long one that was refused is refused without asking: short, for it may be good in a moment.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// So many verdicts are kept; beyond that they are asked for again.
const VERDICTS_MAX: usize = 10_000;
/// How long the product may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many questions at a time: whoever tries keys must not take the product down.
const QUESTIONS_MAX: usize = 16;
/// No sane answer is larger.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Asks the product, and remembers for a while what it said.
pub(crate) struct Verifier {
    url: String,
    http: HttpClient,
    clock: Clock,
    questions: Semaphore,
    verdicts: Mutex<Verdicts>,
}

/// By hash of username and key, so that no key is kept: the user, or none, and until when that holds.
type Verdicts = HashMap<[u8; 32], (Option<Uid>, Timestamp)>;

/// Keys cannot be verified.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's certificates cannot be used to verify keys")]
pub(crate) struct VerifySetupError(#[source] rustls::Error);

/// The product did not say whether a key is good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("rest_hooks_verify_url did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("rest_hooks_verify_url could not be reached: {0}")]
    Unreachable(String),
    #[error("rest_hooks_verify_url answered {0}; 2xx with {{\"uid\"}} admits, 4xx refuses")]
    Status(StatusCode),
    #[error("rest_hooks_verify_url answered {0} without a usable {{\"uid\"}}: {1}")]
    Answer(StatusCode, String),
}

/// What the product answers: the user's id, which many keep as a number.
#[derive(Deserialize)]
struct Answer {
    uid: serde_json::Value,
}

impl Verifier {
    pub(crate) fn new(
        url: &Url,
        extra_ca_pem: Option<&[u8]>,
        clock: Clock,
    ) -> Result<Verifier, VerifySetupError> {
        Ok(Verifier {
            url: url.as_str().to_owned(),
            http: http_client(extra_ca_pem).map_err(VerifySetupError)?,
            clock,
            questions: Semaphore::new(QUESTIONS_MAX),
            verdicts: Mutex::default(),
        })
    }

    /// The uid of the user that this name and key belong to; `None` if they do not belong together.
    pub(super) async fn verify(&self, username: &str, key: &str) -> Result<Option<Uid>, VerifyError> {
        let hash = hash(username, key);
        if let Some(verdict) = self.kept(&hash) {
            return Ok(verdict);
        }
        let asked = tokio::time::timeout(TIMEOUT, async {
            // The semaphore is never closed.
            let _turn = self.questions.acquire().await.ok();
            // Somebody else may have asked the same meanwhile.
            match self.kept(&hash) {
                Some(verdict) => Ok(verdict),
                None => self.ask(username, key).await,
            }
        });
        let verdict = asked.await.unwrap_or(Err(VerifyError::Timeout))?;
        self.keep(hash, verdict.clone());
        Ok(verdict)
    }

    fn kept(&self, hash: &[u8; 32]) -> Option<Option<Uid>> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let (verdict, until) = verdicts.get(hash)?;
        (self.clock.now() < *until).then(|| verdict.clone())
    }

    fn keep(&self, hash: [u8; 32], verdict: Option<Uid>) {
        let now = self.clock.now();
        let until = now.after(if verdict.is_some() { ADMITTED_FOR } else { REFUSED_FOR });
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() >= VERDICTS_MAX {
            verdicts.retain(|_, (_, until)| now < *until);
        }
        if verdicts.len() >= VERDICTS_MAX {
            verdicts.clear();
        }
        verdicts.insert(hash, (verdict, until));
    }

    async fn ask(&self, username: &str, key: &str) -> Result<Option<Uid>, VerifyError> {
        let unreachable = |error: &dyn std::error::Error| VerifyError::Unreachable(chain(error));
        let question = serde_json::json!({ "username": username, "api_key": key }).to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(question)))
            .map_err(|error| unreachable(&error))?;
        let response = self.http.request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        // These two say nothing of the key.
        let says_nothing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
        if status.is_client_error() && !says_nothing {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(VerifyError::Status(status));
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| VerifyError::Unreachable(error.to_string()))?.to_bytes();
        uid(&body).map(Some).map_err(|why| VerifyError::Answer(status, why))
    }
}

/// The user's id of an answer. What is wrong with it quotes nothing of it.
fn uid(body: &[u8]) -> Result<Uid, String> {
    // The parser's own words may quote the answer, and so the key, if that is in it.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("it is no JSON object with a uid (line {line}, column {column})")
    })?;
    let text = match answer.uid {
        serde_json::Value::String(text) => text,
        serde_json::Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => return Err("uid is neither a text nor a whole number".to_owned()),
    };
    Uid::parse(&text).map_err(|error| format!("uid {error}"))
}

/// The lengths are part of it, so that no other pair has the same bytes.
fn hash(username: &str, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((username.len() as u64).to_be_bytes());
    hash.update(username);
    hash.update(key);
    hash.finalize().into()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
