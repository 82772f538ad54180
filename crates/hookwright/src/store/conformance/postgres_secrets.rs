//! Secrets in a PostgreSQL database: encrypted, with keys that are given and not in it, whatever happened to it before.

use hookwright_signature::Secret;
use hookwright_testkit::postgres::{self, Database};

use crate::domain::endpoint::{Endpoint, Header, OldSecret};
use crate::domain::source::{ProofConfig, SourceRef, SourceToken};
use crate::store::conformance::fixture::{NOW, app, application, at, endpoint, ep, keys_of};
use crate::store::conformance::source::new_source;
use crate::store::error::StoreError;
use crate::store::sealing::SealingError;
use crate::store::write::{CatalogWrite, Changed, NewSourceToken, Write, Written};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, Store, Writer};

const SECRET: &str = "whsec_bmVlZGxlLW5lZWRsZS1uZWVkbGUtbmVlZGxl";
const OLD_SECRET: &str = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xk";
const HEADER: &str = "header-needle";
/// Every column with secrets, as one text.
const ALL: &str = "SELECT coalesce(string_agg(kept, ' '), '') FROM (
    SELECT secret || ' ' || headers || ' ' || old_secrets AS kept FROM endpoint
    UNION ALL SELECT config || ' ' || settings FROM source UNION ALL SELECT token FROM source_token) AS every";
/// Rows of which something is in clear.
const CLEAR: &str = "SELECT count(*) FROM (
    SELECT secret || headers || old_secrets AS kept, 3 AS values FROM endpoint
    UNION ALL SELECT config || settings, 2 FROM source UNION ALL SELECT token, 1 FROM source_token) AS every
    WHERE (length(kept) - length(replace(kept, 'sealed:', ''))) / 7 <> values";
/// What the secrets of endpoints are encrypted with.
pub(super) const KEYS: &str =
    "SELECT string_agg(DISTINCT left(secret, 9) || ' ' || left(headers, 9), ',') FROM endpoint";

pub(super) fn open_as(
    database: &Database,
    keys: &str,
    exclusivity: Exclusivity,
) -> Result<(Store, Writer), StoreError> {
    Store::open(&database.url.parse().unwrap(), Some(&keys_of(keys)), exclusivity)
}

pub(super) fn open(database: &Database, keys: &str) -> (Store, Writer) {
    open_as(database, keys, Exclusivity::OnlyDeliverer).unwrap()
}

