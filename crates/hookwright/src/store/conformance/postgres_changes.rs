//! What several nodes hear of each other's changes, and what becomes of batches that were routed before them.

use std::sync::Arc;
use std::time::Duration;

use hookwright_testkit::postgres::{self, Database};

use crate::domain::confirmation::asking_lane;
use crate::domain::endpoint::{DisabledReason, Endpoint};
use crate::domain::ids::MessageId;
use crate::domain::inbound::Verdict;
use crate::domain::lease::Hold;
use crate::domain::time::Timestamp;
use crate::store::change::{Change, Told};
use crate::store::conformance::fixture::{
    NO_LIMIT, NOW, app, append, application, at, endpoint, ep, keys_of, message, msg,
};
use crate::store::slots::Slots;
use crate::store::write::{
    Append, Appended, Asked, CatalogWrite, Changed, ClaimDue, Confirmation, RequestKey, Write, Written,
};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, Store, Writer};

fn open(database: &Database, exclusivity: Exclusivity) -> (Store, Writer) {
    Store::open(&database.url.parse().unwrap(), Some(&keys_of("a")), exclusivity).unwrap()
}

fn write(writer: &mut Writer, write: Write) -> Written {
    writer.commit(&[write]).unwrap().remove(0)
}

fn change(writer: &mut Writer, change: CatalogWrite) -> Changed {
    match write(writer, Write::Catalog(change)) {
        Written::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

/// Two applications with an endpoint each, made by this writer.
fn configure(writer: &mut Writer) {
    for number in 1..=2 {
        assert_eq!(change(writer, CatalogWrite::ApplicationInsert(application(number))), Changed::Yes);
        let new = CatalogWrite::EndpointInsert(Box::new(endpoint(number, 10 * number)));
        assert_eq!(change(writer, new), Changed::Yes);
    }
}

/// A message that goes to these endpoints by what was known then.
fn routed(append: Write, known: i64) -> Write {
    match append {
        Write::Append(append) => Write::Append(append.routed_by(known)),
        other => other,
    }
}

fn appended(written: &[Written]) -> Vec<&Appended> {
    let mut appended = Vec::new();
    for written in written {
        match written {
            Written::Appended(one) => appended.push(one),
            other => panic!("{other:?}"),
        }
    }
    appended
}

#[tokio::test]
async fn messages_that_were_routed_before_another_node_changed_their_application_are_left_out() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut node) = open(&database, Exclusivity::OnlyDeliverer);
    let (_, mut other) = open(&database, Exclusivity::Visitor);
    configure(&mut node);
    // Its own changes a node knows, whatever it has heard by then.
    let known = store.catalog_known();
    let mine = [routed(append(message(1, 1), &[10], None), known)];
    assert_eq!(appended(&node.commit(&mine).unwrap()), [&Appended::Stored]);

    let new = CatalogWrite::EndpointInsert(Box::new(endpoint(1, 11)));
    assert_eq!(change(&mut other, new), Changed::Yes);
    let key = RequestKey { hash: [7; 16], request: [7; 16], expires_at: Timestamp::MAX };
    let batch = || {
        [
            routed(append(message(1, 2), &[10], None), known),
            routed(append(message(2, 3), &[20], None), known),
            routed(append(message(1, 4), &[10], Some(key)), known),
            append(message(1, 6), &[10], None),
        ]
    };
    let written = node.commit(&batch()).unwrap();
    assert_eq!(
        appended(&written),
        [&Appended::Moved, &Appended::Stored, &Appended::Moved, &Appended::Stored]
    );
    assert!(store.message_get(app(1), msg(2)).await.unwrap().is_none());
    assert!(store.message_get(app(2), msg(3)).await.unwrap().is_some());

    let heart = store.heart().await.unwrap().unwrap();
    let known = heart.beat().await.unwrap().sequence;
    let again = [
        routed(append(message(1, 2), &[10, 11], None), known),
        routed(append(message(1, 4), &[10], Some(key)), known),
    ];
    let written = node.commit(&again).unwrap();
    assert_eq!(appended(&written), [&Appended::Stored, &Appended::Stored], "the key was not taken");

    // What was removed, and what was made of another application, changes no routes.
    let (application, expunged, now) = (app(1), msg(2), NOW);
    let expunge = Write::ExpungeMessage { application, message: expunged, now };
    assert!(matches!(write(&mut other, expunge), Written::Changed(Changed::Yes)));
    let new = CatalogWrite::EndpointInsert(Box::new(endpoint(2, 21)));
    assert_eq!(change(&mut other, new), Changed::Yes);
    let another = [routed(append(message(1, 5), &[10], None), known)];
    assert_eq!(appended(&node.commit(&another).unwrap()), [&Appended::Stored]);
}

