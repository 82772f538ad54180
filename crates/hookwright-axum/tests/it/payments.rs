//! The shop of the examples: no payment that was answered with success is lost, however the shop ends, and none is noted twice.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use hookwright::Source;
use hookwright::testing::signed_request;
use hookwright_testkit::http::{Client, Method, NoAnswer};
use hookwright_testkit::{Launch, Process, eventually};

const SECRET: &str = "whsec_of_stripe";

fn shop() -> Launch {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples").join("payments");
    assert!(built.exists(), "{} is not built: run `cargo build --release --examples`", built.display());
    Launch::new(built).args(["127.0.0.1:0", SECRET])
}

async fn start(launch: &Launch) -> (Process, Client) {
    let process = launch.start();
    let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let client = Client::anonymous(line.trim_start_matches("listening: "));
    (process, client)
}

/// Sends a payment as Stripe does; gives the status, or nothing if the shop was gone.
async fn pay(client: &Client, order: &str) -> Result<u16, NoAnswer> {
    let body = format!(r#"{{"id": "evt_{order}", "type": "charge.succeeded", "order": "{order}"}}"#);
    let request = signed_request(Source::stripe(SECRET), body.clone());
    let headers: Vec<(&str, &str)> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let answer = client.try_request(Method::POST, "/webhooks/stripe", &headers, body).await?;
    Ok(answer.status)
}

/// How often each order was noted as paid.
fn paid(directory: &Path) -> HashMap<String, usize> {
    let mut paid = HashMap::new();
    for line in fs::read_to_string(directory.join("paid.txt")).unwrap_or_default().lines() {
        *paid.entry(line.split_once(' ').unwrap().1.to_owned()).or_default() += 1;
    }
    paid
}

/// Waits until each of these was noted, and sees that it was once.
async fn all_are_paid_once(directory: &Path, orders: &[String]) {
    eventually("all payments are noted", async || {
        let paid = paid(directory);
        let missing = orders.iter().filter(|order| !paid.contains_key(*order)).count();
        if missing == 0 { Ok(()) } else { Err(missing) }
    })
    .await;
    assert!(paid(directory).values().all(|times| *times == 1), "{:?}", paid(directory));
}

#[tokio::test]
async fn what_was_answered_and_not_handled_is_handled_after_a_kill() {
    let launch = shop();
    let closed = launch.directory().join("bank-is-closed");
    fs::write(&closed, "").unwrap();
    let (mut process, client) = start(&launch).await;
    let orders: Vec<String> = (0..20).map(|number| format!("A-{number}")).collect();
    for order in &orders {
        assert_eq!(pay(&client, order).await.unwrap(), 200);
    }
    process.kill9().await;
    assert!(paid(launch.directory()).is_empty());

    fs::remove_file(&closed).unwrap();
    let (mut process, client) = start(&launch).await;
    all_are_paid_once(launch.directory(), &orders).await;
    assert_eq!(pay(&client, "A-0").await.unwrap(), 200, "Stripe sends it again");
    pay(&client, "A-20").await.unwrap();
    all_are_paid_once(launch.directory(), &[&orders[..], &["A-20".to_owned()]].concat()).await;
    process.interrupt();
    assert!(process.wait_exit().await.success());
}

#[tokio::test]
async fn a_shop_that_is_killed_at_any_moment_loses_no_payment_and_notes_none_twice() {
    const KILLS: usize = 10;
    let launch = shop();
    let mut answered = Vec::new();
    for run in 0..KILLS {
        let (mut process, client) = start(&launch).await;
        let sending = async {
            let mut orders = Vec::new();
            for number in 0.. {
                let order = format!("{run}-{number}");
                match pay(&client, &order).await {
                    Ok(200) => orders.push(order),
                    _ => break,
                }
            }
            orders
        };
        let killing = async {
            // Paces: how long it goes on before the kill is the point of this test.
            tokio::time::sleep(Duration::from_millis(10 + 7 * run as u64)).await;
            process.kill9().await
        };
        answered.extend(tokio::join!(sending, killing).0);
    }
    assert!(answered.len() >= 20, "{}", answered.len());
    let (_process, _client) = start(&launch).await;
    all_are_paid_once(launch.directory(), &answered).await;
}
