//! How nodes share what is pending: what stands under whose lease, what an ended one lets through, and how it is taken over.

use hookwright_testkit::postgres::{self, Cut, Database};

use crate::domain::delivery::Transition;
use crate::domain::ids::MessageId;
use crate::domain::lease::{Hold, LeaseNumber, LeaseRow};
use crate::domain::time::Timestamp;
use crate::store::conformance::fixture::{
    NO_LIMIT, all, app, append, at, attempt, ep, key, keys_of, message, msg, outcome, success,
};
use crate::store::error::StoreError;
use crate::store::write::{ClaimDue, Resent, Write, Written};
use crate::store::{Exclusivity, Heart, Store, Writer};

/// A node that delivers, or one that does not.
struct Node {
    store: Store,
    writer: Writer,
    heart: Heart,
}

impl Node {
    async fn start(database: &Database) -> Node {
        Node::start_as(database, Exclusivity::OnlyDeliverer).await
    }

    async fn start_as(database: &Database, exclusivity: Exclusivity) -> Node {
        let (store, writer) =
            Store::open(&database.url.parse().unwrap(), Some(&keys_of("a")), exclusivity).unwrap();
        let heart = store.heart().await.unwrap().unwrap();
        Node { store, writer, heart }
    }

    fn own(&self) -> LeaseNumber {
        self.store.held().own
    }

    fn write(&mut self, write: Write) -> Written {
        self.writer.commit(&[write]).unwrap().remove(0)
    }

    fn append(&mut self, numbers: impl IntoIterator<Item = u16>) {
        let batch: Vec<Write> =
            numbers.into_iter().map(|number| append(message(1, number), &[9], None)).collect();
        self.writer.commit(&batch).unwrap();
    }

    /// Writes what came of an attempt of what stood under this lease, begun a moment ago.
    fn record(&mut self, made: Write, lease: LeaseNumber) -> Written {
        let own = self.own();
        self.record_of(made, Hold { lease, own })
    }

    fn record_of(&mut self, made: Write, hold: Hold) -> Written {
        match made {
            Write::Outcome(mut made) => {
                made.hold = hold;
                self.write(Write::Outcome(made))
            }
            _ => panic!("another item"),
        }
    }

    fn fail_until(&mut self, number: u16, due: Timestamp) {
        let lease = self.own();
        self.record(outcome(attempt(1, number, 9, 100 + number, 1), Transition::RetryAt(due)), lease);
    }

