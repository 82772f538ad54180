//! `application` and `event-type`, in each form of output.

use serde_json::{Value, json};

use super::served::{Lines, Served};
use super::succeeds;

#[tokio::test]
async fn an_application_is_made_shown_changed_and_deleted() {
    let server = Served::start().await;
    let made = server.json("application create acme --metadata plan=gold --throttle-rate 5").await;
    assert_eq!(
        (&made["uid"], &made["name"], &made["throttleRate"]),
        (&json!("acme"), &json!("acme"), &json!(5))
    );
    assert_eq!(made["metadata"], json!({"plan": "gold"}));
    let id = made["id"].as_str().unwrap();

    let shown = server.lines("application get acme").await;
    assert_eq!((shown.cell("ID"), shown.cell("METADATA")), (id.to_owned(), "{\"plan\":\"gold\"}".to_owned()));
    assert_eq!(server.text("application get acme --tsv").await, server.text("application get acme").await);

    let rename = server.command("application update acme --throttle-rate 0 --name").arg("Acme Books");
    let changed = Lines::of(&succeeds(&rename).await);
    assert_eq!((changed.cell("NAME"), changed.cell("THROTTLE RATE")), ("Acme Books".into(), String::new()));
    assert_eq!(changed.cell("METADATA"), "{\"plan\":\"gold\"}", "what is not named stays");

    let put = server.json(&format!("application upsert acme --name {id}")).await;
    assert_eq!((&put["id"], &put["metadata"]), (&json!(id), &json!({})), "what is not named is reset");
    let again = server.json("application create acme --if-missing").await;
    assert_eq!(again["id"], json!(id));
    let said = server.fails("application create acme").await;
    assert!(said.starts_with("The server refused with 409 Conflict: The uid is taken"), "{said}");

    let said = server.fails("application delete acme").await;
    assert!(said.contains("there is nobody to ask. Say --yes"), "{said}");
    let deleted = server.text(&format!("application delete {id} --yes")).await;
    assert_eq!(deleted, format!("Deleted the application {id}.\n"));
    let said = server.fails("application get acme").await;
    assert_eq!(
        said,
        "There is no application acme: 404 Not Found. `hookwright application list` shows those that are there."
    );
}

