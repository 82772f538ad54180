//! What somebody else has put into a SQLite file: values in clear are not used once all are encrypted, and a file is left as it is by
//! whoever has another key.

use rusqlite::Connection;

use crate::domain::source::SourceRef;
use crate::store::conformance::fixture::{ep, keys_of};
use crate::store::conformance::source::new_source;
use crate::store::conformance::sqlite_secrets::{File, change, endpoints, expected, fill, older};
use crate::store::error::StoreError;
use crate::store::sealing::{Sealing, SealingError};
use crate::store::write::CatalogWrite;
use crate::store::{DEFAULT_ORGANISATION, Exclusivity};

/// Whoever knows it could sign.
const PLANTED: &str = "whsec_cGxhbnRlZC1wbGFudGVkLXBsYW50ZWQtcGxhbnQ";
/// Written as a version before would have.
const CLEAR_HEADERS: &str = "[[\"x-key\",\"planted\"]]";

/// Fails unless endpoints cannot be read because of this column.
async fn assert_refused(file: &File, keys: &str, column: &str) {
    for exclusivity in [Exclusivity::OnlyDeliverer, Exclusivity::Visitor] {
        let (store, _writer) = file.open_as(keys, exclusivity).unwrap();
        let told = endpoints(&store).await.unwrap_err().to_string();
        assert!(told.starts_with(&format!("the value in {column} is not encrypted")), "{told}");
        assert!(!told.contains("planted") && !told.contains(PLANTED), "{told}");
    }
}

fn of_second(sql: &str) -> String {
    let id: String = ep(2).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{sql} WHERE id = x'{id}'")
}

#[tokio::test]
async fn a_value_in_clear_is_refused_once_all_are_encrypted() {
    let file = File::new();
    let (_, mut writer) = file.open("a");
    fill(&mut writer, 1..=2);
    drop(writer);
    for (column, value) in
        [("secret", PLANTED), ("headers", CLEAR_HEADERS), ("old_secrets", "[[\"planted\",1]]")]
    {
        let sql = of_second(&format!("SELECT {column} FROM endpoint"));
        let before = file.texts(&sql).remove(0);
        file.sql(&of_second(&format!("UPDATE endpoint SET {column} = '{value}'")));
        assert_refused(&file, "a", &format!("endpoint.{column}")).await;
        // Saying that not all is encrypted does not help, and no other key makes one of ours of it.
        file.sql("UPDATE master_key SET is_everywhere = 0");
        assert_refused(&file, "a", &format!("endpoint.{column}")).await;
        assert_refused(&file, "ba", &format!("endpoint.{column}")).await;
        assert_refused(&file, "ab", &format!("endpoint.{column}")).await;
        assert_eq!(file.texts(&sql), [value], "it is left as it is");
        file.sql(&of_second(&format!("UPDATE endpoint SET {column} = '{before}'")));
        drop(file.open("ab"));
    }
    // What was sealed with another key meanwhile is sealed with the first one again, but for those rows.
    file.sql(&of_second("DELETE FROM endpoint"));
    let (store, _writer) = file.open("ab");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1));
}

#[tokio::test]
async fn sources_and_their_tokens_are_no_exception() {
    let file = File::new();
    let (_, mut writer) = file.open("a");
    let source = new_source(2).source;
    change(&mut writer, CatalogWrite::SourceInsert(Box::new(new_source(2))));
    drop(writer);
    for (table, column, value) in [
        ("source", "config", "{\"secret\":\"planted\"}"),
        ("source", "settings", "{\"planted\":1}"),
        ("source_token", "token", "planted"),
    ] {
        let before = file.texts(&format!("SELECT {column} FROM {table}")).remove(0);
        file.sql(&format!("UPDATE {table} SET {column} = '{value}'"));
        let (store, _writer) = file.open("a");
        let read = store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source.id)).await;
        let told = read.unwrap_err().to_string();
        assert!(told.starts_with(&format!("the value in {table}.{column} is not encrypted")), "{told}");
        assert!(!told.contains("planted"), "{told}");
        file.sql(&format!("UPDATE {table} SET {column} = '{before}'"));
        assert!(store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source.id)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_older_database_refuses_them_from_its_first_start_on() {
    let file = older();
    let (store, writer) = file.open("a");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    file.sql(&of_second(&format!("UPDATE endpoint SET secret = '{PLANTED}'")));
    let told = endpoints(&store).await.unwrap_err().to_string();
    assert!(told.starts_with("the value in endpoint.secret is not encrypted"), "{told}");
    drop((store, writer));
    assert_refused(&file, "a", "endpoint.secret").await;
}

