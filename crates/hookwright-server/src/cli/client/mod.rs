//! A small client of a server's API.

mod document;
mod pages;
mod path;
mod refusal;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

pub(super) use document::Document;
pub(super) use pages::Pages;
pub(super) use path::Path;

use super::failure::Failure;
use crate::outgoing::{HttpClient, http_client};

/// A server that takes longer is not there, for a person who waits.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No answer that we ask for is larger: a page of payloads, each as large as they may be.
const ANSWER_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Calls one server with one token.
pub(super) struct Client {
    http: HttpClient,
    /// Without a slash at the end.
    base: String,
    token: Zeroizing<String>,
}

impl Client {
    /// A client of the server at `url`, such as `http://127.0.0.1:8071`.
    pub(super) fn new(url: &str, token: Zeroizing<String>) -> Result<Client, Failure> {
        let base = base(url)?;
        let http = http_client(None)
            .map_err(|error| Failure::because("The system's certificates cannot be used", &error))?;
        Ok(Client { http, base, token })
    }

    /// The document at a path.
    pub(super) async fn get(&self, path: &Path) -> Result<Document, Failure> {
        Document::of(&self.call(Method::GET, path, Bytes::new()).await?)
    }

    /// Posts a document, and gives the one that is answered.
    pub(super) async fn post(&self, path: &Path, body: &impl Serialize) -> Result<Document, Failure> {
        Document::of(&self.call(Method::POST, path, written(body)?).await?)
    }

    /// Posts a document to where nothing is answered.
    pub(super) async fn tell(&self, path: &Path, body: &impl Serialize) -> Result<(), Failure> {
        self.call(Method::POST, path, written(body)?).await.map(drop)
    }

    /// Puts a document in the place of another, and gives the one that is answered.
    pub(super) async fn put(&self, path: &Path, body: &impl Serialize) -> Result<Document, Failure> {
        Document::of(&self.call(Method::PUT, path, written(body)?).await?)
    }

    /// Changes what the document names, and gives what is answered, which may be nothing.
    pub(super) async fn patch(&self, path: &Path, body: &impl Serialize) -> Result<Bytes, Failure> {
        self.call(Method::PATCH, path, written(body)?).await
    }

    /// Changes what the document names, and gives the whole document.
    pub(super) async fn change(&self, path: &Path, body: &impl Serialize) -> Result<Document, Failure> {
        Document::of(&self.patch(path, body).await?)
    }

    /// Deletes what is at a path.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), Failure> {
        self.call(Method::DELETE, path, Bytes::new()).await.map(drop)
    }

    /// One request, and the body of its answer, which is one of success.
    async fn call(&self, method: Method, path: &Path, body: Bytes) -> Result<Bytes, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path.at(&self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|_| {
                // The cause could repeat the token.
                Failure::new(
                    "The request cannot be written: the access token or the URL has strange characters.",
                )
            })?;
        let called = tokio::time::timeout(TIMEOUT, async {
            let response = self.http.request(request).await.map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
            let body =
                body.map_err(|error| Failure::because("The server's answer broke off", &*error).passing())?;
            Ok::<_, Failure>((status, body.to_bytes()))
        });
        let Ok(answered) = called.await else {
            return Err(Failure::new(format!(
                "The server at {} did not answer within {} s.",
                self.base,
                TIMEOUT.as_secs()
            ))
            .passing());
        };
        let (status, body) = answered?;
        if status.is_success() {
            return Ok(body);
        }
        let refused = refusal::refused(&self.base, path, status, &body);
        Err(if may_pass(status) { refused.passing() } else { refused })
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        // The outermost level says only that connecting failed.
        let cause = error.source().unwrap_or(error);
        Failure::because(&format!("The server at {} cannot be reached", self.base), cause)
            .advise("Start one with `hookwright dev`, or say where it is with --url.")
            .passing()
    }
}

/// Whether an answer says that there may be another one later: there is too much to do, or something behind it is not there.
fn may_pass(status: StatusCode) -> bool {
    let is_refusal = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
    !is_refusal && !status.is_redirection() && status != StatusCode::NOT_IMPLEMENTED
}

/// The URL of a server, without a slash at the end.
pub(super) fn base(url: &str) -> Result<String, Failure> {
    let parsed =
        Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(parsed) = parsed else {
        return Err(Failure::new(format!("{url:?} is not the URL of a server."))
            .advise("An example is http://127.0.0.1:8071."));
    };
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Failure::new("The URL of the server holds a user or a password, which is not used.")
            .advise("Leave it out, and give an access token."));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(Failure::new("The URL of the server has a query or a fragment.")
            .advise("An example is http://127.0.0.1:8071."));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

fn written(body: &impl Serialize) -> Result<Bytes, Failure> {
    let text = serde_json::to_vec(body);
    text.map(Bytes::from).map_err(|error| Failure::because("The request cannot be written as JSON", &error))
}
