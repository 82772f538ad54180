//! An installation with everything in it goes on as if nothing had happened.

use hookwright_testkit::http::Client;
use hookwright_testkit::postgres;
use hookwright_testkit::{Launch, Received, eventually};
use serde_json::{Value, json};

use super::installation::{self, SECRET, World};
use super::{command, fails, moving, on_postgres, on_sqlite};
use crate::cli::terminal::AT_A_TERMINAL;
use crate::inbound::{PATH, Provider, github};
use crate::live::Live;

#[tokio::test]
async fn everything_is_there_and_goes_on() {
    let Some(database) = postgres::database().await else { return };
    let (launch, world) = (on_sqlite(), World::start().await);
    let mut server = Live::start(&launch).await;
    let filled = installation::fill(&server, &world).await;
    let before = installation::pages(&server, &filled).await;
    // What is under way then is neither ended nor waits for a retry, and the file's log was not taken in.
    server.process.kill9().await;
    let files = contents(&launch);

    let moved = moving(&launch, &database).arg("--json").run().await;
    assert_eq!(moved.status.code(), Some(0), "{moved:?}");
    let report: Value = serde_json::from_str(&moved.stdout).unwrap();
    assert_eq!(report["equal"], true, "{report}");
    for table in report["tables"].as_array().unwrap() {
        assert!(table["source"]["rows"].as_u64() > Some(0), "nothing was in {}", table["table"]);
        assert_eq!(table["source"], table["target"], "{table}");
    }
    assert_eq!(contents(&launch), files, "the source stays as it was");
    let clear = "SELECT count(*) FROM endpoint WHERE secret NOT LIKE 'sealed:tests:%'";
    assert_eq!(database.ask(clear).await, "0");
    assert_eq!(database.ask("SELECT count(*) FROM delivery WHERE due_at IS NULL").await, "0");
    assert_eq!(database.ask("SELECT string_agg(id || is_everywhere, '') FROM master_key").await, "teststrue");

    // Who does not answer is given up soon.
    let launch = on_postgres(&launch, &database).env("HOOKWRIGHT_REQUEST_TIMEOUT", "1s");
    let server = Live::start(&launch).await;
    for (page, after) in before.iter().zip(installation::pages(&server, &filled).await) {
        assert_eq!(page, &after);
    }
    assert_eq!(
        installation::send(&server.client).await.expect(202).json(),
        filled.message,
        "its key is known"
    );
    assert_eq!(installation::make_once(&server.client).await.expect(201).json(), filled.once);
    let taken = json!({"eventType": "book.added", "payload": {}, "eventId": "event-1"});
    server.client.post("/api/v1/app/acme/msg", &taken).await.expect(409);
    let tenant = Client::new(&server.url, &filled.token);
    tenant.get("/api/v1/app/acme/endpoint").await.expect(200);

    let sent = json!({"eventType": "book.added", "payload": {}, "channels": ["c"]});
    let sent = server.client.post("/api/v1/app/acme/msg", &sent).await.expect(202).json();
    // It goes to others too, which may be faster.
    let is_it = |it: &Received| sent["id"] == it.id() && it.path() == "/ok";
    let got = world.receiver.wait_until(|all| all.iter().any(is_it), "a new message").await;
    let got = got.iter().find(|it| is_it(it)).unwrap();
    assert_eq!(got.header("x-tenant"), Some("t"));
    assert_eq!(
        got.header("webhook-signature").unwrap().split(' ').count(),
        2,
        "the secret of before signs too"
    );

    let pending = ["/busy", "/hang", "/confirmed"].map(|path| (path, world.count(path)));
    world.gets_well();
    for (path, before) in pending {
        eventually(&format!("what was pending at {path}"), async || match world.count(path) {
            count if count > before => Ok(()),
            count => Err(count),
        })
        .await;
    }
    goes_on_receiving(&server, &filled.github, &world).await;
    server.is_well().await;
}

