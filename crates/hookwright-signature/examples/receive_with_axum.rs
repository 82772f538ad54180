//! Receives webhooks with axum: of a sender that signs as Standard Webhooks says, and of GitHub.
//!
//! `cargo run --example receive_with_axum -- 127.0.0.1:9000 whsec_… the-secret-of-github`

#![expect(clippy::print_stdout, reason = "it shows what it received")]

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use hookwright_signature::Verifier;
use hookwright_signature::provider::{Inbound, Source, SourceConfig};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

/// What verifies: made once, shared by all requests.
struct Secrets {
    orders: Verifier,
    github: SourceConfig,
}

/// The body is taken as bytes: one that was parsed and written again has other bytes, and does not verify.
async fn orders(
    State(secrets): State<Arc<Secrets>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> StatusCode {
    match secrets.orders.verify(|name| headers.get(name), &body) {
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

async fn github(
    State(secrets): State<Arc<Secrets>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> StatusCode {
    let request = Inbound { headers: &headers, body: &body, ..Inbound::POST };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    match secrets.github.verify(&request, i64::try_from(now).unwrap_or(i64::MAX)) {
        Ok(verified) => {
            println!("github {}", verified.event_type.unwrap_or_default());
            StatusCode::NO_CONTENT
        }
        Err(refused) => {
            println!("refused: {refused}");
            StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::UNAUTHORIZED)
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("give an address, a secret, and the secret of GitHub");
    let (address, orders_secret, github_secret) = (next()?, next()?, next()?);
    let secrets = Secrets { orders: orders_secret.parse()?, github: Source::github(github_secret).config()? };
    let router = Router::new()
        .route("/orders", post(orders))
        .route("/github", post(github))
        .with_state(Arc::new(secrets));
    let listener = TcpListener::bind(address).await?;
    println!("listening: http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