#[tokio::test]
async fn what_was_confirmed_goes_by_what_other_nodes_have_changed() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut node) = open(&database, Exclusivity::OnlyDeliverer);
    let (_, mut other) = open(&database, Exclusivity::Visitor);
    configure(&mut node);
    let message = Arc::new(message(1, 1));
    let held = Append::plain(Arc::clone(&message), vec![asking_lane(app(1))]);
    assert!(matches!(write(&mut node, Write::Append(held)), Written::Appended(Appended::Stored)));
    let own = store.held().own;
    let mut confirm = |known, endpoints: &[u16]| {
        let endpoints = endpoints.iter().map(|number| ep(*number)).collect();
        let asked = Asked::Over { verdict: Verdict::Confirmed, reason: None, endpoints };
        let (message, hold) = (Arc::clone(&message), Hold { lease: own, own });
        let step = Confirmation { message, hold, number: 1, asked, routed_by: Some(known) };
        match write(&mut node, Write::Confirm(Box::new(step))) {
            Written::Changed(changed) => changed,
            other => panic!("{other:?}"),
        }
    };
    let known = store.catalog_known();
    let new = CatalogWrite::EndpointInsert(Box::new(endpoint(1, 11)));
    assert_eq!(change(&mut other, new), Changed::Yes);
    assert_eq!(confirm(known, &[10]), Changed::Stale);
    let ready = async |endpoint| {
        let page = store.delivery_load(app(1), ep(endpoint), MessageId::MIN, 9, NO_LIMIT).await.unwrap();
        page.items.len()
    };
    assert_eq!(ready(10).await, 0, "nothing is written");
    let heart = store.heart().await.unwrap().unwrap();
    let known = heart.beat().await.unwrap().sequence;
    assert_eq!(confirm(known, &[10, 11]), Changed::Yes);
    assert_eq!((ready(10).await, ready(11).await), (1, 1));
}

#[tokio::test]
async fn what_a_batch_claims_that_is_written_once_more_is_claimed_then() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut node) = open(&database, Exclusivity::OnlyDeliverer);
    let (_, mut other) = open(&database, Exclusivity::Visitor);
    configure(&mut node);
    // Whoever delivers nothing leaves them to others, due at once; and one later than the other.
    for number in 1..=2 {
        write(&mut other, append(message(1, number), &[10], None));
    }
    let known = store.catalog_known();
    let new = CatalogWrite::EndpointInsert(Box::new(endpoint(1, 11)));
    assert_eq!(change(&mut other, new), Changed::Yes);
    let claim = ClaimDue { now: Timestamp::MAX, limit: 10, bytes: NO_LIMIT };
    let batch = [Write::ClaimDue(claim), routed(append(message(1, 3), &[10], None), known)];
    let written = node.commit(&batch).unwrap();
    assert!(matches!(&written[0], Written::Claimed(claimed) if claimed.len() == 2), "{:?}", written[0]);
    assert_eq!(appended(&written[1..]), [&Appended::Moved]);
}

#[tokio::test]
async fn places_of_a_limit_are_reserved_one_after_the_other_by_whoever_asks() {
    let Some(database) = postgres::database().await else { return };
    let (one, _writer) = open(&database, Exclusivity::OnlyDeliverer);
    let (other, _visitor) = open(&database, Exclusivity::Visitor);
    let interval = Duration::from_secs(10);
    let slots = |endpoint: u16, count| Slots {
        application: app(1),
        endpoint: (endpoint > 0).then(|| ep(endpoint)),
        count,
        interval,
    };
    let waits = one.slots_reserve(vec![slots(2, 1), slots(1, 2), slots(0, 1)]).await.unwrap();
    assert_eq!(waits, [Duration::ZERO; 3], "nobody has any");
    let waits = other.slots_reserve(vec![slots(1, 1), slots(2, 1), slots(3, 1)]).await.unwrap();
    // In the order they were asked for; what has passed meanwhile is less than an interval.
    assert!(waits[0] > interval && waits[0] <= 2 * interval, "{waits:?}");
    assert!(waits[1] > Duration::ZERO && waits[1] <= interval, "{waits:?}");
    assert_eq!(waits[2], Duration::ZERO);
    let waits = one.slots_reserve(vec![slots(1, 1)]).await.unwrap();
    assert!(waits[0] > 2 * interval && waits[0] <= 3 * interval, "{waits:?}");
}

