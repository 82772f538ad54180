//! What can be wrong with a PostgreSQL server, and what several nodes do to it at the same time.

use hookwright_testkit::eventually;
use hookwright_testkit::postgres::{self, Cut, Database, Stop};

use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::store::conformance::fixture::{app, append, application, ep, keys_of, message, msg};
use crate::store::error::StoreError;
use crate::store::write::{Appended, CatalogWrite, Changed, Settled, Write, Written};
use crate::store::{Exclusivity, SchemaReport, Store, Writer};

fn open(database: &Database, exclusivity: Exclusivity) -> Result<(Store, Writer), StoreError> {
    Store::open(&database.url.parse().unwrap(), Some(&keys_of("a")), exclusivity)
}

fn refused(database: &Database) -> StoreError {
    open(database, Exclusivity::OnlyDeliverer).err().unwrap()
}

fn write(writer: &mut Writer, number: u16) -> Result<Vec<Written>, StoreError> {
    writer.commit(&[append(message(1, number), &[9], None)])
}

#[tokio::test]
async fn nodes_that_start_at_once_migrate_once() {
    let Some(database) = postgres::database().await else { return };
    let url = database.url.clone();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.parse().unwrap();
            std::thread::spawn(move || {
                Store::open(&url, Some(&keys_of("a")), Exclusivity::Maker).map(|(_, writer)| writer.schema())
            })
        })
        .collect();
    let reports: Vec<SchemaReport> = starts.into_iter().map(|start| start.join().unwrap().unwrap()).collect();
    assert_eq!(reports.iter().filter(|report| report.before == 0).count(), 1, "{reports:?}");
    let newest = reports[0].after.to_string();
    assert!(reports.iter().all(|report| report.after.to_string() == newest));
    assert_eq!(database.ask("SELECT max(version) FROM migration").await, newest);
    assert_eq!(database.ask("SELECT count(*) FROM migration").await, newest);
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_one_sentence_and_those_who_run_go_on() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut running) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    database.execute("INSERT INTO migration (version) VALUES (4000)").await;
    let newer = refused(&database);
    assert!(matches!(newer, StoreError::Newer { found: 4000, .. }), "{newer}");
    assert!(newer.to_string().contains("newer"));
    write(&mut running, 1).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_long_transaction_holds_nobody_up() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut running) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    let made = running.commit(&[Write::Catalog(CatalogWrite::ApplicationInsert(application(1)))]).unwrap();
    assert!(matches!(made[..], [Written::Changed(Changed::Yes)]));
    // As before a migration that makes an index.
    let before = "DROP TABLE day_gone, ticket; DROP INDEX message_event_id_message;
        ALTER TABLE inbound DROP COLUMN copy_of; ALTER TABLE inbound_key DROP COLUMN request;
        DELETE FROM migration WHERE version >= 14";
    database.execute(before).await;
    let report = database.connect().await;
    report.batch_execute("BEGIN; LOCK TABLE message_event_id IN ROW EXCLUSIVE MODE").await.unwrap();
    let starting = {
        let database = database.clone();
        std::thread::spawn(move || open(&database, Exclusivity::Maker).map(|(_, writer)| writer.schema()))
    };
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message_event_id'::regclass";
    let waiting = async || match database.ask(waits).await.as_str() {
        "0" => Err("it does not wait"),
        _ => Ok(()),
    };
    eventually("that the migration waits", waiting).await;
    // Behind it, and written while the transaction is still open.
    let event_id = Some(EventId::parse("event").unwrap());
    let message = Message { event_id, ..message(1, 1) };
    let written = running.commit(&[append(message, &[9], None)]).unwrap();
    assert!(matches!(written[..], [Written::Appended(Appended::Stored)]), "{written:?}");
    assert!(!starting.is_finished());
    report.batch_execute("ROLLBACK").await.unwrap();
    let report = starting.join().unwrap().unwrap();
    assert!(report.before == 13 && report.after >= 14, "{report:?}");
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let Some(database) = postgres::database().await else { return };
    drop(open(&database, Exclusivity::Maker).unwrap());
    database.execute("UPDATE migration SET checksum = '' WHERE version = 2").await;
    assert!(matches!(refused(&database), StoreError::Checksum { number: 2 }));
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused_and_one_beside_it_is_taken() {
    let Some(database) = postgres::database().await else { return };
    assert!(matches!(open(&database, Exclusivity::Visitor).err().unwrap(), StoreError::EmptyDatabase));
    database.execute("CREATE TABLE book (title text); CREATE SCHEMA hooks").await;
    assert!(matches!(refused(&database), StoreError::ForeignSchema));
    let beside = Database { url: format!("{}?options=-csearch_path%3Dhooks", database.url) };
    drop(open(&beside, Exclusivity::OnlyDeliverer).unwrap());
    drop(open(&beside, Exclusivity::Visitor).unwrap());
    assert_eq!(database.ask("SELECT count(*) FROM hooks.application").await, "0");
    let nowhere = Database { url: format!("{}?options=-csearch_path%3Dnowhere", database.url) };
    assert!(matches!(refused(&nowhere), StoreError::NoSchema));
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let Some(cluster) = postgres::cluster() else { return };
    cluster.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0").await;
    let refused = refused(&Database { url: cluster.url("latin") });
    assert!(matches!(&refused, StoreError::Encoding { found } if found == "LATIN1"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_gone_fails_reads_and_writes_and_is_found_again() {
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    let (store, mut writer) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    write(&mut writer, 1).unwrap();
    store.ping().await.unwrap();
    for (number, stop) in [(2, Stop::Fast), (4, Stop::Immediate)] {
        cluster.stop(stop);
        for _ in 0..2 {
            let failed = write(&mut writer, number).err().unwrap();
            assert!(matches!(failed, StoreError::Unreachable(_)), "{failed:?}");
            assert!(!failed.is_of_one_item());
            let failed = store.ping().await.err().unwrap();
            assert!(matches!(failed, StoreError::Unreachable(_)), "{failed:?}");
        }
        assert!(matches!(refused(&database), StoreError::Unreachable(_)));
        cluster.start_again();
        write(&mut writer, number).unwrap();
        store.ping().await.unwrap();
        let ready = store.delivery_ready_counts().await.unwrap();
        assert_eq!(ready[0].count, u64::from(number / 2) + 1, "what failed left nothing");
    }
}

#[tokio::test]
async fn the_same_key_and_event_id_are_claimed_by_one_of_two_nodes() {
    use crate::store::write::RequestKey;
    let Some(database) = postgres::database().await else { return };
    let (store, mut one) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    let (beside, mut other) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    let made = one.commit(&[Write::Catalog(CatalogWrite::ApplicationInsert(application(1)))]).unwrap();
    assert!(matches!(made[..], [Written::Changed(Changed::Yes)]));
    // The same claims in another order on each node: they would wait for each other if they were made in that order.
    let batch = |first: u16, reversed: bool| {
        let mut batch: Vec<Write> = (0..200)
            .map(|number| {
                let key = RequestKey {
                    hash: [u8::try_from(number).unwrap(); 16],
                    request: [1; 16],
                    expires_at: crate::domain::time::Timestamp::MAX,
                };
                let event_id = Some(EventId::parse(&format!("event-{number}")).unwrap());
                append(Message { event_id, ..message(1, first + number) }, &[9], Some(key))
            })
            .collect();
        if reversed {
            batch.reverse();
        }
        batch
    };
    let other = std::thread::spawn(move || other.commit(&batch(1_000, true)).unwrap());
    let mut written = one.commit(&batch(2_000, false)).unwrap();
    written.extend(other.join().unwrap());
    let count = |wanted: fn(&Appended) -> bool| {
        written
            .iter()
            .filter(|written| matches!(written, Written::Appended(appended) if wanted(appended)))
            .count()
    };
    assert_eq!(count(|appended| *appended == Appended::Stored), 200);
    assert_eq!(count(|appended| matches!(appended, Appended::Replayed(_))), 200);
    let mut ready = store.delivery_ready_counts().await.unwrap();
    ready.extend(beside.delivery_ready_counts().await.unwrap());
    assert!(ready.iter().all(|ready| (ready.application, ready.endpoint) == (app(1), ep(9))));
    assert_eq!(ready.iter().map(|ready| ready.count).sum::<u64>(), 200);
    assert!(store.message_get(app(1), msg(999)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_value_that_cannot_be_written_fails_alone() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    write(&mut writer, 1).unwrap();
    let failed =
        writer.commit(&[append(message(1, 2), &[], None), append(message(1, 1), &[], None)]).err().unwrap();
    assert!(failed.is_of_one_item(), "{failed:?}");
    assert_eq!(database.ask("SELECT count(*) FROM message").await, "1");
    write(&mut writer, 2).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_out_and_never_taken_for_failed() {
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let (_, mut writer) = open(&database, Exclusivity::OnlyDeliverer).unwrap();
    let count = async || direct.ask("SELECT count(*) FROM message").await;
    write(&mut writer, 1).unwrap();

    cutter.cut(Cut::BeforeAnswer, "");
    let written = write(&mut writer, 2).unwrap();
    assert!(
        matches!(written[..], [Written::Appended(Appended::Stored)]),
        "it was asked on another connection"
    );
    assert_eq!(count().await, "2");

    cutter.cut(Cut::BeforeCommit, "");
    let written = write(&mut writer, 3).unwrap();
    assert!(
        matches!(written[..], [Written::Appended(Appended::Stored)]),
        "it was not, and is written once more"
    );
    assert!(cutter.has_cut() && !writer.is_unsettled());
    assert_eq!(count().await, "3");

    for (cut, number) in [(Cut::BeforeAnswer, 4), (Cut::BeforeCommit, 5)] {
        cutter.cut_and_refuse(cut, "");
        assert!(write(&mut writer, number).is_err());
        assert!(writer.is_unsettled(), "nobody can be asked");
        assert!(writer.settle().is_err());
        assert!(write(&mut writer, 99).is_err(), "nothing comes before it is known");
        cutter.mend();
        match writer.settle().unwrap() {
            Some(Settled::Committed(written)) if number == 4 => {
                assert!(matches!(written[..], [Written::Appended(Appended::Stored)]));
            }
            Some(Settled::NotCommitted) if number == 5 => {}
            other => panic!("{cut:?}: {other:?}"),
        }
        assert_eq!(count().await, "4");
        assert!(writer.settle().unwrap().is_none());
    }
    write(&mut writer, 5).unwrap();
    // What it barred might still be on its way, and is barred as long as that may be.
    assert_eq!(
        direct.ask("SELECT count(*) FROM batch").await,
        "3",
        "its last batch, and two that were not committed"
    );
}