pub(super) fn refused(database: &Database, keys: &str) -> SealingError {
    match open_as(database, keys, Exclusivity::OnlyDeliverer).err() {
        Some(StoreError::Sealing(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Those who delivered have ended: else they would be waited for.
pub(super) async fn stopped(database: &Database) {
    database.execute("UPDATE lease SET ended_at = expires_at WHERE ended_at IS NULL").await;
}

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

/// An endpoint of application 1 with everything that is secret.
fn full(number: u16) -> Endpoint {
    Endpoint {
        secret: secret(SECRET),
        old_secrets: vec![OldSecret { secret: secret(OLD_SECRET), expires_at: at(5) }],
        headers: vec![Header { name: "x-key".to_owned(), value: HEADER.to_owned() }],
        ..endpoint(1, number)
    }
}

fn change(writer: &mut Writer, change: CatalogWrite) {
    let written = writer.commit(&[Write::Catalog(change)]).unwrap().remove(0);
    assert!(matches!(written, Written::Changed(Changed::Yes)), "{written:?}");
}

/// Application 1 with these endpoints.
pub(super) fn fill(writer: &mut Writer, endpoints: std::ops::RangeInclusive<u16>) {
    change(writer, CatalogWrite::ApplicationInsert(application(1)));
    let new = endpoints.map(|number| Write::Catalog(CatalogWrite::EndpointInsert(Box::new(full(number)))));
    writer.commit(&new.collect::<Vec<_>>()).unwrap();
}

/// Fails unless these endpoints are read with their secrets.
pub(super) async fn assert_read(store: &Store, numbers: std::ops::RangeInclusive<u16>) {
    let found = store.application_with_endpoints(app(1)).await.unwrap().unwrap();
    let shown = |endpoint: &Endpoint| {
        let old = endpoint.old_secrets.iter().map(|old| old.secret.expose().to_string());
        let headers = endpoint.headers.iter().map(|header| header.value.clone());
        (endpoint.id, endpoint.secret.expose().to_string(), old.chain(headers).collect::<Vec<_>>())
    };
    let expected: Vec<_> = numbers.map(|number| shown(&full(number))).collect();
    assert_eq!(found.endpoints.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn no_secret_is_in_the_tables_and_a_restart_reads_them() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=3);
    let mut new = new_source(2);
    new.source.settings.config = ProofConfig(serde_json::json!({"secret": "config-needle"}));
    if let Some(confirm) = &mut new.source.settings.confirm {
        confirm.headers = vec![("authorization".to_owned(), "confirm-needle".to_owned())];
    }
    new.token.token = SourceToken::new("token-needle-1");
    let source = new.source.clone();
    change(&mut writer, CatalogWrite::SourceInsert(Box::new(new)));
    let new = NewSourceToken { source: source.id, hash: [9; 32], token: SourceToken::new("token-needle-2") };
    change(&mut writer, CatalogWrite::SourceTokenRotate { new, now: NOW, old_ends_at: at(99) });
    let changed = Box::new(Endpoint { updated_at: at(1), ..full(2) });
    change(&mut writer, CatalogWrite::EndpointUpdate { endpoint: changed, unless_changed_since: NOW });
    let kept = database.ask(ALL).await;
    assert!(kept.contains("sealed:a:"), "{kept}");
    for needle in [SECRET, OLD_SECRET, HEADER, "config-needle", "confirm-needle", "token-needle"] {
        assert!(!kept.contains(needle), "{needle} is in clear");
    }
    assert_eq!(database.ask(CLEAR).await, "0");
    drop(writer);
    let (store, _writer) = open(&database, "a");
    assert_read(&store, 1..=3).await;
    let read = store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source.id)).await.unwrap().unwrap();
    assert_eq!((read.source, read.token.expose()), (source.clone(), "token-needle-2"));
    assert_eq!(store.source_by_token([2; 32]).await.unwrap().unwrap().source, source, "the one before");
}

#[tokio::test]
async fn a_start_without_a_key_or_with_another_is_refused_with_a_sentence() {
    let Some(database) = postgres::database().await else { return };
    let url = database.url.parse().unwrap();
    for exclusivity in [Exclusivity::OnlyDeliverer, Exclusivity::Maker, Exclusivity::Visitor] {
        let told = Store::open(&url, None, exclusivity).err().unwrap();
        assert!(matches!(told, StoreError::NoMasterKey), "{told:?}");
        assert!(told.to_string().contains("set HOOKWRIGHT_MASTER_KEY to id:key"), "{told}");
    }
    drop(open(&database, "a"));
    assert!(matches!(refused(&database, "b"), SealingError::Missing { id } if id == "a"));
    let other = format!("a:{}", "00".repeat(32)).parse().unwrap();
    let told = Store::open(&url, Some(&other), Exclusivity::Visitor).err().unwrap();
    assert!(told.to_string().starts_with("the master key \"a\" is not the one"), "{told}");
    drop(open(&database, "a"));
}

#[tokio::test]
async fn nodes_that_start_at_once_with_other_keys_agree_on_one() {
    let Some(database) = postgres::database().await else { return };
    drop(open(&database, "a"));
    database.execute("DELETE FROM master_key").await;
    let opening = ["a", "b", "c", "d"].map(|key| {
        let database = database.clone();
        std::thread::spawn(move || open_as(&database, key, Exclusivity::Maker).map(drop))
    });
    let opened = opening.map(|thread| thread.join().unwrap());
    assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1, "{opened:?}");
    assert_eq!(database.ask("SELECT count(*) FROM master_key").await, "1");
}

#[tokio::test]
async fn a_new_first_key_encrypts_all_and_the_old_one_can_go() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=1_200);
    drop(writer);
    stopped(&database).await;
    let (store, writer) = open(&database, "ba");
    assert_read(&store, 1..=1_200).await;
    drop((store, writer));
    stopped(&database).await;
    assert_eq!(database.ask(KEYS).await, "sealed:b: sealed:b:");
    assert!(matches!(refused(&database, "a"), SealingError::Missing { id } if id == "b"));
    let (store, writer) = open(&database, "b");
    assert_read(&store, 1..=1_200).await;
    drop((store, writer));
    stopped(&database).await;
    // And back again.
    drop(open(&database, "ab"));
    stopped(&database).await;
    let (store, _writer) = open(&database, "a");
    assert_read(&store, 1..=1_200).await;
    assert_eq!(database.ask(KEYS).await, "sealed:a: sealed:a:");
}

#[tokio::test]
async fn a_value_that_was_moved_to_another_row_is_refused() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=2);
    database.execute("UPDATE endpoint SET secret = (SELECT secret FROM endpoint ORDER BY id LIMIT 1)").await;
    let refused = store.application_with_endpoints(app(1)).await.err().unwrap().to_string();
    assert!(refused.starts_with("the value in endpoint.secret cannot be decrypted"), "{refused}");
}