#[tokio::test]
async fn a_database_whose_keys_are_not_noted_any_more_is_refused() {
    let file = File::new();
    let (_, mut writer) = file.open("a");
    fill(&mut writer, 1..=1);
    drop(writer);
    file.sql("CREATE TABLE aside AS SELECT * FROM master_key; DELETE FROM master_key");
    assert!(matches!(file.refused("a"), SealingError::Unnoted));
    // Nor does it help to write a proof that takes no key to write.
    file.sql("INSERT INTO master_key (number, id, proof) VALUES (1, 'a', 'hookwright')");
    assert!(matches!(file.refused("a"), SealingError::Wrong { .. }));
    file.sql("DELETE FROM master_key; INSERT INTO master_key SELECT * FROM aside; DROP TABLE aside");
    let (store, _writer) = file.open("a");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1));
}

#[tokio::test]
async fn a_proof_that_does_not_say_that_all_is_encrypted_does_after_the_next_start() {
    let file = File::new();
    let (_, mut writer) = file.open("a");
    fill(&mut writer, 1..=2);
    drop(writer);
    let weak = Sealing::new(&keys_of("a")).proof().unwrap();
    file.sql(&format!("UPDATE master_key SET proof = '{weak}'"));
    file.sql(&of_second("UPDATE endpoint SET headers = '[[\"x-key\",\"header-needle\"]]'"));
    // Who looks in does not encrypt, and reads both.
    let (store, writer) = file.open_as("a", Exclusivity::Visitor).unwrap();
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=2));
    drop((store, writer));
    let (store, writer) = file.open("a");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=2));
    drop((store, writer));
    file.sql(&of_second(&format!("UPDATE endpoint SET headers = '{CLEAR_HEADERS}'")));
    assert_refused(&file, "a", "endpoint.headers").await;
}

/// Makes the file one of the version before this one.
fn downgraded(file: &File) {
    file.sql(
        "ALTER TABLE inbound DROP COLUMN copy_of; ALTER TABLE inbound_key DROP COLUMN request;
         DELETE FROM migration WHERE number = 16",
    );
}

#[tokio::test]
async fn with_a_wrong_key_a_database_of_an_older_version_keeps_its_version() {
    let file = File::new();
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=1);
    drop(writer);
    downgraded(&file);
    let schema = "SELECT group_concat(number || hex(checksum)) FROM migration
                  UNION ALL SELECT group_concat(sql) FROM sqlite_schema";
    let before = file.texts(schema);
    let (key, aside) = (file.path(".key"), file.path(".aside"));
    let kept = std::fs::read_to_string(&key).unwrap();
    let (id, _) = kept.trim().split_once(':').unwrap();
    std::fs::rename(&key, &aside).unwrap();
    for exclusivity in [Exclusivity::OnlyDeliverer, Exclusivity::Maker, Exclusivity::Visitor] {
        for keys in ["", "b"] {
            let refused = file.open_as(keys, exclusivity).err();
            assert!(
                matches!(refused, Some(StoreError::Sealing(SealingError::Missing { .. }))),
                "{refused:?}"
            );
        }
        std::fs::write(&key, format!("{id}:{}", "00".repeat(32))).unwrap();
        let refused = file.open_as("", exclusivity).err();
        assert!(matches!(refused, Some(StoreError::Sealing(SealingError::Wrong { .. }))), "{refused:?}");
        std::fs::remove_file(&key).unwrap();
    }
    assert_eq!(file.texts(schema), before);
    assert!(!key.exists(), "and no key is made");
    std::fs::rename(&aside, &key).unwrap();
    let (store, _writer) = file.open("");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1));
    assert_ne!(file.texts(schema), before, "with the right one it is brought to the newest");
}

#[tokio::test]
async fn a_newer_database_is_told_as_such_whatever_the_key() {
    let file = File::new();
    drop(file.open("a"));
    file.sql("INSERT INTO migration VALUES (4000, 'later', zeroblob(32))");
    let refused = file.open_as("b", Exclusivity::OnlyDeliverer).err();
    assert!(matches!(refused, Some(StoreError::Newer { found: 4_000, .. })), "{refused:?}");
    let connection = Connection::open(file.path("")).unwrap();
    connection.execute("DELETE FROM migration WHERE number = 4000", []).unwrap();
    assert!(matches!(file.refused("b"), SealingError::Missing { .. }));
}
