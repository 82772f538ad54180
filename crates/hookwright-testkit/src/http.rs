//! A small HTTP client for tests: JSON in and out, and raw bytes for what a proper client never sends.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
/// Passed to [`Client::request`].
pub use http::Method;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy, rt::TokioExecutor};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::DEADLINE;

/// How long [`raw`] waits for the next byte of an answer.
const RAW_QUIET: Duration = Duration::from_secs(5);

/// A client of one server. Clones share its idle connections.
///
/// The short methods panic if there is no answer, since that ends almost every test; [`try_request`](Self::try_request)
/// is for those in which the server is down.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    inner: legacy::Client<legacy::connect::HttpConnector, Full<Bytes>>,
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoAnswer {
    /// The request could not be made from its parts.
    #[error("the request is not valid")]
    Invalid(#[from] http::Error),
    /// The server could not be reached, or the connection ended before the answer.
    #[error("the server gave no answer")]
    Connection(#[from] legacy::Error),
    /// The connection ended within the answer.
    #[error("the answer broke off")]
    BrokeOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer was not complete after [`DEADLINE`].
    #[error("the server gave no complete answer in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
}

impl Client {
    /// A client of the server at `base_url`, such as `http://127.0.0.1:8080`, that shows a bearer token.
    #[must_use]
    pub fn new(base_url: impl Into<String>, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..Self::anonymous(base_url) }
    }

    /// A client that shows no token.
    #[must_use]
    pub fn anonymous(base_url: impl Into<String>) -> Self {
        let base = base_url.into().trim_end_matches('/').to_owned();
        let inner = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { base, token: None, inner }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], "").await
    }

    /// DELETE, without a body.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, &[], "").await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, json: &Value) -> Answer {
        self.json(Method::POST, path, json).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, json: &Value) -> Answer {
        self.json(Method::PUT, path, json).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, json: &Value) -> Answer {
        self.json(Method::PATCH, path, json).await
    }

    /// Any method, headers and bytes; `content-type` is sent only if it is among the headers.
    ///
    /// # Panics
    ///
    /// If there is no complete answer within [`DEADLINE`], as all the shorter methods.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let answer = self.try_request(method.clone(), path, headers, body).await;
        answer.unwrap_or_else(|error| panic!("no answer to {method} {}{path}: {error:?}", self.base))
    }

    /// As [`request`](Self::request), for when there may be no answer.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`] says why there is none; an answer of any status is an answer.
    pub async fn try_request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()))?;
        let exchange = async {
            let (head, body) = self.inner.request(request).await?.into_parts();
            let body = body.collect().await.map_err(|error| NoAnswer::BrokeOff(error.into()))?;
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
        };
        tokio::time::timeout(DEADLINE, exchange).await?
    }

    async fn json(&self, method: Method, path: &str, json: &Value) -> Answer {
        self.request(method, path, &[("content-type", "application/json")], json.to_string()).await
    }
}

impl Answer {
    /// The first value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON, with the answer.
    #[must_use]
    pub fn json(&self) -> Value {
        let Self { status, body, .. } = self;
        serde_json::from_slice(body)
            .unwrap_or_else(|error| panic!("answer {status} is not JSON ({error}): {}", self.text()))
    }

    /// The body as text, with replacement characters for what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer itself, if it has this status.
    ///
    /// # Panics
    ///
    /// If it has another one, with the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, and got {}: {}", self.status, self.text());
        self
    }
}

/// Writes exactly these bytes to a server and returns all that it sends back.
///
/// The answer ends when the server closes the connection, or after five seconds without a byte; so a well-formed
/// request says `connection: close`. A reset ends it as a close does.
///
/// # Panics
///
/// If the server cannot be reached.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).await;
    let mut stream = stream.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = tokio::time::timeout(RAW_QUIET, stream.read_buf(&mut answer)).await {}
    answer
}
