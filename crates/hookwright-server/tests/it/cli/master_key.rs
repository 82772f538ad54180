//! The key that secrets in the database are encrypted with: made, changed, and missed.

use hookwright_testkit::Launch;
use hookwright_testkit::http::Client;
use rusqlite::Connection;

use super::{fails, hookwright, succeeds};
use crate::inbound::{PATH, Provider, github};
use crate::live::{Live, launch};

const VARIABLE: &str = "HOOKWRIGHT_MASTER_KEY";

/// A key with this id.
fn key(id: &str) -> String {
    format!("{id}:{}", "5e".repeat(32))
}

fn with_keys(launch: &Launch, keys: &str) -> Launch {
    launch.clone().env(VARIABLE, keys)
}

#[tokio::test]
async fn a_key_file_is_made_and_needed_until_another_key_takes_its_place() {
    let launch = hookwright("migrate");
    succeeds(&launch).await;
    let (file, aside) =
        (launch.directory().join("hookwright.db.key"), launch.directory().join("hookwright.db.key.aside"));
    let text = std::fs::read_to_string(&file).unwrap();
    let (id, _) = text.trim().split_once(':').unwrap();
    std::fs::rename(&file, &aside).unwrap();
    for launch in [launch.clone(), with_keys(&launch, &key("new"))] {
        let said = fails(&launch).await;
        let expected = format!("encrypted with the master key \"{id}\", which is needed");
        assert!(said.contains(&expected), "{said}");
    }
    std::fs::rename(&aside, &file).unwrap();
    succeeds(&with_keys(&launch, &key("new"))).await;
    std::fs::remove_file(&file).unwrap();
    succeeds(&with_keys(&launch, &key("new"))).await;
    assert!(fails(&launch).await.contains("the master key \"new\", which is needed"));
    assert!(!file.exists());
}

#[tokio::test]
async fn keys_come_from_a_file_and_change_by_one_in_front() {
    let launch = hookwright("migrate");
    let named = launch.clone().env("HOOKWRIGHT_MASTER_KEY_FILE", "keys");
    let keys = launch.directory().join("keys");
    std::fs::write(&keys, key("a") + "\n").unwrap();
    succeeds(&named).await;
    std::fs::write(&keys, format!("{}\n{}\n", key("b"), key("a"))).unwrap();
    succeeds(&named).await;
    succeeds(&with_keys(&launch, &key("b"))).await;
    assert!(fails(&with_keys(&launch, &key("a"))).await.contains("the master key \"b\", which is needed"));
    let other = format!("b:{}", "00".repeat(32));
    let said = fails(&with_keys(&launch, &other)).await;
    assert!(said.contains("the master key \"b\" is not the one that secrets"), "{said}");
    assert!(!launch.directory().join("hookwright.db.key").exists());
}

#[tokio::test]
async fn a_secret_that_another_program_wrote_in_clear_is_not_used_and_told() {
    let launch = launch("1s").env("HOOKWRIGHT_DATABASE_URL", "sqlite://hookwright.db");
    let mut server = Live::start(&launch).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    server.process.terminate();
    server.process.wait_exit().await;
    let mut planted = github();
    planted["config"]["secret"] = serde_json::json!("planted-by-somebody");
    let database = Connection::open(launch.directory().join("hookwright.db")).unwrap();
    database.execute("UPDATE source SET config = ?1", [planted["config"].to_string()]).unwrap();
    drop(database);
    let before = std::mem::replace(&mut server, Live::start(&launch).await);
    let mut provider = Provider::made(&before.url, &made, &planted, None);
    provider.client = Client::anonymous(&server.url);
    provider.send("1", "{}").await.expect(503);
    let told = "the value in source.config is not encrypted";
    server.process.wait_for_line(|line| line.contains(told), "that it is not used").await;
    let lines = server.process.lines();
    assert!(lines.iter().all(|line| !line.text.contains("planted-by-somebody")), "{lines:?}");
    server.process.kill9().await;
}
