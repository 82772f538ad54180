//! How partitions of days come and go on PostgreSQL.

use std::time::{Duration, Instant};

use hookwright_testkit::eventually;
use hookwright_testkit::postgres::Database;

use crate::domain::delivery::Transition;
use crate::domain::ids::{ApplicationId, MessageId};
use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::time::Timestamp;
use crate::store::conformance::broadcast::{broadcast, shared, step};
use crate::store::conformance::fixture::{
    Fixture, all, app, append, at, attempt, ep, key, message, msg, outcome, slice, success,
};
use crate::store::write::{Appended, DaysKept, MessagePlace, Resent, Swept, Write, Written};

/// The seconds from the fixture's time, 2023-11-14T22:13:20Z, to the end of its day.
const MIDNIGHT: u64 = 6_400;
const DAY: u64 = 86_400;
/// The number of a message of the day after.
const NEXT_DAY: u16 = 10_000;

async fn keep(f: &Fixture, now: Timestamp, before: u64) -> DaysKept {
    f.store.keep_days(now, MessageId::first_at(at(before))).await.unwrap()
}

/// A fixture with the partitions of its time, from 14 to 21 November.
async fn with_days() -> Option<Fixture> {
    let f = Fixture::postgres().await?;
    assert_eq!(keep(&f, at(0), 0).await.made, 16);
    Some(f)
}

fn deliver(f: &mut Fixture, number: u16) {
    f.write(outcome(success(attempt(1, number, 9, number, 1)), Transition::Delivered));
}

async fn messages(f: &Fixture) -> Vec<MessageId> {
    let list = f.store.message_list(app(1), Default::default(), false, all()).await.unwrap();
    list.page.items.iter().map(|message| message.id).collect()
}

async fn partition_of(database: &Database, number: u16) -> String {
    let id: String = msg(number).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    database.ask(&format!("SELECT tableoid::regclass FROM message WHERE id = '\\x{id}'")).await
}

async fn partitions(database: &Database, table: &str) -> String {
    database.ask(&format!("SELECT count(*) FROM pg_inherits WHERE inhparent = '{table}'::regclass")).await
}

/// Runs statements that hold something and go on for ever; what they are ended by.
async fn hold(database: &Database, statements: &str) -> String {
    let (held, statements) =
        (Database { url: database.url.clone() }, format!("BEGIN; {statements}; SELECT pg_sleep(600)"));
    tokio::spawn(async move { held.execute(&statements).await });
    let sql =
        "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let pid = eventually("the transaction to hold what it holds", async || {
        let pid = database.ask(sql).await;
        if pid.is_empty() { Err(pid) } else { Ok(pid) }
    });
    format!("SELECT pg_terminate_backend({})", pid.await)
}

#[tokio::test]
async fn days_are_made_ahead_and_messages_go_to_theirs() {
    let Some(mut f) = Fixture::postgres().await else { return };
    let database = f.database();
    for table in ["message", "attempt"] {
        assert_eq!(partitions(&database, table).await, "3", "today, tomorrow and the rest, since the start");
    }
    assert_eq!(keep(&f, at(0), 0).await, DaysKept { made: 16, ..DaysKept::default() });
    assert_eq!(keep(&f, at(0), 0).await, DaysKept::default());
    assert_eq!(keep(&f, at(DAY), 0).await.made, 2);
    f.append(message(1, 1), &[9]);
    f.append(message(1, NEXT_DAY), &[9]);
    deliver(&mut f, 1);
    assert_eq!(partition_of(&database, 1).await, "message_20231114");
    assert_eq!(partition_of(&database, NEXT_DAY).await, "message_20231115");
    assert_eq!(database.ask("SELECT DISTINCT tableoid::regclass FROM attempt").await, "attempt_20231114");
    assert_eq!(messages(&f).await, [msg(1), msg(NEXT_DAY)]);
}

