//! `endpoint` and `stats`: where webhooks go, with which secret and headers, and how it has been going.

use hookwright_testkit::{Receiver, Reply};
use serde_json::json;

use super::served::{Lines, Served};
use super::{SECRET, succeeds, with_file};

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_deleted() {
    let server = Served::start().await;
    server.text("application create acme").await;
    server.text("event-type create book.added").await;
    server.text("event-type create book.read").await;
    let made = server
        .json("endpoint create --app acme --uid main http://127.0.0.1:1/a --event-type book.added --channel c --disabled")
        .await;
    assert_eq!((&made["uid"], &made["disabled"]), (&json!("main"), &json!(true)));
    assert_eq!((&made["eventTypes"], &made["channels"]), (&json!(["book.added"]), &json!(["c"])));
    let id = made["id"].as_str().unwrap();

    assert_eq!(server.lines("endpoint enable --app acme main").await.cell("DISABLED"), "false");
    assert_eq!(server.lines(&format!("endpoint disable --app acme {id}")).await.cell("DISABLED"), "true");
    let changed = server
        .lines("endpoint update --app acme main --target http://127.0.0.1:1/b --event-type book.added --event-type book.read")
        .await;
    assert_eq!(changed.cell("URL"), "http://127.0.0.1:1/b");
    assert_eq!(
        (changed.cell("EVENT TYPES"), changed.cell("CHANNELS")),
        ("book.added,book.read".into(), "c".into())
    );
    let lifted = server.command("endpoint update --app acme main --event-type").arg("");
    assert_eq!(Lines::of(&succeeds(&lifted).await).cell("EVENT TYPES"), "");
    let put = server.json("endpoint upsert --app acme main http://127.0.0.1:1/c").await;
    assert_eq!((&put["id"], &put["channels"], &put["disabled"]), (&json!(id), &json!(null), &json!(false)));

    server.text("endpoint create --app acme http://127.0.0.1:1/d").await;
    let listed = server.lines("endpoint list --app acme").await;
    assert_eq!(listed.column("URL"), ["http://127.0.0.1:1/c", "http://127.0.0.1:1/d"]);
    assert_eq!(listed.column("UID"), ["main", ""]);

    assert_eq!(server.text("endpoint delete --app acme main -y").await, "Deleted the endpoint main.\n");
    let said = server.fails("endpoint get --app acme main").await;
    assert!(said.starts_with("There is no endpoint main in the application acme: 404 Not Found."), "{said}");
    assert!(said.ends_with("`hookwright endpoint list --app acme` shows those that are there."), "{said}");
    let said = server.fails("endpoint list --app nobody").await;
    assert!(said.starts_with("There is no application nobody: 404 Not Found."), "{said}");
    let said = server.fails("endpoint create --app acme ftp://x --event-type nothing").await;
    assert!(said.starts_with("The server refused with 422 Unprocessable Entity: "), "{said}");
}

#[tokio::test]
async fn secrets_are_printed_only_where_they_are_asked_for() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let create = server.command("endpoint create --app acme --uid main http://127.0.0.1:1/ --secret-file s");
    let mut printed = succeeds(&with_file(create, "s", &format!("{SECRET}\n"))).await;
    assert_eq!(server.text("endpoint secret --app acme main").await, format!("{SECRET}\n"));
    assert_eq!(server.json("endpoint secret --app acme main").await, json!({"key": SECRET}));

    printed += &server.text("endpoint rotate-secret --app acme main --grace 1h").await;
    let fresh = server.text("endpoint secret --app acme main").await;
    assert!(fresh.starts_with("whsec_") && fresh.trim_end() != SECRET);
    printed += &server.text("endpoint get --app acme main --json").await;
    printed += &server.text("endpoint list --app acme").await;
    for secret in [SECRET, fresh.trim_end()] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let shown = server.text("endpoint rotate-secret --app acme main --show").await;
    assert_eq!(shown, server.text("endpoint secret --app acme main").await);

    let said = server.fails("endpoint rotate-secret --app acme main --grace 8d").await;
    assert!(said.contains("422 Unprocessable Entity: gracePeriodSeconds must be at most 604800"), "{said}");
    let said = server.fails("endpoint rotate-secret --app acme main --grace 8").await;
    assert!(said.starts_with("--grace is \"8\", which has no unit"), "{said}");
}

