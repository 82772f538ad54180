//! Runs the examples, as a reader would.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use hookwright_testkit::{Launch, Received, Receiver, eventually};
use serde_json::Value;

/// An example, as Cargo has built it beside these tests.
fn example(name: &str) -> Launch {
    let tests = std::env::current_exe().unwrap();
    let built: PathBuf = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(built.exists(), "{} is not built: run `cargo build --release --examples`", built.display());
    Launch::new(built)
}

#[tokio::test]
async fn custom_serializer() {
    let receiver = Receiver::start().await;
    let output = example("custom_serializer").args([receiver.url("/json"), receiver.url("/csv")]).run().await;
    assert!(output.status.success(), "{output:?}");
    let received = receiver.wait_for(2).await;
    let at = |path: &str| received.iter().find(|request| request.path() == path).unwrap();
    assert_eq!(at("/csv").text(), "title,pages\nThe Two Towers,327\n");
    assert_eq!(at("/csv").header("content-type"), Some("text/csv"));
    assert_eq!(at("/json").json()["title"], "The Two Towers");
}

#[tokio::test]
async fn custom_deliverer() {
    let output = example("custom_deliverer").run().await;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with("POST https://example.com/hook\n"), "{output:?}");
    assert!(output.stdout.contains("\nwebhook-signature: v1,"), "{output:?}");
    assert!(output.stdout.ends_with("{\"username\":\"jrrtolkien\"}\n"), "{output:?}");
}

/// What a line `sent RUN/NUMBER` names.
fn named(line: &str) -> Option<String> {
    line.strip_prefix("sent ").map(str::to_owned)
}

fn carried(request: &Received) -> String {
    let payload: Value = request.json();
    format!("{}/{}", payload["run"], payload["number"])
}

#[tokio::test]
async fn a_product_that_is_killed_loses_no_send_that_returned() {
    const KILLS: usize = 20;
    let receiver = Receiver::start().await;
    let launch = example("graceful_shutdown").arg(receiver.url("/hook"));
    let mut sent = HashSet::new();
    let seed = std::env::var("HOOKWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("the moments of the kills follow HOOKWRIGHT_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..KILLS {
        let mut process = launch.start();
        process.wait_for_line(|line| line.starts_with("sent "), "a send").await;
        // Paces: how long it goes on before the kill is the point of this test.
        tokio::time::sleep(Duration::from_millis(random.u64(0..100))).await;
        process.kill9().await;
        sent.extend(process.lines().iter().filter_map(|line| named(&line.text)));
    }
    assert!(sent.len() >= 100, "{}", sent.len());

    let mut process = launch.start();
    process.wait_for_line(|line| line.starts_with("sent "), "a send").await;
    eventually("everything that was said to be sent", async || {
        let arrived: HashSet<String> = receiver.received().iter().map(carried).collect();
        let missing = sent.difference(&arrived).count();
        if missing == 0 { Ok(()) } else { Err(missing) }
    })
    .await;
    // Asked to stop, it ends by itself, and says what it leaves.
    process.interrupt();
    assert!(process.wait_exit().await.success());
    assert!(process.lines().iter().any(|line| line.text.starts_with("stopped: ")));
}
