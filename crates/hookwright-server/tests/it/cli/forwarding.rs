//! What is made of the requests to a source, and what is forwarded once more, from the command line.

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Receiver, eventually};
use serde_json::{Value, json};

use super::served::{Lines, Served};
use super::{fails, succeeds, with_file};

/// What asking needs, and nobody may see in the list of processes.
const HEADERS: &str = "Authorization: Bearer of-the-bank\n\nX-Team: books\n";

/// Sends to a source without a proof, and gives the answer's status and body.
async fn post(server: &Served, source: &Value, body: &str) -> (u16, String) {
    let path = source["ingestUrl"].as_str().unwrap().strip_prefix(&server.url).expect("the server's own URL");
    let answer = Client::anonymous(&server.url).request(Method::POST, path, &[], body.to_owned()).await;
    (answer.status, answer.text())
}

async fn verdict(server: &Served, source: &str, expected: &str) -> Value {
    eventually(expected, async || {
        let row = server.json(&format!("source log {source} --limit 1")).await[0].clone();
        if row["verdict"] == expected { Ok(row) } else { Err(row) }
    })
    .await
}

#[tokio::test]
async fn how_requests_are_answered_read_and_confirmed_is_said_in_flags() {
    let (server, bank) = (Served::start().await, Receiver::start().await);
    let create = "source create generic-webhook --uid pay --answer-status 202 --answer-body @thanks.txt \
                  --answer-type text/html --event-type /kind --redact /card/number --redact /pin --json";
    let confirm = format!(
        "--confirm-url {} --confirm-headers-file headers.txt --confirm-status 200 --confirm-pointer /paid \
         --confirm-equals true --confirm-timeout 2s",
        bank.url("/orders/{body:/order}")
    );
    let create = with_file(server.command(&format!("{create} {confirm}")), "thanks.txt", "<p>Thanks.");
    let made = succeeds(&with_file(create, "headers.txt", HEADERS)).await;
    assert!(!made.contains("of-the-bank"), "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    let answer = json!({"status": 202, "body": "<p>Thanks.", "contentType": "text/html"});
    assert_eq!((&made["answer"], &made["redact"]), (&answer, &json!(["/card/number", "/pin"])));
    assert_eq!(made["eventType"], json!({"pointer": "/kind"}));
    let confirm = &made["confirm"];
    assert_eq!(confirm["headerNames"], json!(["authorization", "x-team"]));
    assert_eq!(confirm["expect"], json!({"status": 200, "pointer": "/paid", "equals": true}));
    assert_eq!(confirm["timeout"], "2s");

    bank.reply_with(|_| hookwright_testkit::Reply::ok().body(r#"{"paid": true}"#));
    let sent = r#"{"kind": "order.paid", "order": 7, "pin": "1234"}"#;
    assert_eq!(post(&server, &made, sent).await, (202, "<p>Thanks.".to_owned()));
    let row = verdict(&server, "pay", "confirmed").await;
    assert_eq!(row["event_type"], "order.paid");
    assert!(!row.to_string().contains("1234"), "{row}");
    let asked = bank.wait_for(1).await;
    assert_eq!(
        (asked[0].path(), asked[0].header("authorization")),
        ("/orders/7", Some("Bearer of-the-bank"))
    );

    let shown = server.lines("source get pay").await;
    assert_eq!(shown.cell("EVENT TYPE"), r#"{"pointer":"/kind"}"#);
    assert_eq!(shown.cell("REDACTED"), "/card/number,/pin");
    let update = server.command("source update pay --event-type X-Event --answer-status 200 --json").args([
        "--redact",
        "",
        "--confirm-url",
        "",
    ]);
    let changed: Value = serde_json::from_str(&succeeds(&update).await).unwrap();
    assert_eq!(changed["eventType"], json!({"header": "x-event"}));
    assert_eq!((&changed["redact"], &changed["confirm"]), (&json!([]), &Value::Null));
    assert_eq!(changed["answer"]["body"], "Message received okay.");
    let update = server.command("source update pay --json").args(["--event-type", ""]);
    let changed: Value = serde_json::from_str(&succeeds(&update).await).unwrap();
    assert_eq!(changed["eventType"], Value::Null);

    let ask = "source update pay --confirm-url https://a.example/ ";
    for (arguments, file, expected) in [
        ("--confirm-headers-file h", "no colon", "A line of the file with the headers has no : in it."),
        ("--confirm-headers-file gone", "", "The file gone cannot be read"),
        ("--confirm-pointer /a --confirm-equals x", "", "What --confirm-equals says is not JSON"),
        ("--redact a", "", "The server refused with 422 Unprocessable Entity: "),
    ] {
        let said = fails(&with_file(server.command(&format!("{ask}{arguments}")), "h", file)).await;
        assert!(said.starts_with(expected), "{arguments}: {said}");
        assert!(!said.contains("no colon"), "{said}");
    }
}

#[tokio::test]
async fn a_source_sends_on_a_schedule_that_is_said_in_flags() {
    let server = Served::start().await;
    let create =
        server.command("source create cron --uid nightly --payload-type text/plain --payload @p --json");
    let create = with_file(create.args(["--schedule", "0 3 * * *"]), "p", "do it\n");
    let made: Value = serde_json::from_str(&succeeds(&create).await).unwrap();
    let config = json!({"schedule": "0 3 * * *", "payload": "do it\n", "contentType": "text/plain"});
    assert_eq!((&made["type"], &made["config"]), (&json!("cron"), &config));
    let update =
        server.command("source update nightly --payload now --json").args(["--schedule", "* * * * *"]);
    let changed: Value = serde_json::from_str(&succeeds(&update).await).unwrap();
    assert_eq!(changed["config"], json!({"schedule": "* * * * *", "payload": "now"}));
    let wrong = server.command("source update nightly --payload now").args(["--schedule", "noon"]);
    let said = fails(&wrong).await;
    assert!(said.starts_with("The server refused with 422 Unprocessable Entity: "), "{said}");
}

#[tokio::test]
async fn what_came_is_forwarded_once_more_one_by_one_or_a_range() {
    let (server, receiver) = (Served::start().await, Receiver::start().await);
    let source = server.json("source create generic-webhook --uid any --event-type /kind").await;
    let forward = format!("source forward any {} --uid main --event-type order.*", receiver.url("/main"));
    assert_eq!(server.lines(&forward).await.cell("UID"), "main");
    for kind in ["order.paid", "order.sent", "other"] {
        assert_eq!(post(&server, &source, &json!({"kind": kind}).to_string()).await.0, 200);
    }
    receiver.wait_for(2).await;
    let log = server.lines("source log any").await.column("ID");
    let [other, second, _] = &log[..] else { panic!("{log:?}") };
    let said = server.text(&format!("source resend any {second}")).await;
    assert!(said.starts_with(&format!("The request {second} is on its way to ep_")), "{said}");
    assert_eq!(receiver.wait_for(3).await[2].json(), json!({"kind": "order.sent"}));
    let said = server.text(&format!("source resend any {other}")).await;
    assert_eq!(said, format!("No endpoint of the source wants the request {other}.\n"));
    let resent = server.json(&format!("source resend any {other} --endpoint main")).await;
    assert_eq!((resent["endpointIds"].as_array().unwrap().len(), &resent["askingAgain"]), (1, &json!(false)));
    assert_eq!(receiver.wait_for(4).await[3].json(), json!({"kind": "other"}));

    let replayed = server.json("source replay any --endpoint main --since 1h --event-type order.paid").await;
    assert_eq!(
        (&replayed["task"], &replayed["data"]["messagesSent"]),
        (&json!("endpoint.bulk-replay"), &json!(1))
    );
    assert_eq!(receiver.wait_for(5).await[4].json(), json!({"kind": "order.paid"}));
    server.text(&format!("source forward any {} --uid later", receiver.url("/later"))).await;
    let missing = server.lines("source replay any --endpoint later --since 1h --missing").await;
    assert_eq!((missing.cell("STATUS"), missing.cell("SENT")), ("finished".to_owned(), "3".to_owned()));
    receiver.wait_for(8).await;
    let begun: Lines = server.lines("source replay any --endpoint later --since 1h --no-wait").await;
    assert!(begun.cell("ID").starts_with("qtask_"), "{begun:?}");

    for (arguments, expected) in [
        (
            "source resend any log2lbJh8YRbTq7vM3y0v1cPq",
            "There is no request log2lbJh8YRbTq7vM3y0v1cPq in the source any",
        ),
        (
            "source replay any --endpoint gone --since 1h",
            "There is no endpoint gone in the source any: 404 Not Found.",
        ),
        ("source forward gone https://acme.example.com/", "There is no source gone: 404 Not Found."),
    ] {
        let said = server.fails(arguments).await;
        assert!(said.starts_with(expected), "{arguments}: {said}");
    }
}