#[tokio::test]
async fn headers_are_set_and_taken_away_and_credentials_are_hidden() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    let set = server.command("endpoint headers --app acme main");
    let set = set.args(["--set", "X-Team: books", "--set", "Authorization: @token", "--set", "X-Old: 1"]);
    let lines = Lines::of(&succeeds(&with_file(set, "token", "Bearer hidden\n")).await);
    assert_eq!(lines.column("NAME"), ["X-Old", "X-Team", "Authorization"]);
    assert_eq!(lines.column("VALUE"), ["1", "books", ""]);
    assert_eq!(lines.column("HIDDEN"), ["no", "no", "yes"]);
    let left = server.json("endpoint headers --app acme main --remove x-old").await;
    assert_eq!(left, json!({"headers": {"X-Team": "books"}, "sensitive": ["Authorization"]}));

    server.send("a.b").await;
    let received = &receiver.wait_for(1).await[0];
    assert_eq!(
        (received.header("x-team"), received.header("authorization")),
        (Some("books"), Some("Bearer hidden"))
    );
    let said =
        super::fails(&server.command("endpoint headers --app acme main --set").arg("Secret-123")).await;
    assert!(said.starts_with("A header has no : in it.") && !said.contains("123"), "{said}");
}

#[tokio::test]
async fn what_an_endpoint_got_is_listed_and_counted() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    receiver.script([Reply::status(500).header("webhook-delivery", "abort-message"), Reply::ok()]);
    server.acme(&receiver).await;
    let failed = server.send("a.b").await;
    server.attempts(&failed, 1).await;
    let taken = server.send("a.c").await;
    server.attempts(&taken, 1).await;

    let all = server.lines("endpoint messages --app acme main").await;
    assert_eq!(all.column("ID"), [taken.as_str(), failed.as_str()]);
    assert_eq!(all.column("STATUS"), ["success", "fail"]);
    let bad = server.lines("endpoint messages --app acme main --status failed").await;
    assert_eq!((bad.cell("ID"), bad.cell("EVENT TYPE")), (failed, "a.b".to_owned()));

    server.text("endpoint create --app acme --uid idle http://127.0.0.1:1/").await;
    let stats = server.lines("stats --app acme").await;
    assert_eq!(
        (stats.column("UID"), stats.column("SUCCESS")),
        (vec!["main".into(), "idle".into()], vec!["1".into(), "0".into()])
    );
    assert_eq!(stats.column("FAIL"), ["1", "0"]);
    let one = server.json("stats --app acme --endpoint main --since 1h").await;
    assert_eq!((&one[0]["uid"], &one[0]["stats"]["success"]), (&json!("main"), &json!(1)));
    let before = server.lines("stats --app acme --endpoint main --since 2h --until 1h").await;
    assert_eq!((before.cell("SUCCESS"), before.cell("FAIL")), ("0".to_owned(), "0".to_owned()));

    let said = server.fails("stats --app acme --endpoint other").await;
    assert!(said.starts_with("There is no endpoint other in the application acme"), "{said}");
    let said = server.fails("stats --app acme --since yesterday").await;
    assert!(
        said.starts_with("--since is \"yesterday\", which is neither a point in time nor how long ago"),
        "{said}"
    );
}

#[tokio::test]
async fn an_example_goes_to_one_endpoint() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    server.acme(&receiver).await;
    server.text("event-type create book.added").await;
    let sent = server.lines("endpoint send-example --app acme main --event-type book.added").await;
    assert_eq!(sent.cell("EVENT TYPE"), "book.added");
    assert_eq!(receiver.wait_for(1).await[0].id(), sent.cell("ID"));
    assert_eq!(receiver.received()[0].text(), sent.cell("PAYLOAD"));
}
