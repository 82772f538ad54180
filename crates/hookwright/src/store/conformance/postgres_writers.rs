//! Several writers of messages on one PostgreSQL database: what they claim, and what one of them that loses its connection does.

use std::collections::HashSet;
use std::sync::Barrier;

use hookwright_testkit::eventually;
use hookwright_testkit::postgres::{self, Cut, Database};

use crate::domain::ids::MessageId;
use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::time::Timestamp;
use crate::store::conformance::fixture::{append, at, keys_of, message, msg, slice};
use crate::store::write::{Appended, RequestKey, Settled, Write, Written};
use crate::store::{Exclusivity, Store, Writer};

fn open(database: &Database) -> (Store, Writer) {
    let url = database.url.parse().unwrap();
    Store::open(&url, Some(&keys_of("a")), Exclusivity::OnlyDeliverer).unwrap()
}

fn key(number: u16) -> RequestKey {
    let mut hash = [7; 16];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    RequestKey { hash, request: [1; 16], expires_at: Timestamp::MAX }
}

fn appended(written: Written) -> Appended {
    match written {
        Written::Appended(appended) => appended,
        other => panic!("{other:?}"),
    }
}

/// The same work on each writer, begun at the same moment.
fn at_once<T: Send>(writers: &mut [Writer], work: impl Fn(u16, &mut Writer) -> T + Sync) -> Vec<T> {
    let (barrier, work) = (Barrier::new(writers.len()), &work);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(writers)
            .map(|(number, writer)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    work(number, writer)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The first writer, with those beside it.
fn writers(first: Writer) -> Vec<Writer> {
    let beside = first.beside();
    assert!(!beside.is_empty(), "PostgreSQL takes more than one");
    std::iter::once(first).chain(beside).collect()
}

#[tokio::test]
async fn a_key_that_comes_to_all_writers_at_once_is_stored_once_and_answered_with_one_id() {
    let Some(database) = postgres::database().await else { return };
    let (store, first) = open(&database);
    let mut writers = writers(first);
    for round in 0..40 {
        let answers = at_once(&mut writers, |number, writer| {
            let id = round * 10 + number;
            let written = writer.commit(&[append(message(1, id), &[9], Some(key(round)))]).unwrap();
            (msg(id), appended(written.into_iter().next().unwrap()))
        });
        let ids: HashSet<MessageId> = answers
            .iter()
            .map(|(id, appended)| match appended {
                Appended::Stored => *id,
                Appended::Replayed(first) => *first,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids.len(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|(_, appended)| *appended == Appended::Stored).count(), 1);
    }
    assert_eq!(store.delivery_ready_counts().await.unwrap()[0].count, 40);
}

#[tokio::test]
async fn writers_that_meet_in_many_keys_never_wait_for_each_other() {
    let Some(database) = postgres::database().await else { return };
    let (_, first) = open(&database);
    let mut writers = writers(first);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    for round in 0..10_u16 {
        let of = |number: u16| -> Vec<Write> {
            let item = |place: u16| {
                // Each writer has them in another order.
                let shared = (place * 7 + number * 13) % 50;
                let event_id = Some(EventId::parse(&format!("event-{round}-{shared}")).unwrap());
                let id = 5_000 + round * 1_000 + number * 100 + place;
                append(Message { event_id, ..message(1, id) }, &[], Some(key(round * 50 + shared)))
            };
            (0..50).map(item).collect()
        };
        let written = at_once(&mut writers, |number, writer| writer.commit(&of(number)).unwrap());
        let stored = written.into_iter().flatten().map(appended);
        assert_eq!(stored.filter(|appended| *appended == Appended::Stored).count(), 50, "round {round}");
    }
    assert_eq!(database.ask(deadlocks).await, "0");
    assert_eq!(database.ask("SELECT count(*) FROM message").await, "500");
}

#[tokio::test]
async fn one_key_that_was_claimed_before_is_told_of_its_own_message_alone() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut writer) = open(&database);
    writer.commit(&[append(message(1, 1), &[9], Some(key(1)))]).unwrap();
    // More than are asked first after one that met a key.
    for round in 0..60_u16 {
        let fresh = 10 + round * 10;
        let batch = [
            append(message(1, fresh), &[9], Some(key(fresh))),
            append(message(1, fresh + 1), &[9], Some(key(1))),
            append(message(1, fresh + 2), &[9], None),
        ];
        let answers: Vec<Appended> = writer.commit(&batch).unwrap().into_iter().map(appended).collect();
        assert_eq!(answers, [Appended::Stored, Appended::Replayed(msg(1)), Appended::Stored], "{round}");
    }
    assert_eq!(store.delivery_ready_counts().await.unwrap()[0].count, 121);
    assert_eq!(database.ask("SELECT count(*) FROM message_key").await, "61");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_lost_an_answer_holds_up_no_other() {
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let (_, first) = open(&database);
    let mut writers = writers(first);
    // Those beside the first drive their connections themselves, which no thread can that drives a test.
    let write = |writer: &mut Writer, number| {
        tokio::task::block_in_place(|| writer.commit(&[append(message(1, number), &[9], None)]))
    };
    for (number, writer) in (1..).zip(&mut writers) {
        write(writer, number).unwrap();
    }
    let (others, last) = writers.split_at_mut(1);
    let last = &mut last[0];
    cutter.cut_and_refuse(Cut::BeforeAnswer, "");
    assert!(write(last, 50).is_err());
    assert!(last.is_unsettled() && !others[0].is_unsettled());
    write(&mut others[0], 51).unwrap();
    cutter.mend();
    let settled = tokio::task::block_in_place(|| last.settle());
    assert!(matches!(settled, Ok(Some(Settled::Committed(_)))));
    write(last, 52).unwrap();
    let marks = direct.ask("SELECT count(*) FROM batch").await;
    assert_eq!(marks, writers.len().to_string(), "one for each writer");
}

#[tokio::test]
async fn a_key_that_is_claimed_anew_while_it_is_removed_stays() {
    let Some(database) = postgres::database().await else { return };
    let (_, mut writer) = open(&database);
    let expired = RequestKey { expires_at: at(1), ..key(1) };
    writer.commit(&[append(message(1, 1), &[], Some(expired))]).unwrap();
    // A transaction claims it, and ends once somebody waits for it.
    let claim = "BEGIN; UPDATE message_key SET expires_at = 9000000000000000;
        DO $$ BEGIN
            WHILE NOT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid::text = pg_current_xact_id()::text)
            LOOP PERFORM pg_sleep(0.01); END LOOP;
        END $$; COMMIT";
    let claiming = tokio::spawn({
        let database = database.clone();
        async move { database.execute(claim).await }
    });
    eventually("the claim", async || {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; UPDATE message_key%' AND wait_event = 'PgSleep'";
        if database.ask(open).await == "1" { Ok(()) } else { Err("it has not begun") }
    })
    .await;
    writer.commit(&[Write::ExpireMessageKeys { now: at(100), slice: slice(10) }]).unwrap();
    claiming.await.unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM message_key").await, "1");
}
