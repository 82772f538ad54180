//! Secrets in a SQLite file: encrypted, with a key that is not in it, whatever happened to the file before.

use std::path::PathBuf;

use hookwright_signature::Secret;
use hookwright_testkit::eventually;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::config::{DatabaseUrl, MasterKeys};
use crate::domain::endpoint::{Endpoint, EndpointSettings, Header, OldSecret};
use crate::domain::source::{SourceRef, SourceToken};
use crate::store::conformance::fixture::{NOW, app, application, at, endpoint, ep, keys_of, slice};
use crate::store::conformance::source::new_source;
use crate::store::error::StoreError;
use crate::store::sealing::SealingError;
use crate::store::write::{CatalogWrite, Changed, NewSourceToken, Write, Written};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, Store, Writer};

/// Secrets whose text is in the file if it is in clear.
const SECRET: &str = "whsec_bmVlZGxlLW5lZWRsZS1uZWVkbGUtbmVlZGxl";
const OLD_SECRET: &str = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xk";
const HEADER: &str = "header-needle";
/// What is in none of them, and so is found.
const CONTROL: &str = "control-needle";

pub(super) struct File(TempDir);

impl File {
    pub(super) fn new() -> File {
        File(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, suffix: &str) -> PathBuf {
        self.0.path().join(format!("test.db{suffix}"))
    }

    pub(super) fn open_as(
        &self,
        keys: &str,
        exclusivity: Exclusivity,
    ) -> Result<(Store, Writer), StoreError> {
        let keys: Option<MasterKeys> = (!keys.is_empty()).then(|| keys_of(keys));
        Store::open(&DatabaseUrl::Sqlite(self.path("")), keys.as_ref(), exclusivity)
    }

    /// Opens it with the keys that have these letters as ids; with none given, if there is none.
    pub(super) fn open(&self, keys: &str) -> (Store, Writer) {
        self.open_as(keys, Exclusivity::OnlyDeliverer).unwrap()
    }

    pub(super) fn refused(&self, keys: &str) -> SealingError {
        match self.open_as(keys, Exclusivity::OnlyDeliverer).err() {
            Some(StoreError::Sealing(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sql(&self, sql: &str) {
        Connection::open(self.path("")).unwrap().execute_batch(sql).unwrap();
    }

    pub(super) fn texts(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.path("")).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Whether the text is anywhere in the database or its log.
    fn has(&self, needle: &str) -> bool {
        let files = ["", "-wal"].map(|suffix| std::fs::read(self.path(suffix)));
        let is_in = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
        files.iter().flatten().any(is_in)
    }
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
        settings: EndpointSettings { description: CONTROL.to_owned(), ..endpoint(1, number).settings },
        ..endpoint(1, number)
    }
}

pub(super) fn change(writer: &mut Writer, change: CatalogWrite) {
    let written = writer.commit(&[Write::Catalog(change)]).unwrap().remove(0);
    assert!(matches!(written, Written::Changed(Changed::Yes)), "{written:?}");
}

/// Application 1 with these endpoints.
pub(super) fn fill(writer: &mut Writer, endpoints: std::ops::RangeInclusive<u16>) {
    change(writer, CatalogWrite::ApplicationInsert(application(1)));
    let new = endpoints.map(|number| Write::Catalog(CatalogWrite::EndpointInsert(Box::new(full(number)))));
    writer.commit(&new.collect::<Vec<_>>()).unwrap();
}

/// What is secret of each endpoint, with its id.
pub(super) async fn endpoints(store: &Store) -> Result<Vec<String>, StoreError> {
    let found = store.application_with_endpoints(app(1)).await?.unwrap();
    Ok(found.endpoints.iter().map(shown).collect())
}

fn shown(endpoint: &Endpoint) -> String {
    let old = endpoint.old_secrets.iter().map(|old| format!("{}@{:?}", *old.secret.expose(), old.expires_at));
    let headers = endpoint.headers.iter().map(|header| format!("{}={}", header.name, header.value));
    let (old, headers) = (old.collect::<Vec<_>>(), headers.collect::<Vec<_>>());
    format!("{:?} {} {old:?} {headers:?}", endpoint.id, *endpoint.secret.expose())
}

/// What is to be read of these.
pub(super) fn expected(numbers: std::ops::RangeInclusive<u16>) -> Vec<String> {
    numbers.map(|number| shown(&full(number))).collect()
}

#[tokio::test]
async fn no_secret_is_in_the_files_and_a_restart_reads_them() {
    let file = File::new();
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=3);
    let mut new = new_source(2);
    new.source.settings.config =
        crate::domain::source::ProofConfig(serde_json::json!({"secret": "config-needle"}));
    new.source.settings.name = CONTROL.to_owned();
    if let Some(confirm) = &mut new.source.settings.confirm {
        confirm.headers = vec![("authorization".to_owned(), "confirm-needle".to_owned())];
    }
    new.token.token = SourceToken::new("token-needle-1");
    let source = new.source.clone();
    change(&mut writer, CatalogWrite::SourceInsert(Box::new(new)));
    let new = NewSourceToken { source: source.id, hash: [9; 32], token: SourceToken::new("token-needle-2") };
    change(&mut writer, CatalogWrite::SourceTokenRotate { new, now: NOW, old_ends_at: at(99) });
    let changed = Endpoint { updated_at: at(1), ..full(2) };
    change(
        &mut writer,
        CatalogWrite::EndpointUpdate { endpoint: Box::new(changed), unless_changed_since: NOW },
    );
    assert!(file.has(CONTROL));
    let needles = [SECRET, OLD_SECRET, HEADER, "config-needle", "confirm-needle", "token-needle"];
    for needle in needles {
        assert!(!file.has(needle), "{needle} is in clear");
    }
    drop(writer);
    let (store, _writer) = file.open("");
    let read = endpoints(&store).await.unwrap();
    assert_eq!(read, expected(1..=3));
    let read = store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source.id)).await.unwrap().unwrap();
    assert_eq!((read.source, read.token.expose()), (source.clone(), "token-needle-2"));
    assert_eq!(store.source_by_token([2; 32]).await.unwrap().unwrap().source, source, "the one before");
}

#[tokio::test]
async fn a_key_is_made_beside_the_file_once_and_is_for_its_owner_alone() {
    let file = File::new();
    let url = DatabaseUrl::Sqlite(file.path(""));
    let opening = |_| {
        let url = url.clone();
        std::thread::spawn(move || Store::open(&url, None, Exclusivity::Maker).map(drop))
    };
    let opening: Vec<_> = (0..16).map(opening).collect();
    for opened in opening {
        opened.join().unwrap().unwrap();
    }
    let text = std::fs::read_to_string(file.path(".key")).unwrap();
    let keys: MasterKeys = text.parse().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file.path(".key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(!file.path(".key.new").exists());
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=1);
    drop(writer);
    assert!(!file.has(text.trim()));
    // The file may be elsewhere, and what is in it the setting.
    std::fs::remove_file(file.path(".key")).unwrap();
    let (store, _writer) = Store::open(&url, Some(&keys), Exclusivity::OnlyDeliverer).unwrap();
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1));
    assert!(!file.path(".key").exists());
}

