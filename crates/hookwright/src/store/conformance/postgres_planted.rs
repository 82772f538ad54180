//! What somebody else has put into a PostgreSQL database: values in clear are not used once all are encrypted, and a database is left as it
//! is by whoever has another key.

use hookwright_testkit::postgres::{self, Database};

use crate::store::Exclusivity;
use crate::store::conformance::fixture::{app, ep};
use crate::store::conformance::postgres_secrets::{
    KEYS, assert_read, assert_upgraded, fill, older, open, open_as, refused, stopped,
};
use crate::store::error::StoreError;
use crate::store::sealing::SealingError;

/// Written as a version before would have.
const CLEAR_HEADERS: &str = "[[\"x-key\",\"planted\"]]";

fn of_second(sql: &str) -> String {
    let id: String = ep(2).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{sql} WHERE id = '\\x{id}'")
}

/// Fails unless endpoints cannot be read because of their headers.
async fn assert_refused(database: &Database, keys: &str) {
    for exclusivity in [Exclusivity::OnlyDeliverer, Exclusivity::Visitor] {
        let (store, writer) = open_as(database, keys, exclusivity).unwrap();
        let told = store.application_with_endpoints(app(1)).await.err().unwrap().to_string();
        assert!(told.starts_with("the value in endpoint.headers is not encrypted"), "{told}");
        assert!(!told.contains("planted"), "{told}");
        drop((store, writer));
        stopped(database).await;
    }
}

#[tokio::test]
async fn a_value_in_clear_is_refused_once_all_are_encrypted() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=2);
    drop(writer);
    stopped(&database).await;
    database.execute(&of_second(&format!("UPDATE endpoint SET headers = '{CLEAR_HEADERS}'"))).await;
    assert_refused(&database, "a").await;
    // Saying that not all is encrypted does not help, and no other key makes one of ours of it.
    database.execute("UPDATE master_key SET is_everywhere = FALSE").await;
    assert_refused(&database, "a").await;
    assert_refused(&database, "ba").await;
    assert_eq!(database.ask(&of_second("SELECT headers FROM endpoint")).await, CLEAR_HEADERS);
    assert_eq!(database.ask(KEYS).await, "sealed:b: [[\"x-key\",sealed:b: sealed:b:");
    database.execute(&of_second("UPDATE endpoint SET headers = '[]'")).await;
    let (store, _writer) = open(&database, "b");
    assert!(store.application_with_endpoints(app(1)).await.is_ok());
}

#[tokio::test]
async fn an_older_database_refuses_them_from_its_first_start_on() {
    let Some(database) = older().await else { return };
    assert_upgraded(&database).await;
    stopped(&database).await;
    database.execute(&of_second(&format!("UPDATE endpoint SET headers = '{CLEAR_HEADERS}'"))).await;
    assert_refused(&database, "a").await;
}

#[tokio::test]
async fn what_is_in_clear_is_read_while_a_node_delivers_that_has_not_got_the_key() {
    let Some(database) = older().await else { return };
    let node = "INSERT INTO lease (number, node, master_keys, expires_at) VALUES (7, 'other', '{x}', 9e15)";
    database.execute(node).await;
    let (store, writer) = open(&database, "a");
    assert_read(&store, 1..=1_200).await;
    drop((store, writer));
    stopped(&database).await;
    assert_upgraded(&database).await;
}

#[tokio::test]
async fn a_database_whose_keys_are_not_noted_any_more_is_refused() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=1);
    drop(writer);
    database.execute("DELETE FROM master_key").await;
    assert!(matches!(refused(&database, "a"), SealingError::Unnoted));
    database.execute("INSERT INTO master_key (number, id, proof) VALUES (1, 'a', 'hookwright')").await;
    assert!(matches!(refused(&database, "a"), SealingError::Wrong { .. }));
}

#[tokio::test]
async fn with_a_wrong_key_a_database_of_an_older_version_keeps_its_version() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=1);
    drop(writer);
    stopped(&database).await;
    // As the version before this one leaves it.
    for sql in [
        "ALTER TABLE inbound DROP COLUMN copy_of",
        "ALTER TABLE inbound_key DROP COLUMN request",
        "DELETE FROM migration WHERE version = 16",
    ] {
        database.execute(sql).await;
    }
    let schema = "SELECT (SELECT string_agg(version || encode(checksum, 'hex'), ',' ORDER BY version) FROM migration) ||
        (SELECT string_agg(table_name || column_name, ',' ORDER BY table_name, column_name)
         FROM information_schema.columns WHERE table_schema = current_schema())";
    let before = database.ask(schema).await;
    let url = database.url.parse().unwrap();
    let other = format!("a:{}", "00".repeat(32)).parse().unwrap();
    for exclusivity in [Exclusivity::OnlyDeliverer, Exclusivity::Maker, Exclusivity::Visitor] {
        let refused = crate::store::Store::open(&url, Some(&other), exclusivity).err();
        assert!(matches!(refused, Some(StoreError::Sealing(SealingError::Wrong { .. }))), "{refused:?}");
        let refused = open_as(&database, "b", exclusivity).err();
        assert!(matches!(refused, Some(StoreError::Sealing(SealingError::Missing { .. }))), "{refused:?}");
    }
    assert_eq!(database.ask(schema).await, before);
    let (store, _writer) = open(&database, "a");
    assert_read(&store, 1..=1).await;
    assert_ne!(database.ask(schema).await, before, "with the right one it is brought to the newest");
}
