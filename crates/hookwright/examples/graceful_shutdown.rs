//! A product that stops in an orderly way when it is asked to, and loses nothing if it is not asked.
//!
//! It sends one event after the other, to a URL that you name, until Ctrl-C. Kill it with `kill -9`, start it again: whatever
//! it said was sent arrives.
//!
//! `cargo run --example graceful_shutdown -- http://127.0.0.1:9000/hook`

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::time::Duration;

use hookwright::{BoxError, Hooks, Raw};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let Some(url) = std::env::args().nth(1) else { return Err("name the URL that events go to".into()) };
    let mut builder = Hooks::open("sqlite://graceful-shutdown.db")?.event("counter.rose", Raw);
    // So that you can try it with a receiver of your own: an engine calls no private addresses unless it is told to.
    builder.config_mut().allow_target_networks = vec!["127.0.0.0/8".parse()?];
    let hooks = builder.start().await?;

    let owner = hooks.owner("product");
    // At the second start it has subscribed already.
    if owner.subscriptions().await?.is_empty() {
        owner.subscribe("counter.rose", url).await?;
    }

    // Each run has a number of its own, so that all that is ever sent differs.
    let run = std::process::id();
    let product = async {
        for number in 0_u64.. {
            owner.send("counter.rose", &json!({"run": run, "number": number})).await?;
            println!("sent {run}/{number}");
        }
        Ok::<(), BoxError>(())
    };
    tokio::select! {
        failed = product => failed?,
        asked = tokio::signal::ctrl_c() => asked?,
    }

    let report = hooks.shutdown(Duration::from_secs(10)).await?;
    println!("stopped: {} attempts finished, {} go on at the next start", report.finished, report.called_off);
    Ok(())
}
