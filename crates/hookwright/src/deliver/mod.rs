//! One attempt: render, check the address, sign, send, and say what came of it. It never sees the store.

mod render; // what the endpoint gets
mod forward; // what came to a source
mod custom; // a product's own way
mod asking; // whether what came is true
pub(crate) mod handler; // and its own code in the place of an endpoint
pub(crate) mod address_policy; // where it may go
mod resolver;
mod connector;
mod client; // sending it
mod letter_case;
mod outcome; // what came of it

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hookwright_signature::{HeaderNames, Signer};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;

use crate::config::{Config, SignatureHeaders, UrlSchemes};
use crate::deliver::address_policy::AddressPolicy;
use crate::deliver::client::{Client, RESPONSE_KEPT};
use crate::domain::application::Purpose;
use crate::domain::endpoint::Endpoint;
use crate::domain::inbound::CameWith;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;

pub(crate) use asking::Question;
pub(crate) use connector::TlsSetupError;
pub(crate) use custom::Custom;
pub use custom::{BoxError, Outgoing, WebhookBody};
pub use handler::InboundEvent;
pub(crate) use outcome::{FailureReason, Outcome};

const SENDER: HeaderValue = HeaderValue::from_static(concat!("hookwright/", env!("CARGO_PKG_VERSION")));

/// Makes attempts.
pub(crate) struct Deliverer {
    client: Client,
    timeout: Duration,
    names: &'static [HeaderNames],
    schemes: UrlSchemes,
    custom: Custom,
}

/// What one attempt needs.
pub(crate) struct AttemptRequest<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// Whose webhook it is.
    pub(crate) purpose: Purpose,
    /// Signs with the endpoint's current secret.
    pub(crate) signer: &'a Signer,
    /// The endpoint's URL, if it can be called at all.
    pub(crate) uri: Option<&'a Uri>,
    pub(crate) message: &'a Arc<Message>,
    /// The headers of the request that the message was made of, if it was made of one.
    pub(crate) forwarded: &'a CameWith,
    /// Which attempt it is, from 1.
    pub(crate) number: u16,
    pub(crate) now: Timestamp,
}

impl Deliverer {
    pub(crate) fn new(
        config: &Config,
        policy: Arc<AddressPolicy>,
        custom: Custom,
    ) -> Result<Deliverer, TlsSetupError> {
        let names: &'static [HeaderNames] = match config.signature_headers {
            SignatureHeaders::Webhook => &[HeaderNames::Standard],
            SignatureHeaders::Svix => &[HeaderNames::Svix],
            SignatureHeaders::Both => &HeaderNames::ALL,
        };
        Ok(Deliverer {
            client: Client::new(config, policy)?,
            timeout: config.request_timeout,
            names,
            schemes: config.schemes,
            custom,
        })
    }

    /// Closes what is open, once the last attempt has ended.
    pub(crate) fn close(&self) {
        self.client.close();
    }

    /// Makes one attempt. It ends by its timeout, and never fails but as an outcome.
    pub(crate) async fn attempt(&self, request: &AttemptRequest<'_>) -> Outcome {
        let started = Instant::now();
        let url = &request.endpoint.settings.url;
        let ended = if handler::is_handler(url) {
            match self.custom.handler(url) {
                Some(handler) => handler.handle(request.message, request.forwarded, request.number).await,
                None => client::Ended::failed(FailureReason::NoHandler),
            }
        } else {
            match self.prepare(request) {
                Ok(http_request) => self.send(request, http_request, started).await,
                Err(reason) => client::Ended::failed(reason),
            }
        };
        Outcome::new(ended, started.elapsed(), request.now)
    }

    async fn send(
        &self,
        request: &AttemptRequest<'_>,
        http_request: Request<Bytes>,
        started: Instant,
    ) -> client::Ended {
        let outgoing = || Outgoing {
            request: http_request.clone(),
            message: Arc::clone(request.message),
            endpoint: request.endpoint.clone(),
            attempt: request.number,
        };
        if let Some(ended) = self.custom.send(outgoing, self.timeout).await {
            return ended;
        }
        let mut http_request = http_request.map(Full::new);
        http_request.extensions_mut().extend(letter_case::of(&request.endpoint.headers).await);
        self.client.send(http_request, started + self.timeout, self.timeout, RESPONSE_KEPT).await
    }

    fn prepare(&self, request: &AttemptRequest<'_>) -> Result<Request<Bytes>, FailureReason> {
        let uri = request.uri.ok_or(FailureReason::Url)?;
        if self.schemes == UrlSchemes::HttpsOnly && uri.scheme_str() != Some("https") {
            return Err(FailureReason::NotHttps);
        }
        let body = match request.purpose {
            Purpose::Customer => self.custom.render(request.message, request.endpoint)?,
            // What a product renders are its own messages.
            Purpose::Operational => WebhookBody::usual(request.message, request.endpoint),
            Purpose::Source => forward::body(request.message, request.forwarded),
        };
        let id = request.message.id.to_string();
        let seconds = request.now.as_seconds();
        let timestamp = u64::try_from(seconds).unwrap_or(0);
        let mut signature = String::with_capacity(64);
        let unsigned = |_| FailureReason::Unsigned;
        request.signer.sign_into(&mut signature, &id, timestamp, &body.bytes).map_err(unsigned)?;
        for secret in request.endpoint.signing_secrets(request.now).skip(1) {
            Signer::new(secret).sign_into(&mut signature, &id, timestamp, &body.bytes).map_err(unsigned)?;
        }
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| FailureReason::Unsigned);
        let (id, timestamp, signature) = (value(&id)?, HeaderValue::from(timestamp), value(&signature)?);

        let mut http_request = Request::new(body.bytes);
        *http_request.method_mut() = Method::POST;
        *http_request.uri_mut() = uri.clone();
        let headers = http_request.headers_mut();
        headers.reserve(8 + request.endpoint.headers.len());
        forward::add(headers, request.forwarded, request.endpoint);
        headers.insert(CONTENT_TYPE, body.content_type);
        headers.insert(USER_AGENT, SENDER);
        for names in self.names {
            headers.insert(HeaderName::from_static(names.id()), id.clone());
            headers.insert(HeaderName::from_static(names.timestamp()), timestamp.clone());
            headers.insert(HeaderName::from_static(names.signature()), signature.clone());
        }
        for header in &request.endpoint.headers {
            let name = HeaderName::try_from(header.name.as_str());
            let value = HeaderValue::try_from(header.value.as_str());
            // Both were checked when the header was set; what does not fit now is a damaged row.
            let (Ok(name), Ok(mut value)) = (name, value) else { return Err(FailureReason::Header) };
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(http_request)
    }
}

/// The form of an endpoint's URL that can be called: host names in ASCII, odd characters escaped.
pub(crate) fn callable(url: &str) -> Option<Uri> {
    url::Url::parse(url).ok().and_then(|url| Uri::try_from(String::from(url)).ok())
}
