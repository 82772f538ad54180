//! What can be wrong with a SQLite file, and who may use it at the same time.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hookwright_testkit::eventually;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::config::DatabaseUrl;
use crate::domain::attempt::Attempt;
use crate::domain::delivery::Transition;
use crate::domain::message::Message;
use crate::store::conformance::fixture::{
    Fixture, app, append, application as application_numbered, at, attempt, message, msg, outcome, slice,
    success,
};
use crate::store::error::StoreError;
use crate::store::write::{CatalogWrite, MessagePlace, Write, Written};
use crate::store::{Exclusivity, Store, Writer};

fn open(directory: &TempDir, exclusivity: Exclusivity) -> Result<(Store, Writer), StoreError> {
    Store::open(&DatabaseUrl::Sqlite(directory.path().join("test.db")), None, exclusivity)
}

fn refused(directory: &TempDir) -> StoreError {
    open(directory, Exclusivity::OnlyDeliverer).err().unwrap()
}

#[test]
fn a_second_deliverer_is_refused_and_a_visitor_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    assert!(matches!(refused(&directory), StoreError::InUse { .. }));
    let (_, mut visitor) = open(&directory, Exclusivity::Visitor).unwrap();
    visitor.commit(&[append(message(1, 1), &[], None)]).unwrap();
    drop(first);
    assert!(open(&directory, Exclusivity::OnlyDeliverer).is_ok());
}

#[test]
fn a_file_that_is_no_database_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("test.db"), "This is a letter and no database. ".repeat(100))
        .unwrap();
    assert!(matches!(refused(&directory), StoreError::NotADatabase));
}

#[test]
fn a_file_that_cannot_be_opened_is_told_with_the_reason() {
    let cannot = |path: &Path| {
        let url = DatabaseUrl::Sqlite(path.to_owned());
        Store::open(&url, None, Exclusivity::OnlyDeliverer).err().unwrap().to_string()
    };
    assert_eq!(
        cannot(Path::new("/nonexistent/folder/test.db")),
        "cannot open the database file /nonexistent/folder/test.db: there is no folder /nonexistent/folder; make it first"
    );
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let is_folder =
        format!("cannot open the database file {}: it is a folder; name a file in it", folder.display());
    assert_eq!(cannot(folder), is_folder);
    std::fs::write(folder.join("file"), "").unwrap();
    let told = cannot(&folder.join("file/test.db"));
    assert!(told.contains("there is no folder"), "{told}");
}

#[test]
fn a_database_is_made_only_by_those_who_may() {
    let directory = tempfile::tempdir().unwrap();
    let missing = open(&directory, Exclusivity::Visitor).err().unwrap();
    assert!(matches!(missing, StoreError::NoDatabase { .. }), "{missing}");
    assert!(!directory.path().join("test.db").exists());
    drop(open(&directory, Exclusivity::Maker).unwrap());
    assert!(open(&directory, Exclusivity::Visitor).is_ok());
}

/// Writes something that changes the database, as every message does.
fn write(writer: &mut Writer, n: u16) -> Result<(), StoreError> {
    writer.commit(&[append(message(1, n), &[], None)]).map(drop)
}

#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_removed_or_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (store, mut writer) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    write(&mut writer, 1).unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::rename(at(name), at("aside")).unwrap();
        let refused = write(&mut writer, 2).unwrap_err();
        assert!(matches!(refused, StoreError::Replaced { .. }), "without {name}: {refused:?}");
        assert!(matches!(store.ping().await, Err(StoreError::Replaced { .. })), "without {name}");
        std::fs::copy(at("aside"), at(name)).unwrap();
        assert!(matches!(write(&mut writer, 3), Err(StoreError::Replaced { .. })), "with another {name}");
        std::fs::rename(at("aside"), at(name)).unwrap();
        store.ping().await.unwrap();
    }
    write(&mut writer, 4).unwrap();
}