#[tokio::test]
async fn a_node_reads_what_others_made_old_since_it_last_asked() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut node) = open(&database, Exclusivity::OnlyDeliverer);
    let (_, mut other) = open(&database, Exclusivity::Visitor);
    configure(&mut node);
    write(&mut node, append(message(1, 1), &[10], None));
    let heart = store.heart().await.unwrap().unwrap();
    let known = heart.beat().await.unwrap().sequence;

    let changed = Endpoint { updated_at: at(1), ..endpoint(1, 10) };
    let disabled =
        Endpoint { updated_at: at(2), disabled: Some(DisabledReason::ByRequest), ..endpoint(2, 20) };
    let stale = Endpoint { updated_at: at(4), ..endpoint(1, 10) };
    let update = |endpoint: Endpoint, unless_changed_since| CatalogWrite::EndpointUpdate {
        endpoint: Box::new(endpoint),
        unless_changed_since,
    };
    assert_eq!(change(&mut other, update(changed, NOW)), Changed::Yes);
    assert_eq!(change(&mut other, update(disabled, NOW)), Changed::Yes);
    assert_eq!(change(&mut other, update(stale, at(3))), Changed::Stale);
    assert_eq!(change(&mut other, CatalogWrite::EndpointDelete(app(1), ep(10))), Changed::Yes);
    assert_eq!(change(&mut node, CatalogWrite::ApplicationDelete(app(2), NOW)), Changed::Yes);
    let expunge = Write::ExpungeMessage { application: app(1), message: msg(1), now: NOW };
    assert!(matches!(write(&mut other, expunge), Written::Changed(Changed::Yes)));
    let organisation = CatalogWrite::OrganisationEnsure(DEFAULT_ORGANISATION, NOW);
    change(&mut other, organisation);

    let up_to = heart.beat().await.unwrap().sequence;
    assert_eq!(up_to, known + 7, "each has a number, also what changed nothing");
    let told = |change, is_own| Told { change, is_own };
    let expected = vec![
        told(Change::Endpoint(app(1), ep(10)), false),
        told(Change::EndpointOff(app(2), ep(20), at(2)), false),
        told(Change::EndpointOff(app(1), ep(10), Timestamp::MAX), false),
        told(Change::Application(app(2)), true),
        told(Change::Expunged(app(1), msg(1)), false),
    ];
    assert_eq!(heart.changes(known, up_to).await.unwrap(), Some(expected));
    assert_eq!(heart.changes(up_to, up_to).await.unwrap(), Some(Vec::new()));

    assert_eq!(heart.changes(up_to, known).await.unwrap(), None, "a database that lost what it had");
    database.execute("UPDATE catalog_sequence SET value = value + 1").await;
    assert_eq!(heart.changes(known, up_to + 1).await.unwrap(), None, "an earlier release wrote no row");
    database.execute("UPDATE catalog_change SET written_at = now() - interval '2 hours'").await;
    let before: i64 = database.ask("SELECT count(*) FROM catalog_change").await.parse().unwrap();
    change(&mut other, CatalogWrite::OrganisationEnsure(DEFAULT_ORGANISATION, NOW));
    let after: i64 = database.ask("SELECT count(*) FROM catalog_change").await.parse().unwrap();
    assert!(after < before, "old rows go: {after} of {before} are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_those_who_listen_and_a_message_is_not() {
    let Some(database) = postgres::database().await else { return };
    let (store, mut node) = open(&database, Exclusivity::OnlyDeliverer);
    configure(&mut node);
    let heart = store.heart().await.unwrap().unwrap();
    write(&mut node, append(message(1, 1), &[10], None));
    // All that is told before this answer is here with it.
    heart.beat().await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, heart.hint()).await.is_err(), "nothing was changed");
    change(&mut node, CatalogWrite::EndpointDelete(app(1), ep(10)));
    tokio::time::timeout(Duration::from_secs(5), heart.hint()).await.expect("it is told");
}
