//! `hookwright receiver`: a local endpoint that shows what comes, and whether it is genuine.

mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use hookwright_signature::Verifier;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::output::Output;
use super::secret::SecretArgs;
use super::signals;
use webhook::{Check, Webhook};

/// More than any server of ours sends, rendered or not.
const BODY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// A sender that takes longer for its request is cut off.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Webhooks that wait to be printed; then senders wait.
const UNPRINTED_MAX: usize = 64;

/// Run a local endpoint that prints and verifies the webhooks it gets
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  hookwright receiver --secret-file secret.txt
  hookwright receiver --fail 3               answer 500 three times, then 200
  hookwright receiver --status 410 --once    answer 410 once, then end")]
pub(super) struct ReceiverArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    #[command(flatten)]
    secret: SecretArgs,
    /// Answer this status: always, or as often as --fail says
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(200..=599))]
    status: Option<u16>,
    /// Fail so often, then answer as usual
    #[arg(long, value_name = "N")]
    fail: Option<u64>,
    /// End after one webhook; with a secret the exit code says whether it was genuine
    #[arg(long)]
    once: bool,
}

/// What all connections share.
struct Desk {
    verifier: Option<Verifier>,
    failure: Option<StatusCode>,
    failures_left: AtomicU64,
    once: bool,
    received: mpsc::Sender<Webhook>,
}

pub(super) async fn run(args: ReceiverArgs, output: Output) -> Result<(), Failure> {
    let verifier = match args.secret.text()? {
        None => None,
        Some(text) => Some(
            Verifier::parse(&text).map_err(|error| Failure::because("The secret cannot be used", &error))?,
        ),
    };
    let stop = signals::stop()?;
    let bound = TcpListener::bind(args.listen).await;
    let listener = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = listener.map_err(|error| {
        Failure::because(&format!("The receiver cannot listen on {}", args.listen), &error)
            .advise("Choose another address with --listen.")
    })?;
    let (received, mut printed) = mpsc::channel(UNPRINTED_MAX);
    let desk = Arc::new(Desk {
        verifier,
        failure: args.status.or(args.fail.map(|_| 500)).and_then(|code| StatusCode::from_u16(code).ok()),
        failures_left: AtomicU64::new(args.fail.unwrap_or(u64::MAX)),
        once: args.once,
        received,
    });
    if !output.is_json() {
        output.line(&format!("listening: http://{address}/"))?;
    }
    let accepting = tokio::spawn(accept(listener, Arc::clone(&desk), stop.clone()));
    drop(desk);
    let mut ended = Ok(());
    // The channel ends when the last connection did, so that nothing that was answered stays unprinted.
    while let Some(webhook) = printed.recv().await {
        webhook.print(output)?;
        if args.once {
            stop.cancel();
            if let Check::Refused(problem) = &webhook.check {
                ended = Err(Failure::because("The webhook is not verified", problem));
            }
        }
    }
    accepting.await.map_err(|error| Failure::because("The receiver ended by itself", &error))?;
    ended
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&desk), stop.clone()));
            }
            // Out of file descriptors: they come back when connections end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    drop(desk);
    connections.close();
    connections.wait().await;
}

async fn serve(stream: TcpStream, desk: Arc<Desk>, stop: CancellationToken) {
    let answer = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, std::convert::Infallible>(desk.receive(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIMEOUT);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), answer));
    // How a connection ends is the sender's business; what came over it is printed.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

impl Desk {
    async fn receive(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = tokio::time::timeout(REQUEST_TIMEOUT, Limited::new(body, BODY_MAX_BYTES).collect()).await;
        let Ok(Ok(body)) = body else {
            // Cut off, too slow or too large: nothing came that could be shown.
            return answer(StatusCode::BAD_REQUEST);
        };
        let body = body.to_bytes();
        let check = match &self.verifier {
            None => Check::NotAsked,
            Some(verifier) => match verifier.verify(|name| head.headers.get(name), &body) {
                Ok(_) => Check::Verified,
                Err(problem) => Check::Refused(problem),
            },
        };
        let status = match (self.planned_failure(), &check) {
            (Some(status), _) => status,
            (None, Check::Refused(_)) => StatusCode::UNAUTHORIZED,
            (None, _) => StatusCode::OK,
        };
        let webhook = Webhook::new(&head, body, check, status);
        // Nobody prints any more: the receiver is ending.
        let taken = self.received.send(webhook).await.is_ok();
        let mut answer = answer(if taken { status } else { StatusCode::SERVICE_UNAVAILABLE });
        if self.once {
            answer.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
        }
        answer
    }

    fn planned_failure(&self) -> Option<StatusCode> {
        let status = self.failure?;
        let less = |left: u64| left.checked_sub(1);
        self.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).ok().map(|_| status)
    }
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