#[tokio::test]
async fn a_new_first_key_encrypts_all_and_the_old_one_can_go() {
    let file = File::new();
    let (_, mut writer) = file.open("a");
    fill(&mut writer, 1..=1_200);
    drop(writer);
    assert!(!file.path(".key").exists(), "none is made where one was given");
    let (store, writer) = file.open("ba");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    drop((store, writer));
    let sealed = "SELECT DISTINCT substr(secret, 1, 9) FROM endpoint UNION SELECT DISTINCT substr(headers, 1, 9) FROM endpoint";
    assert_eq!(file.texts(sealed), ["sealed:b:"]);
    assert!(matches!(file.refused("a"), SealingError::Missing { id } if id == "b"));
    let (store, writer) = file.open("b");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    drop((store, writer));
    // And back again.
    let (store, writer) = file.open("ab");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    drop((store, writer));
    drop(file.open("a"));
    assert_eq!(file.texts(sealed), ["sealed:a:"]);
}

#[tokio::test]
async fn a_key_file_is_an_old_key_once_others_are_given() {
    let file = File::new();
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=2);
    drop(writer);
    drop(file.open("a"));
    std::fs::remove_file(file.path(".key")).unwrap();
    let (store, _writer) = file.open("a");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=2));
}

#[tokio::test]
async fn a_missing_or_wrong_key_refuses_with_a_sentence_and_changes_nothing() {
    let file = File::new();
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=1);
    drop(writer);
    let text = std::fs::read_to_string(file.path(".key")).unwrap();
    let (id, key) = text.trim().split_once(':').unwrap();
    std::fs::remove_file(file.path(".key")).unwrap();
    for keys in ["", "a"] {
        let told = file.refused(keys).to_string();
        let expected =
            format!("secrets in the database are encrypted with the master key \"{id}\", which is needed");
        assert!(told.starts_with(&expected), "{told}");
        assert!(!told.contains(key) && !file.path(".key").exists());
    }
    std::fs::write(file.path(".key"), format!("{id}:{}", "00".repeat(32))).unwrap();
    let told = file.refused("").to_string();
    assert!(told.starts_with(&format!("the master key \"{id}\" is not the one")), "{told}");
    std::fs::write(file.path(".key"), "").unwrap();
    let told = file.refused("").to_string();
    assert!(told.ends_with("test.db.key holds no key; put back what was in it"), "{told}");
    std::fs::write(file.path(".key"), &text).unwrap();
    let (store, _writer) = file.open("");
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1));
}

