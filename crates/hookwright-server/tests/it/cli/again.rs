//! `resend`, `recover`, `replay` and `task`: messages once more.

use hookwright_testkit::{Receiver, Reply};
use serde_json::json;

use super::served::Served;

/// A message to `main` that failed for good.
async fn failed(server: &Served, receiver: &Receiver) -> String {
    receiver.script([Reply::status(500).header("webhook-delivery", "abort-message"), Reply::ok()]);
    server.acme(receiver).await;
    let message = server.send("a.b").await;
    server.attempts(&message, 1).await;
    message
}

#[tokio::test]
async fn one_message_is_sent_again() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let message = failed(&server, &receiver).await;
    let said = server.text(&format!("resend --app acme --endpoint main {message}")).await;
    assert_eq!(said, format!("The message {message} is on its way to the endpoint main.\n"));
    let received = receiver.wait_for(2).await;
    assert_eq!(received[1].id(), message);
    server.attempts(&message, 2).await;
    let said = server.fails(&format!("resend --app acme --endpoint other {message}")).await;
    assert!(said.starts_with("There is no endpoint other in the application acme"), "{said}");
    server.text(&format!("message expunge --app acme {message} --yes")).await;
    let said = server.fails(&format!("resend --app acme --endpoint main {message}")).await;
    assert!(
        said.starts_with("The server refused with 400 Bad Request: The message's payload is no longer"),
        "{said}"
    );
}

#[tokio::test]
async fn what_failed_is_recovered_and_the_task_is_followed_to_its_end() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let message = failed(&server, &receiver).await;
    let output = server.command("recover --app acme --endpoint main --since 1h").run().await;
    assert_eq!((output.status.code(), output.stderr.as_str()), (Some(0), ""), "no bar where nobody looks");
    let task = super::served::Lines::of(&output.stdout);
    assert_eq!((task.cell("STATUS"), task.cell("SENT")), ("finished".to_owned(), "1".to_owned()));
    assert_eq!(receiver.wait_for(2).await[1].id(), message);
    server.attempts(&message, 2).await;

    let again = server.json("recover --app acme --endpoint main --since 1h").await;
    assert_eq!((&again["status"], &again["data"]["messagesSent"]), (&json!("finished"), &json!(0)));
    let listed = server.lines("task list --status finished --task recover").await;
    assert_eq!(listed.column("ID"), [again["id"].as_str().unwrap(), &task.cell("ID")]);
    assert_eq!(server.json("task list --status running").await, json!([]));
    assert_eq!(server.json("task list --task replay").await, json!([]));

    let said = server.fails("recover --app acme --endpoint main --since 15d").await;
    assert_eq!(said, "The server refused with 422 Unprocessable Entity: since must be at most 14 days ago.");
    server.text("endpoint disable --app acme main").await;
    let said = server.fails("recover --app acme --endpoint main --since 1h").await;
    assert!(said.starts_with("The server refused with 409 Conflict: The endpoint is disabled"), "{said}");
}

#[tokio::test]
async fn a_range_is_replayed_as_it_is_asked_for() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let first = failed(&server, &receiver).await;
    let second = server.send("a.c").await;
    server.attempts(&second, 1).await;
    let replay = async |filter: &str| {
        let task = server.json(&format!("replay --app acme --endpoint main --since 1h {filter}")).await;
        assert_eq!((&task["status"], &task["task"]), (&json!("finished"), &json!("endpoint.bulk-replay")));
        task["data"]["messagesSent"].as_u64().unwrap()
    };
    assert_eq!(replay("--event-type a.c").await, 1);
    assert_eq!(replay("--tag nothing").await, 0);
    assert_eq!(replay("--until 30m").await, 0);
    server.attempts(&second, 2).await;
    assert_eq!(replay("--status failed --class 5xx").await, 1);
    server.attempts(&first, 2).await;
    assert_eq!(replay("--status success").await, 2);

    server.text(&format!("endpoint create --app acme --uid later {}", receiver.url("/later"))).await;
    let missing = server.json("replay --app acme --endpoint later --since 1h --missing").await;
    assert_eq!((&missing["task"], &missing["data"]["messagesSent"]), (&json!("endpoint.replay"), &json!(2)));
    let both = server.command("replay --app acme --endpoint later --since 1h --missing --tag x").run().await;
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[tokio::test]
async fn a_task_is_begun_without_waiting_and_waited_for_later() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    failed(&server, &receiver).await;
    let begun = server.lines("recover --app acme --endpoint main --since 1h --no-wait").await;
    assert!(begun.cell("ID").starts_with("qtask_"));
    let ended = server.lines(&format!("task get {} --wait", begun.cell("ID"))).await;
    assert_eq!((ended.cell("STATUS"), ended.cell("SENT")), ("finished".to_owned(), "1".to_owned()));
    assert_eq!(server.json(&format!("task get {}", begun.cell("ID"))).await["status"], json!("finished"));
    let said = server.fails("task get qtask_2lbJh8YRbTq7vM3y0v1cPq4Zk1s --wait").await;
    assert!(said.starts_with("There is no background task qtask_2lbJh8YRbTq7vM3y0v1cPq4Zk1s: 404"), "{said}");
}
