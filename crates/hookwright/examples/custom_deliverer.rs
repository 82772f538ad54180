//! Webhooks go into the product's own queue and not over HTTP; the engine signs them, keeps them, and tries again.
//!
//! `cargo run --example custom_deliverer`

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::time::Duration;

use hookwright::{BoxError, Bytes, Hooks, Outgoing, Raw, http};
use serde_json::json;
use tokio::sync::mpsc;

/// Puts a webhook into the queue; a full queue fails the attempt, which is then made again later.
async fn enqueue(
    queue: mpsc::Sender<Outgoing>,
    outgoing: Outgoing,
) -> Result<http::Response<Bytes>, BoxError> {
    queue.try_send(outgoing)?;
    Ok(http::Response::new(Bytes::from_static(b"queued")))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (queue, mut queued) = mpsc::channel(100);
    let hooks = Hooks::open("sqlite://custom-deliverer.db")?
        .event("user.logged_in", Raw)
        .deliver_with(move |outgoing| enqueue(queue.clone(), outgoing))
        .start()
        .await?;

    hooks.owner(42).subscribe("user.logged_in", "https://example.com/hook").await?;
    hooks.owner(42).send("user.logged_in", &json!({"username": "jrrtolkien"})).await?;

    let Some(outgoing) = queued.recv().await else { return Err("the queue is closed".into()) };
    let request = outgoing.request;
    println!("{} {}", request.method(), request.uri());
    for (name, value) in request.headers() {
        println!("{name}: {}", value.to_str()?);
    }
    println!("{}", String::from_utf8_lossy(request.body()));
    hooks.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