#[tokio::test]
async fn a_value_that_was_moved_to_another_row_is_refused() {
    let file = File::new();
    let (store, mut writer) = file.open("a");
    fill(&mut writer, 1..=2);
    for column in ["secret", "headers", "old_secrets"] {
        let before = file.texts(&format!("SELECT {column} FROM endpoint ORDER BY id"));
        file.sql(&format!("UPDATE endpoint SET {column} = '{}' WHERE {column} = '{}'", before[0], before[1]));
        let refused = endpoints(&store).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the value in endpoint.{column} cannot be decrypted: it was changed, or belongs to another row"
            )
        );
        let id: String = ep(2).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        file.sql(&format!("UPDATE endpoint SET {column} = '{}' WHERE id = x'{id}'", before[1]));
        assert_eq!(endpoints(&store).await.unwrap(), expected(1..=2));
    }
}

/// A file with 1,200 endpoints and a source as the version before left it.
pub(super) fn older() -> File {
    let file = File::new();
    let (_, mut writer) = file.open("");
    fill(&mut writer, 1..=1_200);
    change(&mut writer, CatalogWrite::SourceInsert(Box::new(new_source(2))));
    drop(writer);
    let source = new_source(2).source;
    let settings = serde_json::to_string(&crate::store::source_settings::encoded(&source.settings).unwrap());
    let settings: String = serde_json::from_str(&settings.unwrap()).unwrap();
    file.sql(&format!(
        "UPDATE endpoint SET secret = '{SECRET}', headers = '[[\"x-key\",\"{HEADER}\"]]',
             old_secrets = '[[\"{OLD_SECRET}\",{}]]';
         UPDATE source SET config = '{}', settings = '{settings}';
         UPDATE source_token SET token = 'token 2';
         DROP TABLE master_key;
         DELETE FROM migration WHERE number = 11;",
        at(5).as_micros(),
        source.settings.config.0,
    ));
    std::fs::remove_file(file.path(".key")).unwrap();
    for needle in [SECRET, OLD_SECRET, HEADER, "token 2"] {
        assert!(file.has(needle), "{needle}");
    }
    file
}