/// A database with 1,200 endpoints and a source as a version before left it.
pub(super) async fn older() -> Option<Database> {
    let database = postgres::database().await?;
    let (_, mut writer) = open(&database, "x");
    fill(&mut writer, 1..=1_200);
    change(&mut writer, CatalogWrite::SourceInsert(Box::new(new_source(2))));
    drop(writer);
    stopped(&database).await;
    let source = new_source(2).source;
    let settings = crate::store::source_settings::encoded(&source.settings).unwrap();
    let (config, expires_at) = (&source.settings.config.0, at(5).as_micros());
    for sql in [
        format!(
            "UPDATE endpoint SET secret = '{SECRET}', headers = '[[\"x-key\",\"{HEADER}\"]]',
                 old_secrets = '[[\"{OLD_SECRET}\",{expires_at}]]'"
        ),
        format!("UPDATE source SET config = '{config}', settings = '{settings}'"),
        "UPDATE source_token SET token = 'token 2'".to_owned(),
        "DROP TABLE master_key".to_owned(),
        "DELETE FROM migration WHERE version = 11".to_owned(),
    ] {
        database.execute(&sql).await;
    }
    assert!(database.ask(ALL).await.contains(SECRET));
    Some(database)
}

pub(super) async fn assert_upgraded(database: &Database) {
    let (store, _writer) = open(database, "a");
    assert_read(&store, 1..=1_200).await;
    let source = store.source_by_token(new_source(2).token.hash).await.unwrap().unwrap().source;
    assert_eq!(source, new_source(2).source);
    assert_eq!(database.ask(CLEAR).await, "0");
    assert_eq!(database.ask("SELECT id || is_everywhere FROM master_key").await, "atrue");
}

#[tokio::test]
async fn an_older_database_is_encrypted_at_the_start_and_its_secrets_still_work() {
    let Some(database) = older().await else { return };
    assert_upgraded(&database).await;
}

#[tokio::test]
async fn an_upgrade_that_ends_in_the_middle_loses_nothing_and_goes_on() {
    let Some(database) = older().await else { return };
    let id: String = ep(700).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    database
        .execute(&format!(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stop'; END $$;
             CREATE TRIGGER stop BEFORE UPDATE ON endpoint FOR EACH ROW WHEN (OLD.id = '\\x{id}') EXECUTE FUNCTION stop()"
        ))
        .await;
    let stopped = open_as(&database, "a", Exclusivity::OnlyDeliverer).err().unwrap();
    assert!(matches!(stopped, StoreError::Postgres(_)), "{stopped:?}");
    let counted = "SELECT count(*) FROM endpoint WHERE secret LIKE 'sealed:a:%'";
    assert_eq!(database.ask(counted).await, "500", "one slice of three");
    // Who looks in meanwhile reads both.
    let (store, writer) = open_as(&database, "a", Exclusivity::Visitor).unwrap();
    assert_read(&store, 1..=1_200).await;
    drop((store, writer));
    // The key is needed from the first slice on.
    assert!(matches!(refused(&database, "b"), SealingError::Missing { id } if id == "a"));
    database.execute("DROP TRIGGER stop ON endpoint").await;
    assert_upgraded(&database).await;
}

#[tokio::test]
async fn nobody_else_moves_to_a_new_key_while_somebody_delivers() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut writer) = open(&database, "a");
    fill(&mut writer, 1..=1);
    let (_, mut other) = open_as(&database, "ba", Exclusivity::Maker).unwrap();
    change(&mut other, CatalogWrite::EndpointInsert(Box::new(full(2))));
    assert_read(&store, 1..=2).await;
    assert_eq!(database.ask(KEYS).await, "sealed:a: sealed:a:");
    // Nor does one who delivers: the other node has not got the key.
    drop(open(&database, "ba"));
    assert_eq!(database.ask(KEYS).await, "sealed:a: sealed:a:");
    drop((store, writer, other));
    stopped(&database).await;
    drop(open_as(&database, "ba", Exclusivity::Maker).unwrap());
    assert_eq!(database.ask(KEYS).await, "sealed:b: sealed:b:");
    // And it keeps nobody from delivering.
    drop(open_as(&database, "b", Exclusivity::OnlyDeliverer).unwrap());
    stopped(&database).await;
}

#[tokio::test]
async fn all_move_to_a_new_key_while_they_deliver_once_each_of_them_has_it() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut writer) = open(&database, "ab");
    fill(&mut writer, 1..=1);
    assert_eq!(database.ask(KEYS).await, "sealed:a: sealed:a:");
    let (_, mut other) = open(&database, "ba");
    assert_eq!(database.ask(KEYS).await, "sealed:b: sealed:b:");
    change(&mut other, CatalogWrite::EndpointInsert(Box::new(full(2))));
    assert_read(&store, 1..=2).await;
    // What the first node still writes with the earlier key the second reads, and a later start encrypts.
    change(&mut writer, CatalogWrite::EndpointInsert(Box::new(full(3))));
    assert_read(&store, 1..=3).await;
}
