//! A client of the server's Svix API: the few operations that a trial needs.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{RigError, connector};

/// The longest answer that is read, in bytes: a page of 250 attempts is far below it.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// So much of an error's body is shown, in characters.
const ERROR_SHOWN: usize = 300;

/// Speaks HTTP/1.1 and keeps its connections.
pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// A client whose connections are all kept for the next request.
pub(crate) fn http_client() -> HttpClient {
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(usize::MAX).build(connector())
}

/// Speaks to one server, as its operator.
#[derive(Clone)]
pub(crate) struct Api {
    client: HttpClient,
    base: String,
    authorization: HeaderValue,
}

/// An endpoint's id, as the server gave it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EndpointId {
    pub(crate) id: String,
}

/// One attempt, as the API tells it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptOut {
    /// 0 is a success.
    pub(crate) status: u8,
    /// 0 if there was no answer.
    pub(crate) response_status_code: u16,
    /// The beginning of the answer's body, or why there is none.
    #[serde(default)]
    pub(crate) response: String,
    /// What went wrong, in words.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// RFC 3339.
    pub(crate) timestamp: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceOut {
    ingest_url: String,
}

#[derive(Deserialize)]
struct SecretOut {
    key: String,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
}

impl Api {
    /// Speaks to the server at `base` (`http://127.0.0.1:8071`) with an admin token.
    ///
    /// # Errors
    ///
    /// [`RigError::Request`] if the token cannot be a header.
    pub(crate) fn new(base: String, token: &str) -> Result<Api, RigError> {
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|e| RigError::Request(e.into()))?;
        authorization.set_sensitive(true);
        Ok(Api { client: http_client(), base, authorization })
    }

    /// Makes an application, or takes the one with this `uid`.
    pub(crate) async fn application(&self, name: &str, uid: &str) -> Result<String, RigError> {
        let body = json!({"name": name, "uid": uid});
        let created: Created = self.post("/api/v1/app?get_if_exists=true", &body).await?;
        Ok(created.id)
    }

    /// Makes an event type, or updates it.
    pub(crate) async fn event_type(&self, name: &str, description: &str) -> Result<(), RigError> {
        let path = format!("/api/v1/event-type/{name}");
        let body = to_bytes(&json!({"description": description}));
        let (status, answer) = self.call(Method::PUT, &path, body, None).await?;
        accepted(status, &path, &answer)
    }

    /// Makes an endpoint that wants one event type, or all of them.
    pub(crate) async fn endpoint(
        &self,
        application: &str,
        url: &str,
        event_type: Option<&str>,
    ) -> Result<EndpointId, RigError> {
        let mut body = json!({"url": url});
        if let Some(event_type) = event_type {
            body["eventTypes"] = json!([event_type]);
        }
        self.post(&format!("/api/v1/app/{application}/endpoint"), &body).await
    }

    /// Makes a source whose requests are signed with this secret, and gives the URL to send them to.
    pub(crate) async fn source(&self, name: &str, kind: &str, secret: &str) -> Result<String, RigError> {
        let body = json!({"name": name, "type": kind, "config": {"secret": secret}});
        let made: SourceOut = self.post("/ingest/api/v1/source", &body).await?;
        Ok(made.ingest_url)
    }

    /// What an endpoint's webhooks are signed with.
    pub(crate) async fn endpoint_secret(
        &self,
        application: &str,
        endpoint: &EndpointId,
    ) -> Result<String, RigError> {
        let path = format!("/api/v1/app/{application}/endpoint/{}/secret", endpoint.id);
        let secret: SecretOut = self.get(&path).await?;
        Ok(secret.key)
    }

    /// Sends a message and gives its id.
    pub(crate) async fn message(
        &self,
        application: &str,
        event_type: &str,
        payload: &Value,
    ) -> Result<String, RigError> {
        let body = json!({"eventType": event_type, "payload": payload});
        let created: Created = self.post(&format!("/api/v1/app/{application}/msg"), &body).await?;
        Ok(created.id)
    }

    /// The attempts of a message, oldest first.
    pub(crate) async fn attempts(
        &self,
        application: &str,
        message: &str,
    ) -> Result<Vec<AttemptOut>, RigError> {
        let path = format!("/api/v1/app/{application}/attempt/msg/{message}?with_content=true");
        let mut page: Page<AttemptOut> = self.get(&path).await?;
        page.data.reverse();
        Ok(page.data)
    }

    /// The server's metrics, as Prometheus reads them.
    pub(crate) async fn metrics(&self) -> Result<String, RigError> {
        let (status, answer) = self.call(Method::GET, "/metrics", Bytes::new(), None).await?;
        accepted(status, "/metrics", &answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Whether the server says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.call(Method::GET, "/api/v1/health/ready", Bytes::new(), None).await;
        answer.is_ok_and(|(status, _)| status.is_success())
    }

    /// Makes one request with a JSON body and gives whatever was answered.
    ///
    /// # Errors
    ///
    /// If there is no whole answer; every status is an answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        idempotency_key: Option<&str>,
    ) -> Result<(StatusCode, Bytes), RigError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.authorization.clone());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(body)).map_err(RigError::Request)?;
        let answer = self.client.request(request).await.map_err(RigError::NoAnswer)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(RigError::Broken)?;
        Ok((head.status, body.to_bytes()))
    }

    /// Reads a document.
    pub(crate) async fn read(&self, path: &str) -> Result<Value, RigError> {
        self.get(path).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RigError> {
        let (status, answer) = self.call(Method::GET, path, Bytes::new(), None).await?;
        decode(status, path, &answer)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, RigError> {
        let (status, answer) = self.call(Method::POST, path, to_bytes(body), None).await?;
        decode(status, path, &answer)
    }
}

/// An error with the beginning of the answer, unless it was 2xx.
pub(crate) fn accepted(status: StatusCode, path: &str, answer: &[u8]) -> Result<(), RigError> {
    if status.is_success() {
        return Ok(());
    }
    let body = String::from_utf8_lossy(answer).chars().take(ERROR_SHOWN).collect();
    Err(RigError::Refused { status, path: path.to_owned(), body })
}

fn decode<T: DeserializeOwned>(status: StatusCode, path: &str, answer: &[u8]) -> Result<T, RigError> {
    accepted(status, path, answer)?;
    serde_json::from_slice(answer).map_err(|source| RigError::Unexpected { path: path.to_owned(), source })
}

fn to_bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}