#[tokio::test]
async fn a_list_is_read_to_the_end_that_was_asked_for() {
    let server = Served::start().await;
    let client = hookwright_testkit::http::Client::new(&server.url, super::served::TOKEN);
    // More than one page holds.
    for number in 0..260 {
        let body = json!({"name": format!("n{number}"), "uid": format!("u{number}")});
        client.post("/api/v1/app", &body).await.expect(201);
    }
    let names = |count: usize| (0..count).map(|number| format!("n{number}")).collect::<Vec<String>>();
    assert_eq!(server.lines("application list").await.column("NAME"), names(50));
    assert_eq!(server.lines("application list --limit 3").await.column("NAME"), names(3));
    assert_eq!(server.lines("application list --limit 255").await.column("NAME"), names(255));
    assert_eq!(server.lines("application list --all").await.column("NAME"), names(260));
    let all = server.json("application list --all").await;
    let listed: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(
        listed,
        names(260).iter().map(|name| json!(name)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_portal_s_token_is_shown_once_and_ends_when_it_is_told_to() {
    let server = Served::start().await;
    server.text("application create acme").await;
    let portal = server.json("application portal acme --expires 1h").await;
    let token = portal["token"].as_str().unwrap();
    assert!(portal["url"].as_str().unwrap().starts_with("http"), "{portal}");
    assert!(!portal["url"].as_str().unwrap().contains(token));

    let as_customer = |arguments: &str| server.command(&format!("{arguments} --token {token}"));
    succeeds(&as_customer("endpoint list --app acme")).await;
    let said = super::fails(&as_customer("application list")).await;
    assert!(said.starts_with("The access token may not do this: 403 Forbidden, "), "{said}");
    let said = super::fails(&as_customer("endpoint list --app other")).await;
    assert!(said.starts_with("There is no application other: 404 Not Found."), "{said}");

    let ended = server.text("application expire-tokens acme").await;
    assert_eq!(ended, "The tokens of the application acme have ended.\n");
    hookwright_testkit::eventually("the token is refused", async || {
        let output = as_customer("endpoint list --app acme").run().await;
        if output.stderr.contains("401 Unauthorized") { Ok(()) } else { Err(output) }
    })
    .await;
}

#[tokio::test]
async fn an_event_type_is_made_changed_archived_and_deleted() {
    let server = Served::start().await;
    let schemas = "{\"1\": {\"type\":\"object\",  \"maximum\": 1.0}}";
    let create = server.command("event-type create book.added --group book --json --description");
    let made = succeeds(&create.arg("A book,\ta\\b\nwas added").args(["--schemas", schemas])).await;
    assert!(
        made.contains("{\"type\":\"object\",\"maximum\":1.0}"),
        "numbers stay as they were written: {made}"
    );

    let shown = server.lines("event-type get book.added").await;
    assert_eq!(shown.cell("DESCRIPTION"), "A book,\\ta\\\\b\\nwas added", "one cell, which can be read back");
    assert_eq!((shown.cell("GROUP"), shown.cell("DEPRECATED")), ("book".to_owned(), "false".to_owned()));

    let changed = server.json("event-type update book.added --deprecated true --schemas null").await;
    assert_eq!((&changed["deprecated"], &changed["schemas"]), (&json!(true), &Value::Null));
    assert_eq!(changed["groupName"], json!("book"));
    let strict = server.command("event-type update book.added --validate true --schemas");
    let strict = Lines::of(&succeeds(&strict.arg("{\"1\": {\"required\": [\"title\"]}}")).await);
    assert_eq!(strict.cell("VALIDATED"), "true");
    server.text("application create acme").await;
    let said = server.fails("send --app acme --event-type book.added --payload {}").await;
    assert!(said.starts_with("The server refused with 422") && said.contains("title"), "{said}");
    let put = server.json("event-type upsert book.read --description read --feature-flag beta").await;
    assert_eq!(put["featureFlags"], json!(["beta"]));

    assert_eq!(server.text("event-type archive book.added").await, "Archived the event type book.added.\n");
    assert_eq!(server.lines("event-type list").await.column("NAME"), ["book.read"]);
    let all = server.lines("event-type list --archived").await;
    assert_eq!(all.column("NAME"), ["book.added", "book.read"]);
    assert_eq!(all.column("ARCHIVED"), ["true", "false"]);
    server.text("event-type update book.added --archived false").await;
    assert_eq!(server.lines("event-type list").await.column("NAME"), ["book.added", "book.read"]);

    assert_eq!(
        server.json("event-type delete book.added --yes").await,
        json!({"name": "book.added", "deleted": true})
    );
    let said = server.fails("event-type get book.added").await;
    assert!(said.starts_with("There is no event type book.added: 404 Not Found."), "{said}");
    let said = server.fails("event-type create a/b").await;
    assert!(said.starts_with("The server refused with 422 Unprocessable Entity: name"), "{said}");
}

#[tokio::test]
async fn event_types_are_imported_from_an_openapi_document() {
    let server = Served::start().await;
    let document = "webhooks:\n  book.lent: {post: {summary: A book was lent}}\n  book.added: {post: {}}\n";
    let import = async |options: &str| {
        let command = server.command(&format!("event-type import - {options}")).stdin(document);
        succeeds(&command).await
    };
    assert_eq!(import("--dry-run").await, "book.added\nbook.lent\n2 would change. Nothing was changed.\n");
    assert_eq!(import("").await, "book.added\nbook.lent\n2 changed.\n");
    assert_eq!(import("").await, "Nothing to change: the event types are as the document says.\n");
    assert_eq!(server.lines("event-type list").await.column("NAME"), ["book.added", "book.lent"]);
    let told = succeeds(
        &server
            .command("event-type import - --replace-all --json")
            .stdin("webhooks: {book.lent: {post: {summary: A book was lent}}}"),
    )
    .await;
    assert_eq!(told, "{\"dryRun\":false,\"modified\":[\"book.added\"]}\n");
    let refused = server.command("event-type import -").stdin("openapi: 3.1.0");
    assert!(super::fails(&refused).await.contains("The document has no webhooks"));
    let broken = server.command("event-type import -").stdin("webhooks:\n  a.b: {post: {}}\n bad: 1\n");
    let said = super::fails(&broken).await;
    assert!(said.contains("specRaw is neither YAML nor JSON that can be read: "), "{said}");
    assert!(said.ends_with("line 3, column 2.") && !said.contains('\\'), "{said}");
}
