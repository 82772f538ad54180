//! Receives webhooks with hyper and nothing above it, of a sender that signs as Standard Webhooks says.
//!
//! `cargo run --example receive_with_hyper -- 127.0.0.1:9000 whsec_…`

#![expect(clippy::print_stdout, reason = "it shows what it received")]

use std::convert::Infallible;
use std::sync::Arc;

use hookwright_signature::Verifier;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Nobody has shown anything before the signature was checked: so much is read, in bytes, and no more.
const BODY_LIMIT: usize = 1024 * 1024;

async fn receive(verifier: &Verifier, request: Request<Incoming>) -> StatusCode {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    // The bytes as they came: one that was parsed and written again has other bytes, and does not verify.
    let body = body.to_bytes();
    match verifier.verify(|name| head.headers.get(name), &body) {
        // A webhook that comes again has the same id: do the work once for each, and answer 2xx once it is safe.
        Ok(verified) => {
            println!("order {}: {}", verified.id, String::from_utf8_lossy(&body));
            StatusCode::NO_CONTENT
        }
        // Why is for the log; whoever called learns no more than that.
        Err(error) => {
            println!("refused: {error}");
            StatusCode::UNAUTHORIZED
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("give an address and a secret");
    let (address, secret) = (next()?, next()?);
    let verifier: Arc<Verifier> = Arc::new(secret.parse()?);
    let listener = TcpListener::bind(address).await?;
    println!("listening: http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let verifier = Arc::clone(&verifier);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let verifier = Arc::clone(&verifier);
                async move {
                    let mut response = Response::new(Empty::<Bytes>::new());
                    *response.status_mut() = receive(&verifier, request).await;
                    Ok::<_, Infallible>(response)
                }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                println!("a connection broke: {error}");
            }
        });
    }
}
