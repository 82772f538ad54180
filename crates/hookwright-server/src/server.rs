//! The HTTP server: what it is set up with, its router, and the loop that accepts connections.

mod leftover;
mod patience;
mod refusal;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hookwright::Hooks;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use url::Url;
use zeroize::Zeroizing;

use crate::api;
use crate::auth::Auth;
use crate::inbound;
use crate::middleware::{Observe, only_this_machine};
use crate::pages;
use crate::rest_hooks::{self, Verifier, VerifySetupError};
use crate::server::leftover::{Leftover, drain};
use crate::server::patience::{Patient, Progress};

pub use crate::api::SentWebhooks;
pub use crate::pages::login_link;
pub use patience::{HEAD_TIMEOUT, IDLE_TIMEOUT};

/// How many bytes a message's payload may have, unless the operator says otherwise: 1 MiB.
pub const PAYLOAD_LIMIT_DEFAULT: usize = 1024 * 1024;
/// How many bytes the body of a request to a source may have, unless the operator says otherwise: 1 MiB.
pub const INBOUND_BODY_LIMIT_DEFAULT: usize = 1024 * 1024;
/// How large the head of a request may be, in bytes; a larger one is answered with 431.
pub const HEAD_LIMIT: usize = 32 * 1024;
/// How long requests under way may take to end once the server stops.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// The wait after a failed accept: it mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the server is set up with.
pub struct ServerOptions {
    /// The operator's own token; it belongs to the default organisation.
    pub api_token: Option<Zeroizing<String>>,
    /// Verifies Svix-style tokens (JWT, HS256), if they are to be accepted.
    pub jwt_secret: Option<Zeroizing<String>>,
    /// What browsers and providers see as the server's address.
    pub public_url: Url,
    /// How many bytes a message's payload may have.
    pub payload_limit: usize,
    /// How many bytes the body of a request to a source may have.
    pub inbound_body_limit: usize,
    /// Whether messages of event types that are not registered are refused.
    pub refuse_unregistered: bool,
    /// Where the product says which of its users a key of the REST Hooks API belongs to.
    pub rest_hooks_verify_url: Option<Url>,
    /// Certificates (PEM) to trust beside those of the operating system.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The webhooks that are caught instead of being sent, if they are.
    pub sent: Option<SentWebhooks>,
    /// Renders `/metrics`; without it there is no such page.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// Whether everybody is told how a refused endpoint URL can be allowed; otherwise only organisation tokens are.
    pub target_hints: bool,
}

impl ServerOptions {
    /// A server that browsers reach at `public_url`, with nothing set that need not be.
    pub fn new(public_url: Url) -> ServerOptions {
        ServerOptions {
            api_token: None,
            jwt_secret: None,
            public_url,
            payload_limit: PAYLOAD_LIMIT_DEFAULT,
            inbound_body_limit: INBOUND_BODY_LIMIT_DEFAULT,
            refuse_unregistered: false,
            rest_hooks_verify_url: None,
            extra_ca_pem: None,
            sent: None,
            metrics: None,
            target_hints: false,
        }
    }
}

/// What every handler can reach. Clones are cheap.
#[derive(Clone)]
pub(crate) struct AppState {
    /// The engine.
    pub(crate) hooks: Hooks,
    /// What the server was set up with.
    pub(crate) options: Arc<ServerOptions>,
    /// Tells who is calling.
    pub(crate) auth: Auth,
}

/// The server cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SetupError(#[from] VerifySetupError);

/// Everything the server answers: the API, the pages, metrics.
///
/// # Errors
///
/// [`SetupError`] if keys are to be verified with the product, and the system's certificates cannot be used for that.
pub fn router(hooks: Hooks, options: ServerOptions) -> Result<Router, SetupError> {
    let auth = Auth::new(&hooks, &options);
    let verifier = options
        .rest_hooks_verify_url
        .as_ref()
        .map(|url| Verifier::new(url, options.extra_ca_pem.as_deref(), hooks.clock().clone()));
    let verifier = verifier.transpose()?;
    let state = AppState { hooks, options: Arc::new(options), auth };
    let router = api::routes(&state)
        .merge(rest_hooks::routes(&state, verifier))
        .merge(inbound::routes())
        .merge(pages::routes().method_not_allowed_fallback(api::wrong_method))
        .layer(Observe::new())
        .with_state(state);
    Ok(router)
}

/// The same for a server whose token everybody knows: it answers only those who call this machine by its own name.
pub fn for_this_machine_only(router: Router) -> Router {
    router.layer(axum::middleware::from_fn(only_this_machine))
}

/// Accepts connections and answers their requests until `stop` is cancelled; then lets requests under way end, for at
/// most [`DRAIN_LIMIT`].
///
/// It speaks HTTP/1.1 and keeps connections alive.
///
/// # Errors
///
/// None so far: what goes wrong with one connection ends that connection, and a failed accept is tried again.
pub async fn run(listener: TcpListener, router: Router, stop: CancellationToken) -> io::Result<()> {
    let mut http = http1::Builder::new();
    // The buffer ends what is no head at all; a whole head may arrive before the buffer is full.
    http.header_read_timeout(None).max_buf_size(HEAD_LIMIT).max_header_size(HEAD_LIMIT);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(http.clone(), stream, router.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN_LIMIT, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "gave up waiting for requests that are still under way"
        );
    }
    Ok(())
}

async fn serve(http: http1::Builder, stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are small and complete: waiting for more to send with them only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not turn off delayed sending on a connection");
    }
    let progress = Progress::default();
    let stream = Patient::new(stream, progress.clone());
    let told = stop.clone();
    let leftover = Leftover::default();
    let answer = service_fn(move |mut request: Request<Incoming>| {
        progress.answering();
        // An answer that goes on as long as somebody listens must learn that it is to end.
        request.extensions_mut().insert(told.clone());
        let (progress, leftover) = (progress.clone(), leftover.clone());
        let answer = router.clone().call(request.map(|body| Body::new(leftover.watch(body))));
        async move {
            let answer = answer.await;
            match leftover.take() {
                None => progress.answered(),
                Some(rest) => {
                    progress.answered_early();
                    tokio::spawn(drain(rest));
                }
            }
            answer
        }
    });
    let mut connection = std::pin::pin!(http.serve_connection(stream, answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
