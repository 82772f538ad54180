//! `token` and `migrate`, which work on the database with or without a server.

use hookwright_testkit::http::Client;
use hookwright_testkit::{Launch, eventually};
use serde_json::Value;

use super::{fails, hookwright, succeeds};

/// Another command in the same directory.
fn beside(launch: &Launch, arguments: &str) -> Launch {
    let database = format!("sqlite://{}", launch.directory().join("hookwright.db").display());
    hookwright(arguments).env("HOOKWRIGHT_DATABASE_URL", database)
}

async fn json(launch: &Launch) -> Value {
    serde_json::from_str(&succeeds(&launch.clone().arg("--json")).await).unwrap()
}

#[tokio::test]
async fn a_token_is_made_shown_once_listed_and_revoked() {
    let first = hookwright("token create --name shop --expires 90d");
    let said = fails(&first).await;
    assert!(
        said.contains("there is no database at hookwright.db; name the one that the server uses"),
        "{said}"
    );
    succeeds(&beside(&first, "migrate")).await;
    let made = json(&first).await;
    let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert!(id.starts_with("tok_") && text.len() >= 32, "{made}");
    assert!(made["expiresAt"].is_string() && made["application"].is_null(), "{made}");

    let listed = succeeds(&beside(&first, "token list")).await;
    let (head, row) = listed.trim_end().split_once('\n').unwrap();
    assert_eq!(head, "ID\tNAME\tAPPLICATION\tMAY\tFLAGS\tCREATED\tEXPIRES\tSTATE");
    assert!(
        row.starts_with(&format!("{id}\tshop\tall\teverything\tnone\t")) && row.ends_with("\tgood"),
        "{row}"
    );
    assert!(!listed.contains(text));

    let revoked = succeeds(&beside(&first, &format!("token revoke {id}"))).await;
    assert_eq!(revoked, format!("Revoked {id}.\n"));
    let listed = json(&beside(&first, "token list")).await;
    assert!(listed[0]["revokedAt"].is_string(), "{listed}");
    assert!(succeeds(&beside(&first, "token list")).await.ends_with("\trevoked\n"));
}

#[tokio::test]
async fn a_running_server_takes_a_new_token_and_soon_refuses_a_revoked_one() {
    let launch = hookwright("serve --listen 127.0.0.1:0");
    let server = launch.start();
    let line = server.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let url = line.trim_start_matches("listening: ");
    let made = json(&beside(&launch, "token create --name shell")).await;
    let client = Client::new(url, made["token"].as_str().unwrap());
    assert_eq!(client.get("/api/v1/app/").await.status, 200);
    succeeds(&beside(&launch, &format!("token revoke {}", made["id"].as_str().unwrap()))).await;
    eventually("the revoked token is refused", async || match client.get("/api/v1/app/").await.status {
        401 => Ok(()),
        status => Err(status),
    })
    .await;
}

#[tokio::test]
async fn names_from_outside_cannot_command_a_terminal() {
    let first = hookwright("migrate");
    succeeds(&first).await;
    succeeds(&beside(&first, "token create --name").arg("a\u{1b}[2Jb\tc")).await;
    let listed = succeeds(&beside(&first, "token list")).await;
    assert!(listed.contains("\ta\\u001b[2Jb\\tc\t"), "{listed}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let first = hookwright("migrate");
    succeeds(&first).await;
    for (arguments, expected) in [
        (
            "token revoke secret_token",
            "The argument is no token's id: not an id of the form tok_ followed by",
        ),
        ("token revoke tok_aWgEPTl1tmebfsQzFP4bxwgy80V", "was not revoked: there is no such token."),
        (
            "token create --name x --app nobody",
            "The application nobody cannot be used: there is no such application.",
        ),
        ("token create --name x --app a/b", "cannot be an application's id or uid: has the character '/'"),
        (
            "token create --name x --app nobody --feature-flag a,b",
            "--feature-flag \"a,b\" cannot be used: has the character ','",
        ),
        ("token create --name x --expires 90", "--expires is \"90\", which has no unit"),
    ] {
        let said = fails(&beside(&first, arguments)).await;
        assert!(said.contains(expected), "{arguments}: {said}");
        assert!(!said.contains("secret_token"), "{said}");
    }
}

#[tokio::test]
async fn migrate_says_from_which_schema_to_which() {
    let first = hookwright("migrate");
    let said = succeeds(&first).await;
    assert!(said.starts_with("Migrated the database from schema 0 to "), "{said}");
    let again = json(&beside(&first, "migrate")).await;
    assert_eq!(again["from"], again["to"]);
    assert!(succeeds(&beside(&first, "migrate")).await.ends_with("which is the newest.\n"));
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named() {
    let said = fails(&hookwright("token list --database-url sqlite://nowhere/x.db")).await;
    assert!(said.starts_with("The database nowhere/x.db cannot be used: "), "{said}");
}

#[tokio::test]
async fn a_token_may_do_as_much_as_it_was_made_for() {
    let launch = hookwright("serve --listen 127.0.0.1:0");
    let server = launch.start();
    let line = server.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
    let url = line.trim_start_matches("listening: ");
    let client = async |arguments: &str| {
        let made = json(&beside(&launch, &format!("token create --name x {arguments}"))).await;
        (Client::new(url, made["token"].as_str().unwrap()), made)
    };
    let (whole, _) = client("").await;
    let application = serde_json::json!({"name": "Ann", "uid": "ann"});
    let application = whole.post("/api/v1/app", &application).await.expect(201).json();
    let (reader, made) = client("--read-only").await;
    assert_eq!(made["capabilities"], serde_json::json!(["ViewBase"]));
    reader.get("/api/v1/app").await.expect(200);
    reader.delete("/api/v1/app/ann").await.expect(403);
    let (tenant, made) = client("--app ann --capability CreateAttempts --feature-flag beta").await;
    assert_eq!(made["capabilities"], serde_json::json!(["ViewBase", "CreateAttempts"]));
    assert_eq!((&made["application"], &made["featureFlags"][0]), (&application["id"], &Value::from("beta")));
    tenant.get("/api/v1/app/ann/endpoint").await.expect(200);
    let endpoint = serde_json::json!({"url": "https://example.com/"});
    tenant.post("/api/v1/app/ann/endpoint", &endpoint).await.expect(403);

    let listed = succeeds(&beside(&launch, "token list")).await;
    assert!(!listed.contains("CreateAttempts") && listed.contains("\tall\tViewBase\tnone\t"), "{listed}");
    let all = succeeds(&beside(&launch, "token list --all")).await;
    assert_eq!(all.lines().count(), listed.lines().count() + 1);
    let of_ann = succeeds(&beside(&launch, "token list --app ann")).await;
    assert!(of_ann.contains("\tViewBase,CreateAttempts\tbeta\t") && of_ann.lines().count() == 2, "{of_ann}");
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused() {
    for (arguments, expected) in [
        ("--feature-flag beta", "--app <APP>"),
        ("--read-only --capability ViewBase", "cannot be used with"),
        ("--capability Everything", "[possible values: ViewBase, "),
    ] {
        let output = hookwright(&format!("token create --name x {arguments}")).run().await;
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(output.stderr.contains(expected), "{arguments}: {}", output.stderr);
    }
}
