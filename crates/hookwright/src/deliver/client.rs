//! Sends one request and reads its answer, within one deadline and with a capped body. It follows no redirects.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::HeaderMap;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout_at;

use crate::config::Config;
use crate::deliver::address_policy::AddressPolicy;
use crate::deliver::connector::{Connector, TlsSetupError};
use crate::deliver::outcome::FailureReason;
use crate::deliver::resolver::Resolver;

/// So much of the body of an endpoint's answer is kept; beyond it reading stops and the connection is closed.
pub(super) const RESPONSE_KEPT: usize = 8 * 1024;
/// The largest answer head that is read.
const RESPONSE_HEAD_MAX: usize = 64 * 1024;
/// The most headers that are read.
const RESPONSE_HEADERS_MAX: usize = 100;
/// An idle connection is kept for so long; most servers close theirs after 60 s or more.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests over a pool of connections.
pub(super) struct Client {
    /// Until it is closed.
    http: RwLock<Option<legacy::Client<Connector, Full<Bytes>>>>,
}

/// How a request ended.
pub(super) struct Ended {
    /// The answer's head, if one came.
    pub(super) head: Option<(StatusCode, HeaderMap)>,
    /// What came of its body, up to the cap.
    pub(super) body: Bytes,
    /// What went wrong on the way, if something did.
    pub(super) failure: Option<FailureReason>,
}

impl Ended {
    pub(super) fn failed(reason: FailureReason) -> Ended {
        Ended { head: None, body: Bytes::new(), failure: Some(reason) }
    }
}

impl Client {
    pub(super) fn new(config: &Config, policy: Arc<AddressPolicy>) -> Result<Client, TlsSetupError> {
        let connector = Connector::new(config, Resolver::new(policy))?;
        let http = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_buf_size(RESPONSE_HEAD_MAX)
            .http1_max_headers(RESPONSE_HEADERS_MAX)
            .build(connector);
        Ok(Client { http: RwLock::new(Some(http)) })
    }

    /// Closes the connections that nothing uses, and makes no more.
    pub(super) fn close(&self) {
        self.http.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Sends `request`; the whole exchange ends by `deadline`, which is `timeout` after its start. Of the answer's body at most
    /// `kept_max` bytes are read.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
        timeout: Duration,
        kept_max: usize,
    ) -> Ended {
        let deadline = tokio::time::Instant::from_std(deadline);
        let answering = {
            let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
            http.as_ref().map(|http| http.request(request))
        };
        let Some(answering) = answering else { return Ended::failed(FailureReason::Other) };
        let answer = match timeout_at(deadline, answering).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Ended::failed(FailureReason::of_client(&error)),
            Err(_) => return Ended::failed(FailureReason::Timeout(timeout)),
        };
        let (head, mut body) = answer.into_parts();
        let mut kept = BytesMut::new();
        let failure = match timeout_at(deadline, read_capped(&mut body, &mut kept, kept_max)).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(FailureReason::BodyInterrupted),
            Err(_) => Some(FailureReason::BodyTimeout(timeout)),
        };
        Ended { head: Some((head.status, head.headers)), body: kept.freeze(), failure }
    }
}

/// Reads a body to its end, or to the cap: then the status code has said all that matters.
async fn read_capped(body: &mut Incoming, kept: &mut BytesMut, max: usize) -> Result<(), hyper::Error> {
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let Some(data) = frame.data_ref() else { continue };
        let room = max - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() >= room {
            break;
        }
    }
    Ok(())
}
