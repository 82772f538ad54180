//! The source of `bench --inbound`, and its provider, who signs as GitHub does.

use bytes::Bytes;
use hookwright_signature::provider::{Inbound, SourceConfig, SourceKind};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;

use super::super::rig::{ChildServer, HttpClient, RigError, http_client};
use super::BenchError;
use super::sender::Keys;

/// An HMAC of the body, and an id for each call, as most providers have.
const KIND: &str = "github";
/// What the source and its provider share; both live as long as the measurement.
const SECRET: &str = "the secret of a benchmark";

/// Who calls the source.
pub(super) struct Provider {
    client: HttpClient,
    url: String,
    proof: SourceConfig,
    /// Ids of calls that look like GitHub's.
    ids: Keys,
}

impl Provider {
    /// Makes a source without endpoints, and who calls it.
    ///
    /// # Errors
    ///
    /// If the server does not make it, or there are no random bytes.
    pub(super) async fn of_new_source(server: &ChildServer) -> Result<Provider, BenchError> {
        let kind = SourceKind::parse(KIND).ok_or(BenchError::Kind { kind: KIND })?;
        let proof = SourceConfig::parse(kind, [("secret", SECRET.to_owned())])?;
        let url = server.api().source("Benchmark", KIND, SECRET).await?;
        Ok(Provider { client: http_client(), url, proof, ids: Keys::new()? })
    }

    /// What calls it.
    pub(super) fn client(&self) -> &HttpClient {
        &self.client
    }

    /// The source's URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Call `number`, with the headers that GitHub's have.
    ///
    /// # Errors
    ///
    /// None, while the constants of this file make a provider.
    pub(super) fn request(&self, number: u64, body: Bytes) -> Result<Request<Full<Bytes>>, RigError> {
        let call = Inbound { body: &body, ..Inbound::POST };
        // GitHub signs no time.
        let signed = self.proof.sign(&call, 0, &self.ids.uuid(number)).map_err(RigError::Unsigned)?;
        let mut request = Request::post(&self.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("GitHub-Hookshot/044aadd"))
            .header("x-github-event", HeaderValue::from_static("push"));
        for (name, value) in signed.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(body)).map_err(RigError::Request)
    }
}