#[tokio::test]
async fn what_came_before_its_partition_stays_where_it_is() {
    let Some(mut f) = Fixture::postgres().await else { return };
    let database = f.database();
    for number in [1, 20] {
        f.append(message(1, number), &[9]);
        deliver(&mut f, number);
    }
    // The next day, too, has something: a clock was ahead for a while.
    f.append(message(1, NEXT_DAY), &[]);
    assert_eq!(keep(&f, at(30), 0).await, DaysKept { made: 16, ..DaysKept::default() });
    for number in [85, 200, NEXT_DAY - 1, NEXT_DAY + 59, NEXT_DAY + 61] {
        f.append(message(1, number), &[9]);
        deliver(&mut f, number);
    }
    assert_eq!(partition_of(&database, 20).await, "message_default");
    assert_eq!(partition_of(&database, 85).await, "message_default", "it may have been under way");
    assert_eq!(partition_of(&database, 200).await, "message_20231114");
    assert_eq!(partition_of(&database, NEXT_DAY + 59).await, "message_default");
    assert_eq!(partition_of(&database, NEXT_DAY + 61).await, "message_20231115");
    let numbers = [1, 20, 85, 200, NEXT_DAY - 1, NEXT_DAY, NEXT_DAY + 59, NEXT_DAY + 61];
    assert_eq!(messages(&f).await, numbers.map(msg));
    assert_eq!(keep(&f, at(40), 0).await, DaysKept::default());
    // What is in the default partition goes message by message, as far as it is old enough.
    assert_eq!(
        keep(&f, at(5 * DAY), MIDNIGHT).await,
        DaysKept { made: 10, dropped: 2, ..DaysKept::default() }
    );
    assert_eq!(messages(&f).await.len(), 7);
    let before = MessageId::first_at(at(MIDNIGHT));
    let swept = f.write(Write::ExpireMessages { before, beyond: MessagePlace::START, slice: slice(99) });
    assert!(
        matches!(swept, Written::Swept(Swept { messages: 3, attempts: 3, is_done: true, .. })),
        "{swept:?}"
    );
    assert_eq!(messages(&f).await, numbers[4..].iter().copied().map(msg).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_large_default_partition_is_checked_while_others_write() {
    let Some(mut f) = Fixture::postgres().await else { return };
    let database = f.database();
    // Of an earlier day, in a table of more than 16 MiB.
    database
        .execute(
            "INSERT INTO message (application, id, event_type, created_at, payload)
             SELECT '\\x00', '\\x10'::bytea || int4send(n) || '\\x000000000000000000000000000000', 'a', 0,
                 convert_to(repeat('x', 1900), 'UTF8') FROM generate_series(1, 10000) n",
        )
        .await;
    f.append(message(1, 1), &[]);
    let kept = keep(&f, at(10), 0).await;
    assert_eq!(kept, DaysKept { made: 15, ..DaysKept::default() }, "today's is not worth the risk");
    f.append(message(1, NEXT_DAY), &[]);
    assert_eq!(partition_of(&database, NEXT_DAY).await, "message_20231115");
    let bars = "SELECT count(*) FROM pg_constraint WHERE conname LIKE '%_bar'";
    assert_eq!(database.ask(bars).await, "0");
    // One that was left by a node that was killed is removed.
    database
        .execute(
            "ALTER TABLE message_default ADD CONSTRAINT message_default_bar CHECK (id < '\\x00') NOT VALID",
        )
        .await;
    keep(&f, at(20), 0).await;
    assert_eq!(database.ask(bars).await, "0");
    f.append(message(1, 2), &[]);
}

#[tokio::test]
async fn a_day_goes_with_all_it_had() {
    let Some(mut f) = with_days().await else { return };
    let database = f.database();
    let named = |number| Message { event_id: Some(EventId::parse("e-1").unwrap()), ..message(1, number) };
    let event = broadcast(1);
    f.write(Write::Broadcast(Box::new(event.clone())));
    f.write(step(&event, ApplicationId::MIN, vec![shared(&event, 1, 3)], None));
    f.append(named(1), &[9]);
    f.append(message(1, 2), &[]);
    f.append(message(1, NEXT_DAY), &[9]);
    for number in [1, 3, NEXT_DAY] {
        deliver(&mut f, number);
    }
    assert_eq!(f.append(named(4), &[]), Appended::EventIdTaken);
    assert_eq!(keep(&f, at(9), MIDNIGHT - 1).await, DaysKept::default(), "the last of it has not expired");
    assert_eq!(keep(&f, at(9), MIDNIGHT).await, DaysKept { dropped: 2, ..DaysKept::default() });
    assert_eq!(messages(&f).await, [msg(NEXT_DAY)]);
    let filter = Default::default();
    let left = f.store.attempt_list_by_endpoint(app(1), ep(9), filter, all()).await.unwrap().page.items;
    assert_eq!(left.iter().map(|attempt| attempt.message).collect::<Vec<_>>(), [msg(NEXT_DAY)]);
    for table in ["message_event_id", "message_broadcast", "broadcast", "day_gone"] {
        assert_eq!(database.ask(&format!("SELECT count(*) FROM {table}")).await, "0", "{table}");
    }
    assert_eq!(f.append(named(NEXT_DAY + 1), &[]), Appended::Stored, "the eventId is free");
    assert!(matches!(f.write(Write::Resend(key(1, 9, 1))), Written::Resent(Resent::Missing)));
}

#[tokio::test]
async fn what_a_late_outcome_left_goes_with_the_next_day() {
    let Some(mut f) = with_days().await else { return };
    let database = f.database();
    f.append(message(1, 1), &[]);
    keep(&f, at(9), MIDNIGHT).await;
    deliver(&mut f, 1);
    assert_eq!(database.ask("SELECT tableoid::regclass FROM attempt").await, "attempt_default");
    keep(&f, at(9), MIDNIGHT + DAY).await;
    assert_eq!(database.ask("SELECT count(*) FROM attempt").await, "0");
}

#[tokio::test]
async fn a_day_with_something_pending_stays_until_it_is_done() {
    let Some(mut f) = with_days().await else { return };
    for number in [1, 2] {
        f.append(message(1, number), &[7, 9]);
        f.append(message(2, number), &[8]);
    }
    f.append(message(1, NEXT_DAY), &[9]);
    for number in [1, 2] {
        deliver(&mut f, number);
        f.write(outcome(success(attempt(2, number, 8, 100 + number, 1)), Transition::Delivered));
    }
    f.write(outcome(success(attempt(1, 2, 7, 200, 1)), Transition::Delivered));
    // Message 1 waits for a retry at endpoint 7.
    f.fail_until(attempt(1, 1, 7, 201, 1), at(600));
    assert_eq!(keep(&f, at(9), MIDNIGHT).await, DaysKept { waiting: 2, ..DaysKept::default() });
    let before = MessageId::first_at(at(MIDNIGHT));
    let swept = f.write(Write::ExpireMessages { before, beyond: MessagePlace::START, slice: slice(99) });
    assert!(matches!(swept, Written::Swept(Swept { messages: 3, kept: 1, is_done: true, .. })), "{swept:?}");
    assert_eq!(keep(&f, at(9), MIDNIGHT).await.waiting, 2);
    assert_eq!(f.claim(at(600), 9)[0].message.id, msg(1), "it is still there to be sent");
    f.write(outcome(success(attempt(1, 1, 7, 202, 2)), Transition::Delivered));
    assert_eq!(keep(&f, at(9), MIDNIGHT).await, DaysKept { dropped: 2, ..DaysKept::default() });
    assert_eq!(messages(&f).await, [msg(NEXT_DAY)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_once_more_meanwhile_keeps_its_day() {
    let Some(mut f) = with_days().await else { return };
    let database = f.database();
    f.append(message(1, 1), &[]);
    // A transaction that makes a delivery, and is not over when the day is looked at.
    let end = hold(&database, "SELECT pg_advisory_xact_lock(7)").await;
    let other = Database { url: database.url.clone() };
    let resending = tokio::spawn(async move {
        let resend = "BEGIN; INSERT INTO delivery (application, endpoint, message, attempts, trigger)
                          SELECT application, application, id, 0, 1 FROM message;
                      SELECT pg_advisory_xact_lock(7); COMMIT";
        other.execute(resend).await;
    });
    eventually("the delivery to be made", async || {
        let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted";
        let waiting = database.ask(sql).await;
        if waiting == "1" { Ok(()) } else { Err(waiting) }
    })
    .await;
    let kept = keep(&f, at(9), MIDNIGHT).await;
    assert!(kept.is_held_up && kept.dropped == 0, "{kept:?}");
    let store = f.store.clone();
    let keeping = async { store.keep_days(at(9), MessageId::first_at(at(MIDNIGHT))).await.unwrap() };
    let (kept, ()) = tokio::join!(keeping, database.execute(&end));
    resending.await.unwrap();
    assert_eq!(kept.dropped, 0, "{kept:?}");
    assert_eq!(keep(&f, at(9), MIDNIGHT).await, DaysKept { waiting: 2, ..DaysKept::default() });
    assert_eq!(messages(&f).await, [msg(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_somebody_reads_is_dropped_later_and_nobody_waits_for_long() {
    let Some(mut f) = with_days().await else { return };
    let database = f.database();
    f.append(message(1, 1), &[]);
    let end = hold(&database, "SELECT count(*) FROM message, attempt").await;
    let store = f.store.clone();
    let keeping =
        tokio::spawn(async move { store.keep_days(at(9), MessageId::first_at(at(MIDNIGHT))).await.unwrap() });
    let mut longest = Duration::ZERO;
    for number in NEXT_DAY.. {
        let started = Instant::now();
        f.append(message(1, number), &[]);
        f.store.message_get(app(1), msg(number)).await.unwrap().unwrap();
        longest = longest.max(started.elapsed());
        if keeping.is_finished() {
            break;
        }
    }
    let kept = keeping.await.unwrap();
    assert!(kept.is_held_up && kept.dropped == 0, "{kept:?}");
    assert!(longest < Duration::from_secs(1), "somebody waited for {longest:?}");
    assert!(messages(&f).await.contains(&msg(1)));
    database.execute(&end).await;
    eventually("the day to be dropped", async || match keep(&f, at(9), MIDNIGHT).await {
        DaysKept { dropped: 1.., is_held_up: false, .. } => Ok(()),
        kept => Err(kept),
    })
    .await;
    assert!(!messages(&f).await.contains(&msg(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_at_a_time_removes_what_is_old() {
    let Some(mut f) = with_days().await else { return };
    let database = f.database();
    f.append(message(1, 1), &[]);
    f.append(message(1, NEXT_DAY), &[]);
    let (beyond, before) = (MessagePlace::START, MessageId::first_at(at(2 * DAY)));
    let expire = || Write::ExpireMessages { before, beyond, slice: slice(9) };
    let nothing = Swept { is_done: true, ..Swept::default() };
    // The numbers that nodes take turns by: "keep" and "days".
    let end = hold(&database, "SELECT pg_advisory_xact_lock(1801807216, hashtext('public'))").await;
    let batch = [expire(), append(message(1, 3), &[], None)];
    let written = f.writer.commit(&batch).unwrap();
    assert!(matches!(&written[0], Written::Swept(swept) if *swept == nothing), "{written:?}");
    assert_eq!(messages(&f).await.len(), 3, "others write all the same");
    database.execute(&end).await;
    eventually("the turn to be free", async || match f.write(expire()) {
        Written::Swept(Swept { messages: 3, .. }) => Ok(()),
        other => Err(other),
    })
    .await;

    let end = hold(&database, "SELECT pg_advisory_xact_lock(1684109683, hashtext('public'))").await;
    assert_eq!(keep(&f, at(3 * DAY), MIDNIGHT).await, DaysKept::default());
    database.execute(&end).await;
    eventually("the turn to be free", async || match keep(&f, at(3 * DAY), MIDNIGHT).await {
        DaysKept { dropped: 2, .. } => Ok(()),
        kept => Err(kept),
    })
    .await;
}
