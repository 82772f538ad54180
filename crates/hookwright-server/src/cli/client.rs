//! A small client of a server's API.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::failure::Failure;

/// A server that takes longer is not there, for a person who waits.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No answer that we ask for is larger.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// Calls one server with one token.
pub(super) struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Without a slash at the end.
    base: String,
    token: Zeroizing<String>,
}

/// What a server says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    detail: serde_json::Value,
}

impl Client {
    /// A client of the server at `url`, such as `http://127.0.0.1:8071`.
    pub(super) fn new(url: &str, token: Zeroizing<String>) -> Result<Client, Failure> {
        let parsed =
            Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(parsed) = parsed else {
            return Err(Failure::new(format!("{url:?} is not the URL of a server."))
                .advise("An example is http://127.0.0.1:8071."));
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| Failure::because("The system's certificates cannot be used", &error))?
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let http = HyperClient::builder(TokioExecutor::new()).build(connector);
        Ok(Client { http, base: parsed.as_str().trim_end_matches('/').to_owned(), token })
    }

    /// Posts a JSON document and returns the answer, which is one of success.
    pub(super) async fn post(&self, path: &str, document: String) -> Result<Bytes, Failure> {
        let request = Request::post(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(document)))
            .map_err(|error| Failure::because("The request cannot be written", &error))?;
        let called = tokio::time::timeout(TIMEOUT, async {
            let response = self.http.request(request).await.map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
            let body = body.map_err(|error| Failure::because("The server's answer broke off", &*error))?;
            Ok::<_, Failure>((status, body.to_bytes()))
        });
        let Ok(answered) = called.await else {
            return Err(Failure::new(format!(
                "The server at {} did not answer within {} s.",
                self.base,
                TIMEOUT.as_secs()
            )));
        };
        let (status, body) = answered?;
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }

    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Failure {
        // The outermost level says only that connecting failed.
        let cause = error.source().unwrap_or(error);
        Failure::because(&format!("The server at {} cannot be reached", self.base), cause)
            .advise("Start one with `hookwright dev`, or say where it is with --url.")
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Failure {
    // A list of details is the same as it is, for people who read JSON.
    let detail = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| match refusal.detail {
        serde_json::Value::String(sentence) => sentence,
        other => other.to_string(),
    });
    let failure = Failure::new(match detail {
        Some(detail) => format!("The server refused with {status}: {}", detail.trim()),
        None => format!("The server refused with {status}."),
    });
    match status {
        StatusCode::UNAUTHORIZED => {
            failure.advise("Is HOOKWRIGHT_API_TOKEN, or --token-file, this server's token?")
        }
        _ => failure,
    }
}