#[test]
fn a_lock_file_that_was_removed_is_made_again_unless_another_process_was_quicker() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("test.db.lock");
    let (_, mut first) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    std::fs::remove_file(&lock).unwrap();
    write(&mut first, 1).unwrap();
    assert!(matches!(refused(&directory), StoreError::InUse { .. }));
    std::fs::remove_file(&lock).unwrap();
    let (_, mut second) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    assert!(matches!(write(&mut first, 2), Err(StoreError::InUse { .. })));
    write(&mut second, 3).unwrap();
    drop(second);
    write(&mut first, 4).unwrap();
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory, Exclusivity::Maker).unwrap());
    let connection = Connection::open(directory.path().join("test.db")).unwrap();
    connection.execute("INSERT INTO migration VALUES (4000, 'later', zeroblob(32))", []).unwrap();
    assert!(matches!(refused(&directory), StoreError::Newer { found: 4000, .. }));
}

#[test]
fn writing_to_what_may_only_be_read_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory, Exclusivity::Maker).unwrap());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(directory.path().join("test.db"), flags).unwrap();
    let error = connection.execute("DELETE FROM message", []).unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::ReadOnly));
}

#[test]
fn a_lock_that_another_process_keeps_is_waited_for_and_then_told() {
    let directory = tempfile::tempdir().unwrap();
    let (_, mut writer) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    let other = Connection::open(directory.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let failure = writer.commit(&[append(message(1, 1), &[], None)]).unwrap_err();
    assert!(matches!(failure, StoreError::Locked), "{failure}");
    assert!((4..15).contains(&started.elapsed().as_secs()), "after {:?}", started.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    writer.commit(&[append(message(1, 1), &[], None)]).unwrap();
}

#[tokio::test]
async fn reads_go_on_while_a_batch_is_written_and_see_all_of_it_or_nothing() {
    let mut fixture = Fixture::sqlite();
    let store = fixture.store.clone();
    let writing = tokio::task::spawn_blocking(move || {
        for batch in 0..40 {
            let writes: Vec<_> =
                (0..25).map(|n| append(message(1, 1 + batch * 25 + n), &[9], None)).collect();
            fixture.writer.commit(&writes).unwrap();
        }
        fixture
    });
    let mut seen = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen < 1_000 {
        assert!(Instant::now() < deadline, "only {seen} were seen");
        let counts = store.delivery_ready_counts().await.unwrap();
        let count = counts.first().map_or(0, |ready| ready.count);
        assert_eq!(count % 25, 0, "part of a batch");
        assert!(count >= seen, "what was there is there");
        seen = count;
    }
    let fixture = writing.await.unwrap();
    assert!(fixture.store.message_get(app(1), msg(1_000)).await.unwrap().is_some());
}

/// Whether the text is anywhere in the database's files.
fn is_in_files(directory: &TempDir, needle: &str) -> bool {
    let files = ["test.db", "test.db-wal"].map(|name| std::fs::read(directory.path().join(name)));
    let is_in = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
    files.iter().flatten().any(is_in)
}

async fn wait_until_gone(directory: &TempDir, needle: &str) {
    eventually(
        "files without it",
        async || {
            if is_in_files(directory, needle) { Err("it is there") } else { Ok(()) }
        },
    )
    .await;
}

#[tokio::test]
async fn a_payload_that_was_removed_is_in_none_of_the_files() {
    const NEEDLE: &str = "needle-4711";
    let directory = tempfile::tempdir().unwrap();
    let (store, mut writer) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    // One that lies in its row, and one that overflows into pages of its own.
    for (number, repeats) in [(1, 1), (2, 10_000)] {
        let payload = Bytes::from(format!("{{\"x\":\"{}\"}}", NEEDLE.repeat(repeats)));
        writer.commit(&[append(Message { payload, ..message(1, number) }, &[], None)]).unwrap();
    }
    assert!(is_in_files(&directory, NEEDLE));
    let expunge = |number| Write::ExpungeMessage { application: app(1), message: msg(number), now: at(0) };
    writer.commit(&[expunge(1), expunge(2)]).unwrap();
    wait_until_gone(&directory, NEEDLE).await;
    drop(store);
}

#[tokio::test]
async fn an_application_that_was_erased_is_in_none_of_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, mut writer) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    // Rows of three applications, in turn and of many sizes, so that pages are shared, split and merged.
    let needle = |application: u16| format!("needle-of-{application}-");
    let mut random = fastrand::Rng::with_seed(4711);
    for number in 1..=1_500u16 {
        let mut batch = Vec::new();
        for application in 1..=3 {
            let size = if random.u8(..) < 16 { random.usize(..20_000) } else { random.usize(..900) };
            let text = needle(application).repeat(1 + size / 12);
            let payload = Bytes::from(format!("{{\"x\":\"{text}\"}}"));
            batch.push(append(Message { payload, ..message(application, number) }, &[9], None));
            let response = Bytes::from(needle(application).repeat(random.usize(1..20)));
            let made = Attempt { response, ..attempt(application, number, 9, number, 1) };
            batch.push(outcome(success(made), Transition::Delivered));
        }
        writer.commit(&batch).unwrap();
    }
    // The oldest have expired before, and their pages are used by nobody or by others.
    let expire = Write::ExpireMessages { before: msg(300), beyond: MessagePlace::START, slice: slice(5_000) };
    writer.commit(&[expire]).unwrap();
    assert!((1..=3).all(|application| is_in_files(&directory, &needle(application))));
    for application in 1..=3 {
        let new = CatalogWrite::ApplicationInsert(application_numbered(application));
        writer.commit(&[Write::Catalog(new)]).unwrap();
    }
    let delete = CatalogWrite::ApplicationDelete(app(2), at(0));
    writer.commit(&[Write::Catalog(delete)]).unwrap();
    loop {
        let erase = Write::Erase { now: at(1), from: app(0), slice: slice(100) };
        if let [Written::Erased(erased)] = writer.commit(&[erase]).unwrap().as_slice()
            && erased.rows == 0
        {
            break;
        }
    }
    let mut from = 0;
    while let [Written::Overwritten(Some(next))] =
        writer.commit(&[Write::Overwrite { from, slice: slice(20) }]).unwrap().as_slice()
    {
        from = *next;
    }
    let checked = Connection::open(directory.path().join("test.db")).unwrap();
    let verdict = checked.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(verdict, "ok");
    drop(checked);
    wait_until_gone(&directory, &needle(2)).await;
    assert!([1, 3].iter().all(|application| is_in_files(&directory, &needle(*application))));
}

