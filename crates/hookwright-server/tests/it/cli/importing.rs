//! `import svix`: what one server has is made at another, over the Svix API.

use hookwright_testkit::http::Client;
use serde_json::{Value, json};

use super::served::{Served, TOKEN};
use super::{fails, succeeds};

#[tokio::test]
async fn everything_configured_is_brought_over_once_with_secrets_and_headers() {
    let (from, to) = (Served::start().await, Served::start().await);
    from.text("event-type create book.added --description added --group book").await;
    from.text("event-type create book.lent --description lent").await;
    from.text("event-type archive book.lent").await;
    let checked = json!({"name": "book.sold", "description": "sold", "schemas": {"1": {"type": "object"}}, "validatePayload": true});
    Client::new(&from.url, TOKEN).post("/api/v1/event-type", &checked).await.expect(201);
    from.text("application create acme --name Acme --metadata plan=gold").await;
    let create =
        "endpoint create --app acme --uid main http://127.0.0.1:9/a --event-type book.added --channel red";
    from.text(create).await;
    succeeds(&from.command("endpoint headers --app acme main --set").arg("X-Team: books")).await;
    // One without a uid, as most are.
    let nameless = from.json("endpoint create --app acme http://127.0.0.1:9/b --disabled").await;
    let old_id = nameless["id"].as_str().unwrap();

    let import = to.command("import svix --from-token-file token --from").arg(&from.url);
    std::fs::write(import.directory().join("token"), TOKEN).unwrap();
    let tried = succeeds(&import.clone().arg("--dry-run")).await;
    assert_eq!(tried, "Would bring over 3 event types, 1 applications, 2 endpoints.\n");
    assert_eq!(to.json("application list").await, json!([]));
    for _ in 0..2 {
        let told = succeeds(&import).await;
        assert_eq!(told, "Brought over 3 event types, 1 applications, 2 endpoints.\n");
    }

    let pick =
        |thing: &Value, names: &[&str]| names.iter().map(|name| thing[*name].clone()).collect::<Vec<_>>();
    let same = async |command: &str, names: &[&str]| {
        let (before, after) = (from.json(command).await, to.json(command).await);
        assert_eq!(pick(&before, names), pick(&after, names), "{command}");
    };
    same("event-type get book.sold", &["description", "schemas", "validatePayload"]).await;
    same("event-type get book.lent", &["description", "archived"]).await;
    same("event-type get book.added", &["description", "archived", "groupName"]).await;
    same("application get acme", &["name", "uid", "metadata"]).await;
    same("endpoint get --app acme main", &["uid", "url", "eventTypes", "channels", "disabled"]).await;
    same("endpoint secret --app acme main", &["key"]).await;
    same("endpoint headers --app acme main", &["headers"]).await;
    same(&format!("endpoint get --app acme {old_id}"), &["url", "disabled"]).await;
    same(&format!("endpoint secret --app acme {old_id}"), &["key"]).await;
    assert_eq!(to.json("endpoint list --app acme").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_brought_over_is_told_and_the_rest_is() {
    let (from, to) = (Served::start().await, Served::start().await);
    from.text("application create acme").await;
    from.text("endpoint create --app acme --uid main http://127.0.0.1:9/a").await;
    succeeds(&from.command("endpoint headers --app acme main --set").arg("Authorization: Bearer hunter2"))
        .await;
    let import = to.command("import svix --from-token-file token --from").arg(&from.url);
    let token = import.directory().join("token");
    std::fs::write(&token, "not_the_token").unwrap();
    let said = fails(&import).await;
    assert!(said.contains("token"), "{said}");

    std::fs::write(&token, TOKEN).unwrap();
    let output = import.run().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        output.stderr.contains("The header Authorization of the endpoint main of acme is hidden"),
        "{output:?}"
    );
    assert!(output.stdout.contains("1 applications, 1 endpoints"), "{output:?}");
    assert!(!output.stderr.contains("hunter2"), "{output:?}");
    assert_eq!(to.lines("endpoint list --app acme").await.column("UID"), ["main"]);
}
