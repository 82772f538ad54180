//! Requests as providers make them, for tests of what takes them.

use bytes::Bytes;
use hookwright_signature::provider::{Inbound, Source};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::clock::Clock;
use crate::domain::time::Timestamp;
use crate::hooks::Hooks;

/// A request with this body as the provider of `source` makes it now, by the machine's clock, with an id of its own.
///
/// It is a POST of JSON to `/`; [`SignedRequest`] makes others. Its event type is in the body, or in a header that you set:
/// `x-github-event` of GitHub.
///
/// ```
/// use hookwright::{Source, testing::signed_request};
///
/// let request = signed_request(Source::stripe("whsec_of_stripe"), r#"{"id": "evt_1", "type": "charge.succeeded"}"#);
/// assert!(request.headers().contains_key("stripe-signature"));
/// ```
///
/// # Panics
///
/// As [`SignedRequest::build`].
#[track_caller]
pub fn signed_request(source: Source, body: impl Into<Bytes>) -> Request<Bytes> {
    SignedRequest::of(source, body).build()
}

impl Hooks {
    /// Does what [`signed_request`] does, by the engine's clock, which in a test stands still.
    ///
    /// # Panics
    ///
    /// As [`SignedRequest::build`].
    #[track_caller]
    pub fn signed_request(&self, source: Source, body: impl Into<Bytes>) -> Request<Bytes> {
        SignedRequest::of(source, body).at(self.clock().now()).build()
    }
}

/// A request to be made as a provider makes it.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    source: Source,
    body: Bytes,
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    id: Option<String>,
    at: Option<Timestamp>,
}

impl SignedRequest {
    /// A POST of this body to `/`.
    pub fn of(source: Source, body: impl Into<Bytes>) -> SignedRequest {
        SignedRequest {
            source,
            body: body.into(),
            method: Method::POST,
            url: "/".to_owned(),
            headers: Vec::new(),
            id: None,
            at: None,
        }
    }

    /// Sends it to this path, or whole URL, which HubSpot signs.
    pub fn to(mut self, url: impl Into<String>) -> SignedRequest {
        self.url = url.into();
        self
    }

    /// Uses this method.
    pub fn method(mut self, method: Method) -> SignedRequest {
        self.method = method;
        self
    }

    /// Sends this header too; one that `hmac` signs is signed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> SignedRequest {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Gives it this id, in the place of one that no other request has; of providers that write it into the body the body is left as
    /// it is.
    pub fn id(mut self, id: impl Into<String>) -> SignedRequest {
        self.id = Some(id.into());
        self
    }

    /// Signs it at this time.
    pub fn at(mut self, now: Timestamp) -> SignedRequest {
        self.at = Some(now);
        self
    }

    /// Makes the request.
    ///
    /// # Panics
    ///
    /// If requests of this source cannot be signed, with what to do: a kind that proves nothing we know, a public key alone. If the
    /// URL or a header cannot be one.
    #[track_caller]
    pub fn build(self) -> Request<Bytes> {
        let SignedRequest { source, body, method, url, headers, id, at } = self;
        let kind = source.kind().to_owned();
        let config = source.config().unwrap_or_else(|error| panic!("a source of the kind {kind}: {error}"));
        let uri: Uri = url.parse().unwrap_or_else(|error| panic!("{url:?} is no URL: {error}"));
        let request = Inbound {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            url: Some(&url),
            headers: &headers,
            body: &body,
        };
        let now = at.unwrap_or_else(|| Clock::system().now()).as_seconds();
        let id = id.unwrap_or_else(|| format!("msg_{:032x}", fastrand::u128(..)));
        let signed = config
            .sign(&request, now, &id)
            .unwrap_or_else(|error| panic!("a request of the kind {kind} cannot be signed: {error}"));

        let mut uri = uri.to_string();
        for (name, value) in &signed.query {
            let mark = if uri.contains('?') { '&' } else { '?' };
            uri = format!("{uri}{mark}{name}={value}");
        }
        let mut made = Request::new(body);
        *made.method_mut() = method;
        *made.uri_mut() = uri.parse().unwrap_or_else(|error| panic!("{uri:?} is no URL: {error}"));
        made.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What the test sets comes last, and in the place of what there was.
        for (name, value) in signed.headers.iter().chain(&headers) {
            let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
            let (Ok(name), Ok(value)) = parsed else { panic!("{name}: {value:?} is no header") };
            made.headers_mut().insert(name, value);
        }
        made
    }
}