async fn assert_upgraded(file: &File, keys: &str) {
    let (store, mut writer) = file.open(keys);
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    let source = store.source_by_token(new_source(2).token.hash).await.unwrap().unwrap().source;
    assert_eq!(source, new_source(2).source);
    let clear = "SELECT 'endpoint' FROM endpoint WHERE secret || headers || old_secrets NOT LIKE 'sealed:%sealed:%sealed:%'
                 UNION ALL SELECT 'source' FROM source WHERE config || settings NOT LIKE 'sealed:%sealed:%'
                 UNION ALL SELECT 'token' FROM source_token WHERE token NOT LIKE 'sealed:%'";
    assert_eq!(file.texts(clear), Vec::<String>::new());
    // What maintenance does next: it asks whether something was left, and has it overwritten.
    let mut erase = || writer.commit(&[Write::Erase { now: at(1), from: app(0), slice: slice(9) }]).unwrap();
    assert!(matches!(erase().as_slice(), [Written::Erased(erased)] if erased.has_any));
    let mut from = 0;
    while let [Written::Overwritten(Some(next))] =
        writer.commit(&[Write::Overwrite { from, slice: slice(20) }]).unwrap().as_slice()
    {
        from = *next;
    }
    let mut erase = || writer.commit(&[Write::Erase { now: at(1), from: app(0), slice: slice(9) }]).unwrap();
    assert!(matches!(erase().as_slice(), [Written::Erased(erased)] if !erased.has_any));
    eventually("files without secrets", async || {
        let left = [SECRET, OLD_SECRET, HEADER, "token 2"].into_iter().find(|needle| file.has(needle));
        left.map_or(Ok(()), Err)
    })
    .await;
    assert!(file.has(CONTROL));
    assert_eq!(file.texts("PRAGMA integrity_check"), ["ok"]);
}

#[tokio::test]
async fn an_older_database_is_encrypted_at_the_start_and_its_secrets_still_work() {
    assert_upgraded(&older(), "").await;
    assert_upgraded(&older(), "a").await;
}

#[tokio::test]
async fn an_upgrade_that_ends_in_the_middle_loses_nothing_and_goes_on() {
    let file = older();
    let id: String = ep(700).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    file.sql(&format!(
        "CREATE TRIGGER stop BEFORE UPDATE ON endpoint WHEN OLD.id = x'{id}' BEGIN SELECT RAISE(ABORT, 'stop'); END"
    ));
    let stopped = file.open_as("a", Exclusivity::OnlyDeliverer).err().unwrap();
    assert!(matches!(stopped, StoreError::Sqlite(_)), "{stopped:?}");
    let counted = "SELECT count(*) || '' FROM endpoint WHERE secret LIKE 'sealed:a:%'";
    assert_eq!(file.texts(counted), ["500"], "one slice of three");
    // Who looks in meanwhile reads both.
    let (store, writer) = file.open_as("a", Exclusivity::Visitor).unwrap();
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=1_200));
    drop((store, writer));
    // The key is needed from the first slice on.
    assert!(matches!(file.refused("b"), SealingError::Missing { id } if id == "a"));
    file.sql("DROP TRIGGER stop");
    assert_upgraded(&file, "a").await;
}

#[tokio::test]
async fn nobody_else_moves_to_a_new_key_while_somebody_delivers() {
    let file = File::new();
    let (store, mut writer) = file.open("a");
    fill(&mut writer, 1..=1);
    let (_, mut other) = file.open_as("ba", Exclusivity::Maker).unwrap();
    change(&mut other, CatalogWrite::EndpointInsert(Box::new(full(2))));
    assert_eq!(endpoints(&store).await.unwrap(), expected(1..=2));
    let sealed = "SELECT DISTINCT substr(secret, 1, 9) FROM endpoint";
    assert_eq!(file.texts(sealed), ["sealed:a:"]);
    drop((store, writer, other));
    drop(file.open_as("ba", Exclusivity::Maker).unwrap());
    assert_eq!(file.texts(sealed), ["sealed:b:"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stops_only_those_who_need_it() {
    let file = File::new();
    drop(file.open("a"));
    std::fs::write(file.path(".key"), "no key").unwrap();
    drop(file.open("a"));
    assert!(matches!(file.refused(""), SealingError::NoKeyInFile { .. }));
}