#[test]
fn a_file_gives_back_what_it_has_too_much_of_and_keeps_what_is_soon_used() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, mut writer) = open(&directory, Exclusivity::OnlyDeliverer).unwrap();
    for number in 1..=40 {
        let payload = Bytes::from(vec![b'x'; 1_000_000]);
        writer.commit(&[append(Message { payload, ..message(1, number) }, &[], None)]).unwrap();
    }
    let mut give_back = |before| {
        let expire =
            Write::ExpireMessages { before: msg(before), beyond: MessagePlace::START, slice: slice(99) };
        writer.commit(&[expire]).unwrap();
        let mut pages = 0;
        loop {
            match writer.commit(&[Write::GiveBack { slice: slice(500) }]).unwrap().as_slice() {
                [Written::Removed(0)] => return pages,
                [Written::Removed(more)] => pages += more,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(give_back(4), 0, "three of them are fewer than are kept");
    let pages = give_back(41);
    assert!((8_000..10_000).contains(&pages), "{pages}");
}

#[test]
fn a_start_empties_the_log_that_an_earlier_run_left_before_anything_is_served() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, mut writer) = open(&first, Exclusivity::OnlyDeliverer).unwrap();
    write(&mut writer, 1).unwrap();
    // What a crash at this moment would leave.
    for name in ["test.db", "test.db-wal", "test.db.key"] {
        std::fs::copy(first.path().join(name), second.path().join(name)).unwrap();
    }
    let log = second.path().join("test.db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 0);
    let (_, mut again) = open(&second, Exclusivity::OnlyDeliverer).unwrap();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    write(&mut again, 2).unwrap();
}