    fn claim(&mut self, now: Timestamp, limit: u32) -> Vec<MessageId> {
        let (claim, own) = (ClaimDue { now, limit, bytes: NO_LIMIT }, self.own());
        match self.write(Write::ClaimDue(claim)) {
            Written::Claimed(claimed) => {
                assert!(claimed.iter().all(|row| row.lease == own));
                claimed.iter().map(|row| row.message.id).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// What waits on disk for this node, and under which of its leases.
    async fn ready(&self) -> Vec<(MessageId, LeaseNumber)> {
        let page = self.store.delivery_load(app(1), ep(9), MessageId::MIN, 250, NO_LIMIT).await.unwrap();
        page.items.iter().map(|row| (row.message.id, row.lease)).collect()
    }

    async fn lease(&self, number: LeaseNumber) -> Option<LeaseRow> {
        self.heart.beat().await.unwrap().leases.into_iter().find(|lease| lease.number == number)
    }

    async fn adopt(&self, ended: LeaseNumber) -> Vec<LeaseNumber> {
        self.heart.adopt(self.own(), ended).await.unwrap()
    }

    async fn attempts(&self, number: u16) -> usize {
        let list = self.store.attempt_list_by_message(app(1), msg(number), Default::default(), all());
        list.await.unwrap().page.items.len()
    }
}

#[tokio::test]
async fn what_a_node_accepts_is_ready_for_it_alone() {
    let Some(database) = postgres::database().await else { return };
    let (mut one, mut other) = (Node::start(&database).await, Node::start(&database).await);
    assert_ne!(one.own(), other.own());
    one.append([1]);
    other.append([2]);
    assert_eq!(one.ready().await, [(msg(1), one.own())]);
    assert_eq!(other.ready().await, [(msg(2), other.own())]);
    let counts = other.store.delivery_ready_counts().await.unwrap();
    assert_eq!(counts.iter().map(|ready| ready.count).collect::<Vec<_>>(), [1]);
    // Sent once more by another node: it is under way, or on its way.
    assert!(matches!(other.write(Write::Resend(key(1, 9, 1))), Written::Resent(Resent::WasReady)));
    one.fail_until(1, at(1_000));
    assert!(matches!(other.write(Write::Resend(key(1, 9, 1))), Written::Resent(Resent::Ready)));
    assert_eq!((one.ready().await.len(), other.ready().await.len()), (0, 2));
}

#[tokio::test]
async fn what_somebody_writes_who_delivers_nothing_is_claimed_by_whoever_does() {
    let Some(database) = postgres::database().await else { return };
    let mut node = Node::start(&database).await;
    let mut visitor = Node::start_as(&database, Exclusivity::Visitor).await;
    visitor.append([1, 2]);
    node.append([3]);
    node.fail_until(3, at(u64::from(u32::MAX)));
    assert!(matches!(visitor.write(Write::Resend(key(1, 9, 3))), Written::Resent(Resent::Ready)));
    assert_eq!(node.ready().await, []);
    let mut claimed = node.claim(Timestamp::MAX, 10);
    claimed.sort_unstable();
    assert_eq!(claimed, [msg(1), msg(2), msg(3)]);
}

#[tokio::test]
async fn an_outcome_counts_under_the_lease_of_its_attempt_alone_and_is_logged_always() {
    let Some(database) = postgres::database().await else { return };
    let (mut one, mut other) = (Node::start(&database).await, Node::start(&database).await);
    one.append([1, 2]);
    // Of a lease that this node never had, and of one under which the delivery does not stand.
    let delivered = |id| outcome(success(attempt(1, 1, 9, id, 1)), Transition::Delivered);
    let lost = one.own();
    assert!(matches!(other.record(delivered(101), lost), Written::LoggedOnly));
    let elsewhere = other.own();
    assert!(matches!(other.record(delivered(102), elsewhere), Written::Done));
    assert_eq!(one.ready().await.len(), 2);
    assert_eq!(one.attempts(1).await, 2, "both are in the log");
    // Others have it by now, and this node has another lease.
    one.heart.end(lost).await.unwrap();
    assert_eq!(other.adopt(lost).await, [lost]);
    one.append([3]);
    assert_ne!(one.own(), lost);
    assert!(matches!(one.record(delivered(103), lost), Written::LoggedOnly));
    let retry = outcome(attempt(1, 2, 9, 104, 1), Transition::RetryAt(at(60)));
    assert!(matches!(one.record(retry, lost), Written::LoggedOnly));
    assert_eq!(other.ready().await, [(msg(1), lost), (msg(2), lost)]);
    assert_eq!((one.attempts(1).await, one.attempts(2).await), (3, 1));
    // What the adopter makes of it counts.
    assert!(matches!(other.record(delivered(105), lost), Written::Done));
    assert_eq!(other.ready().await, [(msg(2), lost)]);
    // It was this node's before, and is again, but others had it meanwhile.
    let before = one.own();
    other.heart.end(other.own()).await.unwrap();
    assert_eq!(one.adopt(other.own()).await.len(), 2);
    let retry = outcome(attempt(1, 2, 9, 107, 1), Transition::RetryAt(at(60)));
    assert!(matches!(one.record_of(retry, Hold { lease: lost, own: lost }), Written::LoggedOnly));
    assert_eq!(one.ready().await, [(msg(2), lost), (msg(3), before)]);
    let mut other = one;
    // Attempt 2 of a delivery that has had none.
    other.record(outcome(success(attempt(1, 2, 9, 106, 2)), Transition::Delivered), lost);
    assert_eq!(other.ready().await.len(), 2);
    other.record(outcome(success(attempt(1, 2, 9, 108, 1)), Transition::Delivered), lost);
    assert_eq!(other.ready().await, [(msg(3), before)]);
}

#[tokio::test]
async fn a_batch_under_an_ended_lease_is_refused_by_the_server_and_written_under_another() {
    let Some(database) = postgres::database().await else { return };
    let (mut node, looker) = (Node::start(&database).await, Node::start(&database).await);
    let before = node.own();
    node.append([1]);
    // However a transaction begins: with rows alone, or with an item of another kind.
    for (number, item) in [(2, append(message(1, 2), &[9], None)), (3, Write::Probe)] {
        let before = node.own();
        node.heart.end(before).await.unwrap();
        node.write(item);
        assert_ne!(node.own(), before, "{number}");
        assert_eq!(node.writer.lease(), node.own());
    }
    assert_eq!(node.ready().await, [], "message 2 came under a lease that was ended too");
    assert!(looker.lease(before).await.unwrap().is_ended);
    node.append([4]);
    assert_eq!(node.ready().await, [(msg(4), node.own())]);
    assert_eq!(database.ask("SELECT count(*) FROM message").await, "3", "nothing is lost, nor there twice");
}

#[tokio::test]
async fn a_lease_is_renewed_until_it_is_ended_and_not_by_what_was_held_back() {
    let Some(database) = postgres::database().await else { return };
    let node = Node::start(&database).await;
    let first = node.lease(node.own()).await.unwrap().expires_at;
    let now = node.heart.beat().await.unwrap().database_now;
    assert!(node.heart.renew(node.own(), now).await.unwrap());
    let renewed = node.lease(node.own()).await.unwrap();
    assert!(renewed.expires_at > first);
    let long_ago = now.before(std::time::Duration::from_millis(1_100));
    assert!(!node.heart.renew(node.own(), long_ago).await.unwrap(), "it was sent too long ago");
    // It is not over, so that it is not the time to end it; and then it is another than was seen.
    assert!(!node.heart.end_dead(&renewed).await.unwrap());
    database.execute("UPDATE lease SET expires_at = 5").await;
    assert!(!node.heart.end_dead(&renewed).await.unwrap());
    let over = node.lease(node.own()).await.unwrap();
    assert!(node.heart.end_dead(&over).await.unwrap());
    let now = node.heart.beat().await.unwrap().database_now;
    assert!(!node.heart.renew(node.own(), now).await.unwrap());
}

#[tokio::test]
async fn an_ended_lease_is_adopted_by_one_node_with_all_that_it_had_adopted() {
    let Some(database) = postgres::database().await else { return };
    let mut first = Node::start(&database).await;
    let (mut second, third) = (Node::start(&database).await, Node::start(&database).await);
    first.append([1]);
    second.append([2]);
    assert_eq!(second.adopt(first.own()).await, [], "it is not ended");
    first.heart.end(first.own()).await.unwrap();
    assert_eq!(second.adopt(first.own()).await, [first.own()]);
    assert_eq!(third.adopt(first.own()).await, [], "somebody was faster");
    assert_eq!(second.ready().await, [(msg(1), first.own()), (msg(2), second.own())]);
    second.heart.end(second.own()).await.unwrap();
    let mut adopted = third.adopt(second.own()).await;
    adopted.sort_unstable();
    let mut both = [first.own(), second.own()];
    both.sort_unstable();
    assert_eq!(adopted, both);
    assert_eq!(third.ready().await.len(), 2);
    let counts = third.store.delivery_ready_counts_of(&both).await.unwrap();
    assert_eq!(counts.iter().map(|ready| ready.count).sum::<u64>(), 2);
    assert_eq!(third.lease(first.own()).await.unwrap().adopted_by, Some(third.own()));
    // Nothing stands under one of them any more.
    let mut third = third;
    third.record(outcome(success(attempt(1, 1, 9, 101, 1)), Transition::Delivered), first.own());
    third.store.tidy_leases().await.unwrap();
    assert!(third.lease(first.own()).await.is_none());
    assert_eq!(third.store.held().adopted, [second.own()]);
    assert_eq!(third.ready().await, [(msg(2), second.own())]);
}

#[tokio::test]
async fn whoever_was_ended_adopts_nothing() {
    let Some(database) = postgres::database().await else { return };
    let (one, other) = (Node::start(&database).await, Node::start(&database).await);
    one.heart.end(one.own()).await.unwrap();
    other.heart.end(other.own()).await.unwrap();
    let refused = one.heart.adopt(one.own(), other.own()).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert_eq!(other.lease(other.own()).await.unwrap().adopted_by, None);
    // The connection is good for more.
    one.heart.replace(one.own()).await.unwrap();
    assert_eq!(one.adopt(other.own()).await, [other.own()]);
}

#[tokio::test]
async fn a_lease_is_not_adopted_while_a_transaction_that_passed_its_guard_is_open() {
    let Some(database) = postgres::database().await else { return };
    let (one, other) = (Node::start(&database).await, Node::start(&database).await);
    let number = one.own().0;
    let client = database.connect().await;
    client.batch_execute(&format!("BEGIN; SELECT lease_guard({number})")).await.unwrap();
    // A renewal and an end do not wait for it.
    let now = one.heart.beat().await.unwrap().database_now;
    assert!(one.heart.renew(one.own(), now).await.unwrap());
    one.heart.end(one.own()).await.unwrap();
    assert_eq!(other.adopt(one.own()).await, []);
    assert!(other.lease(one.own()).await.unwrap().is_ended);
    assert_eq!(other.lease(one.own()).await.unwrap().adopted_by, None);
    client
        .batch_execute(&format!(
            "INSERT INTO delivery (application, endpoint, message, attempts, trigger, lease) VALUES ('a', 'e', 'm', 0, 0, {number}); COMMIT"
        ))
        .await
        .unwrap();
    assert_eq!(other.adopt(one.own()).await, [one.own()]);
    let under =
        format!("SELECT adopted_by FROM lease JOIN delivery ON lease = number WHERE number = {number}");
    assert_eq!(database.ask(&under).await, other.own().0.to_string(), "it is found with the rest");
    let late = client.batch_execute(&format!("BEGIN; SELECT lease_guard({number})")).await;
    assert_eq!(late.unwrap_err().code().map(|code| code.code().to_owned()).as_deref(), Some("HW001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_never_claim_the_same() {
    let Some(database) = postgres::database().await else { return };
    let (mut one, mut other) = (Node::start(&database).await, Node::start(&database).await);
    one.append(1..=600);
    for number in 1..=600 {
        one.fail_until(number, at(u64::from(number)));
    }
    let claim = |mut node: Node| {
        std::thread::spawn(move || {
            let mut claimed = Vec::new();
            loop {
                let next = node.claim(at(10_000), 7);
                if next.is_empty() {
                    return (node, claimed);
                }
                claimed.extend(next);
            }
        })
    };
    let threads = [claim(one), claim(other)];
    let [(first, mut all), (second, others)] = threads.map(|thread| thread.join().unwrap());
    (one, other) = (first, second);
    all.extend(others);
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), count), (600, 600));
    assert_eq!(database.ask("SELECT count(*) FROM delivery WHERE lease IS NULL").await, "0");
    drop((one, other));
}

#[tokio::test]
async fn what_a_claim_passed_over_is_found_after_a_takeover() {
    let Some(database) = postgres::database().await else { return };
    let (mut one, mut other) = (Node::start(&database).await, Node::start(&database).await);
    one.append(1..=2);
    one.fail_until(1, at(10));
    one.fail_until(2, at(20));
    // Somebody claims the first, and dies before that is committed.
    let client = database.connect().await;
    client.batch_execute("BEGIN; SELECT 1 FROM delivery ORDER BY due_at LIMIT 1 FOR UPDATE").await.unwrap();
    assert_eq!(other.claim(at(100), 10), [msg(2)]);
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(other.claim(at(100), 10), [], "it looks from where it was");
    assert_eq!(other.store.delivery_next_due().await.unwrap(), None);
    one.heart.end(one.own()).await.unwrap();
    assert_eq!(other.adopt(one.own()).await, [one.own()]);
    assert_eq!(other.store.delivery_next_due().await.unwrap(), Some(at(10)));
    assert_eq!(other.claim(at(100), 10), [msg(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_commit_is_unknown_the_lease_is_not_to_be_renewed() {
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let mut node = Node::start(&database).await;
    node.append([1]);
    assert!(!node.heart.is_uncertain());
    cutter.cut_and_refuse(Cut::BeforeAnswer, "");
    assert!(node.writer.commit(&[append(message(1, 2), &[9], None)]).is_err());
    assert!(node.writer.is_unsettled() && node.heart.is_uncertain());
    cutter.mend();
    let under = node.writer.lease();
    assert!(node.writer.settle().unwrap().is_some());
    assert!(!node.heart.is_uncertain());
    assert_eq!(node.ready().await, [(msg(1), under), (msg(2), under)]);
}

#[tokio::test]
async fn what_an_earlier_release_left_without_a_lease_is_taken_at_a_start() {
    let Some(database) = postgres::database().await else { return };
    let mut before = Node::start(&database).await;
    before.append([1, 2]);
    before.fail_until(2, at(60));
    database.execute("UPDATE delivery SET lease = NULL").await;
    let node = Node::start(&database).await;
    assert_eq!(node.ready().await, [(msg(1), node.own())]);
}
