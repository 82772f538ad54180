//! `message` and `attempt`: what was sent, and what came of it.

use hookwright_testkit::{Receiver, Reply};
use serde_json::json;

use super::served::{Lines, Served};
use super::succeeds;

#[tokio::test]
async fn messages_are_listed_filtered_and_shown_word_for_word() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let send =
        server.command("send --app acme --event-type a.b --tag t --channel c --event-id first --payload");
    let first = succeeds(&send.arg("{\"n\": 12345678901234567890.10,\n \"t\": \"x\\ty\"}")).await;
    let (first, second) = (first.trim_end().to_owned(), server.send("a.c").await);

    let all = server.lines("message list --app acme").await;
    assert_eq!(all.column("ID"), [second.as_str(), first.as_str()], "newest first");
    assert_eq!(
        (all.column("TAGS"), all.column("CHANNELS")),
        (vec!["".into(), "t".into()], vec!["".into(), "c".into()])
    );
    for filter in [
        "--event-id first",
        "--text 45678",
        "--event-type a.b",
        "--tag t",
        "--channel c",
        "--event-type a.b --event-type a.d --after 1h",
    ] {
        let found = server.lines(&format!("message list --app acme {filter}")).await;
        assert_eq!(found.cell("ID"), first, "{filter}");
    }
    assert!(server.lines("message list --app acme --before 1h").await.column("ID").is_empty());
    let listed = server.json("message list --app acme --limit 1").await;
    assert_eq!((&listed[0]["id"], &listed[0]["payload"]), (&json!(second), &json!({})));
    let listed = server.lines("message list --app acme --payload").await;
    let payload = "{\"n\":12345678901234567890.10,\"t\":\"x\\\\ty\"}";
    assert_eq!(listed.column("PAYLOAD"), ["{\"n\":1}", payload]);

    let shown = server.lines(&format!("message get --app acme {first}")).await;
    assert_eq!((shown.cell("EVENT ID"), shown.cell("PAYLOAD")), ("first".to_owned(), payload.to_owned()));
    let shown = server.text(&format!("message get --app acme {first} --json")).await;
    assert!(shown.contains("\"payload\":{\"n\":12345678901234567890.10,\"t\":\"x\\ty\"}"), "{shown}");

    let gone = server.text(&format!("message expunge --app acme {first} --yes")).await;
    assert_eq!(gone, format!("Removed the payload of the message {first}.\n"));
    let shown = server.json(&format!("message get --app acme {first}")).await;
    assert_eq!(shown["payload"], json!({"expired": true}));
}

#[tokio::test]
async fn attempts_say_where_when_and_with_what_answer() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    receiver.script([Reply::status(503).body("not\tnow"), Reply::ok().body("\u{1b}[2Jfine")]);
    server.acme(&receiver).await;
    let message = server.send("a.b").await;
    let attempts = server.attempts(&message, 2).await;

    let listed = server.lines(&format!("message attempts --app acme {message} --endpoint main")).await;
    assert_eq!(
        (listed.column("STATUS"), listed.column("CODE")),
        (vec!["success".into(), "fail".into()], vec!["200".into(), "503".into()])
    );
    for (filter, expected) in
        [("--status failed", 1), ("--class 2xx", 0), ("--status success --class 2xx", 0)]
    {
        let found = server.lines(&format!("attempt list --app acme --endpoint main {filter}")).await;
        assert_eq!(found.cell("ID"), attempts[expected], "{filter}");
    }
    assert!(
        server.lines("attempt list --app acme --endpoint main --class none").await.column("ID").is_empty()
    );
    assert_eq!(
        server.json(&format!("attempt list --app acme --message {message}")).await.as_array().unwrap().len(),
        2
    );

    let name = |attempt: &String| format!("--app acme --message {message} {attempt}");
    let failed = server.lines(&format!("attempt get {}", name(&attempts[1]))).await;
    assert_eq!((failed.cell("RESPONSE"), failed.cell("URL")), ("not\\tnow".to_owned(), receiver.url("/")));
    let taken = server.text(&format!("attempt get {}", name(&attempts[0]))).await;
    assert_eq!(Lines::of(&taken).cell("RESPONSE"), "\\u001b[2Jfine", "an endpoint commands no terminal");
    let taken = server.text(&format!("attempt get {} --json", name(&attempts[0]))).await;
    assert!(!taken.contains('\u{1b}'), "{taken}");

    let to = server.lines(&format!("message endpoints --app acme {message}")).await;
    assert_eq!((to.cell("UID"), to.cell("STATUS")), ("main".to_owned(), "success".to_owned()));
    server.text(&format!("attempt expunge {} --yes", name(&attempts[1]))).await;
    let gone = server.lines(&format!("attempt get {}", name(&attempts[1]))).await;
    assert_eq!(gone.cell("RESPONSE"), "EXPUNGED");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let message = server.send("a.b").await;
    let unknown = "msg_2lbJh8YRbTq7vM3y0v1cPq4Zk1s";
    for (arguments, expected) in [
        (
            format!("message get --app acme {unknown}"),
            format!("There is no message {unknown} in the application acme"),
        ),
        (format!("message attempts --app acme {unknown}"), format!("There is no message {unknown} in")),
        (format!("message get --app nobody {message}"), "There is no application nobody: ".to_owned()),
        (
            format!("attempt get --app acme --message {message} x"),
            "There is no attempt x in the application acme".to_owned(),
        ),
        (
            "attempt list --app acme --endpoint x".to_owned(),
            "There is no endpoint x in the application acme".to_owned(),
        ),
        (
            format!("attempt list --app acme --message {message} --endpoint x"),
            "The server refused with 422".to_owned(),
        ),
        (
            format!("message expunge --app acme {message}"),
            "Nothing was done: this would remove the payload".to_owned(),
        ),
    ] {
        let said = server.fails(&arguments).await;
        assert!(said.starts_with(&expected), "{arguments}: {said}");
    }
}
