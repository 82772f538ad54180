//! `tail`: messages and attempts as they happen.

use hookwright_testkit::{Process, Receiver, Reply};
use serde_json::{Value, json};

use super::served::{Lines, Served};

/// A `tail` that has begun: what happens from now on is shown.
async fn tail(server: &Served, arguments: &str) -> Process {
    let process = server.command(&format!("tail --app acme {arguments}")).start();
    process.wait_for_line(|line| line == "following acme", "the beginning").await;
    process
}

fn printed(process: &Process) -> String {
    let lines = process.lines().into_iter().map(|line| line.text).filter(|line| line != "following acme");
    lines.map(|line| line + "\n").collect()
}

#[tokio::test]
async fn what_happens_is_shown_in_order_and_nothing_of_before() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    receiver.script([Reply::ok(), Reply::status(500).body("no\u{7}"), Reply::ok()]);
    server.acme(&receiver).await;
    let before = server.send("a.before").await;
    server.attempts(&before, 1).await;
    let mut tail = tail(&server, "--limit 4").await;
    let message = server.send("a.b").await;
    server.attempts(&message, 2).await;
    let other = server.send("a.c").await;
    assert_eq!(tail.wait_exit().await.code(), Some(0));
    let lines = Lines::of(&printed(&tail));
    assert_eq!(lines.column("WHAT")[..2], ["message", "attempt"]);
    assert_eq!(lines.column("MESSAGE")[..3], [message.as_str(), &message, &message]);
    assert_eq!(lines.column("STATUS")[..3], ["", "fail", "success"]);
    assert_eq!(
        (&lines.column("CODE")[1], &lines.column("DETAIL")[1]),
        (&"500".to_owned(), &"no\\u0007".to_owned())
    );
    assert_eq!(lines.column("EVENT TYPE")[1], "a.b");
    assert_eq!(lines.column("MESSAGE")[3], other);
}

#[tokio::test]
async fn an_application_s_first_messages_and_endpoints_are_seen_too() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.text("application create acme").await;
    let mut tail = tail(&server, "--limit 2 --json").await;
    server.text(&format!("endpoint create --app acme --uid main {}", receiver.url("/"))).await;
    let message = server.send("a.b").await;
    assert_eq!(tail.wait_exit().await.code(), Some(0));
    let happened: Vec<Value> =
        printed(&tail).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&happened[0]["type"], &happened[0]["message"]["id"]), (&json!("message"), &json!(message)));
    assert_eq!(
        (&happened[1]["type"], &happened[1]["attempt"]["msgId"]),
        (&json!("attempt"), &json!(message))
    );
}

#[tokio::test]
async fn one_endpoint_or_the_messages_alone_are_followed_until_ctrl_c() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    server.text(&format!("endpoint create --app acme --uid other {}", receiver.url("/other"))).await;
    let (mut at_one, mut messages) =
        (tail(&server, "--endpoint other").await, tail(&server, "--messages").await);
    let sent = server.send("a.b").await;
    at_one.wait_for_line(|line| line.contains(&sent), "the attempt").await;
    messages.wait_for_line(|line| line.contains(&sent), "the message").await;
    for process in [&mut at_one, &mut messages] {
        process.interrupt();
        assert_eq!(process.wait_exit().await.code(), Some(0));
    }
    let attempts = Lines::of(&printed(&at_one));
    assert_eq!(
        (attempts.cell("WHAT"), attempts.cell("STATUS")),
        ("attempt".to_owned(), "success".to_owned())
    );
    assert_eq!(Lines::of(&printed(&messages)).cell("WHAT"), "message");
}

#[tokio::test]
async fn what_cannot_be_followed_is_said() {
    let server = Served::start().await;
    let said = server.fails("tail --app acme").await;
    assert!(said.starts_with("There is no application acme: 404 Not Found."), "{said}");
    server.text("application create acme").await;
    let said = server.fails("tail --app acme --endpoint main").await;
    assert!(said.starts_with("There is no endpoint main in the application acme"), "{said}");
}
