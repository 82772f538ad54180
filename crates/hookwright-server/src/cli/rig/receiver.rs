//! A receiver of webhooks on loopback, whose answers are decided by whoever starts it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::RigError;

/// The longest body it reads, in bytes; the server sends none above 1 MiB by default.
const BODY_MAX: usize = 2 * 1024 * 1024;
/// Waiting connections; the senders of a benchmark open theirs at the same moment.
const ACCEPT_BACKLOG: u32 = 4_096;

/// A request as it arrived.
pub(crate) struct Webhook {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It answers this, without a body.
    Status(StatusCode),
    /// It closes the connection and says nothing.
    HangUp,
}

/// Decides what is answered.
pub(crate) trait Answering: Send + Sync + 'static {
    /// Takes note of a request and says what to answer. Must not block.
    fn answer(&self, webhook: Webhook) -> Answer;
}

/// Listens until it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

impl Receiver {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    ///
    /// [`RigError::Io`] if no port could be had.
    pub(crate) async fn start(answering: Arc<impl Answering>) -> Result<Receiver, RigError> {
        let socket = TcpSocket::new_v4().map_err(RigError::io("open a socket for the receiver"))?;
        socket
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(RigError::io("find a free port for the receiver"))?;
        let listener = socket.listen(ACCEPT_BACKLOG).map_err(RigError::io("listen as the receiver"))?;
        let address = listener.local_addr().map_err(RigError::io("learn the receiver's port"))?;
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept(listener, answering)));
        Ok(Receiver { address, _accepting: accepting })
    }

    /// The URL of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A port that nobody listens on, kept from others, so that connecting to it is refused.
pub(crate) struct RefusingPort {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl RefusingPort {
    /// Takes a free port of loopback.
    ///
    /// # Errors
    ///
    /// [`RigError::Io`] if no port could be had.
    pub(crate) fn take() -> Result<RefusingPort, RigError> {
        let socket = TcpSocket::new_v4().map_err(RigError::io("open a socket that refuses"))?;
        socket
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(RigError::io("find a free port that refuses"))?;
        let address = socket.local_addr().map_err(RigError::io("learn the refusing port"))?;
        Ok(RefusingPort { address, _socket: socket })
    }

    /// The URL of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// The receiver hangs up.
#[derive(Debug, thiserror::Error)]
#[error("the receiver hangs up")]
struct HungUp;

async fn accept(listener: TcpListener, answering: Arc<impl Answering>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept is the other side's doing, or passes when connections end.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&answering)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, answering: Arc<impl Answering>) {
    // Without it answers are only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let answering = Arc::clone(&answering);
        async move { take(request, &*answering).await }
    });
    // How a connection ends is the client's matter.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn take(
    request: Request<Incoming>,
    answering: &impl Answering,
) -> Result<Response<Full<Bytes>>, HungUp> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return Ok(response(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let webhook = Webhook {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    match answering.answer(webhook) {
        Answer::Status(status) => Ok(response(status)),
        Answer::HangUp => Err(HungUp),
    }
}

fn response(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