/// A copy is known, and what is new is forwarded, at the URL that the provider knows.
async fn goes_on_receiving(server: &Live, source: &str, world: &World) {
    let path = format!("{PATH}/{source}");
    let shown = server.client.get(&path).await.expect(200).json();
    let provider = Provider::made(&server.url, &shown, &github(), None);
    let forwarded = world.count("/forwarded");
    provider.send("2", "{\"n\":2}").await.expect(200);
    provider.send("3", "{\"n\":3}").await.expect(200);
    let log = server.client.get(&format!("{path}/log?limit=2")).await.expect(200).json();
    assert_eq!(
        (&log["data"][0]["verdict"], &log["data"][1]["verdict"]),
        (&json!("verified"), &json!("duplicate"))
    );
    eventually("what is new", async || match world.count("/forwarded") {
        count if count == forwarded + 1 => Ok(()),
        count => Err(count),
    })
    .await;
}

/// The database and its log. What stands beside them is made by whoever reads, and has nothing of its own.
fn contents(launch: &Launch) -> Vec<Vec<u8>> {
    let read = |name| std::fs::read(launch.directory().join(name)).unwrap();
    ["hookwright.db", "hookwright.db-wal"].map(read).to_vec()
}

#[tokio::test]
async fn a_key_of_before_may_come_behind_the_new_one_and_a_missing_one_is_named() {
    let Some(database) = postgres::database().await else { return };
    let old = format!("old:{}", "5e".repeat(32));
    let launch = on_sqlite().env("HOOKWRIGHT_MASTER_KEY", &old);
    let mut server = Live::start(&launch).await;
    server.set_up(&[("main", "https://example.com/".to_owned())]).await;
    let path = "/api/v1/app/app/endpoint/main/secret";
    let secret = server.client.get(path).await.expect(200).text();
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));

    let said = fails(&moving(&launch, &database)).await;
    assert!(
        said.contains("the database to move from cannot be read")
            && said.contains("\"old\", which is needed"),
        "{said}"
    );
    // The target is where the server's configuration says.
    let keys = format!("{},{old}", postgres::MASTER_KEY);
    let both = on_postgres(&launch, &database).env("HOOKWRIGHT_MASTER_KEY", keys);
    let moved = command(&both, "migrate --from sqlite://hookwright.db").run().await;
    assert_eq!(moved.status.code(), Some(0), "{moved:?}");
    assert!(
        moved
            .stdout
            .starts_with("TABLE\tROWS\tROWS THERE\tCHECKSUM\tCHECKSUM THERE\tEQUAL\norganisation\t1\t1\t"),
        "{moved:?}"
    );
    assert!(moved.stderr.contains("both databases say the same"), "{moved:?}");
    assert!(!moved.stdout.contains(SECRET) && !moved.stderr.contains(SECRET));

    let server = Live::start(&on_postgres(&launch, &database)).await;
    assert_eq!(server.client.get(path).await.expect(200).text(), secret);
}

#[tokio::test]
async fn a_bar_at_a_terminal_shows_how_far_it_is() {
    let Some(database) = postgres::database().await else { return };
    let launch = on_sqlite();
    let migrated = command(&launch, "migrate").run().await;
    assert_eq!(migrated.status.code(), Some(0), "{migrated:?}");
    let python = launch.instead("python3").args(["-c", AT_A_TERMINAL, env!("CARGO_BIN_EXE_hookwright")]);
    let moved = python
        .args(["migrate", "--from", "sqlite://hookwright.db", "--to", &database.url])
        .env("HOOKWRIGHT_MASTER_KEY", postgres::MASTER_KEY)
        .env("TERM", "xterm")
        .run()
        .await;
    assert_eq!(moved.status.code(), Some(0), "{moved:?}");
    assert!(
        moved.stdout.contains("copying organisation") && moved.stdout.contains(" of 1 rows"),
        "{moved:?}"
    );
    assert!(moved.stdout.contains("ROWS THERE") && moved.stdout.contains("Moved 1 rows"), "{moved:?}");
}
