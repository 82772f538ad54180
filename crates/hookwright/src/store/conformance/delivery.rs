//! Pending deliveries: taken over, counted, read, resent and ended.

use crate::domain::attempt::Trigger;
use crate::domain::ids::MessageId;
use crate::store::conformance::fixture::{
    Fixture, NO_LIMIT, app, append, at, attempt, ep, key, message, msg,
};
use crate::store::read::ReadyCount;
use crate::store::write::{ClaimDue, Resent, Write, Written};

pub(super) async fn due_deliveries_are_taken_over_earliest_first_and_once(mut f: Fixture) {
    assert_eq!(f.store.delivery_next_due().await.unwrap(), None);
    for (number, due) in [(1, 30), (2, 10), (3, 20), (4, 99)] {
        f.append(message(1, number), &[9]);
        f.fail_until(attempt(1, number, 9, 100 + number, 1), at(due));
    }
    assert_eq!(f.store.delivery_next_due().await.unwrap(), Some(at(10)));
    assert_eq!(f.ready(1, 9).await, []);
    let claimed = f.claim(at(30), 2);
    let seen: Vec<_> = claimed.iter().map(|row| (row.message.id, row.delivery.attempts)).collect();
    assert_eq!(seen, [(msg(2), 1), (msg(3), 1)]);
    assert_eq!(*claimed[0].message, message(1, 2));
    assert_eq!(f.ready(1, 9).await, [(msg(2), 1), (msg(3), 1)]);
    assert_eq!(f.claim(at(30), 2).iter().map(|row| row.message.id).collect::<Vec<_>>(), [msg(1)]);
    assert_eq!(f.claim(at(30), 2), []);
    assert_eq!(f.store.delivery_next_due().await.unwrap(), Some(at(99)));
    f.append(message(1, 5), &[9]);
    f.fail_until(attempt(1, 5, 9, 105, 1), at(98));
    let sized = Write::ClaimDue(ClaimDue { now: at(200), limit: 10, bytes: 1 });
    let Written::Claimed(claimed) = f.write(sized) else { panic!("another answer") };
    assert_eq!(
        claimed.iter().map(|row| row.message.id).collect::<Vec<_>>(),
        [msg(5)],
        "no more bytes than asked"
    );
    assert_eq!(f.claim(at(200), 10).len(), 1);
}

pub(super) async fn ready_deliveries_are_counted_by_endpoint(mut f: Fixture) {
    f.append(message(1, 1), &[8, 9]);
    f.append(message(1, 2), &[9]);
    f.append(message(2, 3), &[7]);
    f.fail_until(attempt(1, 1, 8, 100, 1), at(60));
    let count = |application, endpoint, count| ReadyCount {
        application: app(application),
        endpoint: ep(endpoint),
        count,
    };
    let mut counts = f.store.delivery_ready_counts().await.unwrap();
    counts.sort_by_key(|ready| ready.endpoint);
    assert_eq!(counts, [count(2, 7, 1), count(1, 9, 2)]);
}

pub(super) async fn ready_deliveries_are_read_beyond_a_message_up_to_a_number_or_size(mut f: Fixture) {
    for number in 1..=5 {
        f.append(message(1, number), &[9]);
    }
    f.append(message(1, 6), &[8]);
    f.append(message(2, 7), &[9]);
    f.fail_until(attempt(1, 3, 9, 100, 1), at(60));
    let store = f.store.clone();
    let read = async |after: MessageId, limit, bytes| {
        let page = store.delivery_load(app(1), ep(9), after, limit, bytes).await.unwrap();
        (page.items.iter().map(|row| row.message.id).collect::<Vec<_>>(), page.done)
    };
    assert_eq!(read(MessageId::MIN, 10, NO_LIMIT).await, (vec![msg(1), msg(2), msg(4), msg(5)], true));
    assert_eq!(read(MessageId::MIN, 2, NO_LIMIT).await, (vec![msg(1), msg(2)], false));
    assert_eq!(read(msg(2), 2, NO_LIMIT).await, (vec![msg(4), msg(5)], false));
    assert_eq!(read(msg(5), 2, NO_LIMIT).await, (vec![], true));
    assert_eq!(read(MessageId::MIN, 10, 1).await, (vec![msg(1)], false), "one comes, however large");
    let one = message(1, 1).payload.len();
    assert_eq!(read(MessageId::MIN, 10, one + 1).await, (vec![msg(1), msg(2)], false));
}

pub(super) async fn a_resend_makes_a_waiting_delivery_ready_and_leaves_a_ready_one(mut f: Fixture) {
    f.append(message(1, 1), &[9]);
    f.append(message(1, 2), &[]);
    let resend = |f: &mut Fixture, number| match f.write(Write::Resend(key(1, 9, number))) {
        Written::Resent(changed) => changed,
        other => panic!("{other:?}"),
    };
    assert_eq!(resend(&mut f, 1), Resent::WasReady);
    f.fail_until(attempt(1, 1, 9, 100, 1), at(60));
    assert_eq!(resend(&mut f, 1), Resent::Ready, "it waits");
    assert_eq!(resend(&mut f, 2), Resent::Ready, "there was none");
    assert_eq!(resend(&mut f, 3), Resent::Missing);
    assert_eq!(f.ready(1, 9).await, [(msg(1), 0), (msg(2), 0)]);
    assert_eq!(f.claim(at(60), 10), [], "the retry that waited is no more");
    let page = f.store.delivery_load(app(1), ep(9), MessageId::MIN, 10, NO_LIMIT).await.unwrap();
    assert!(page.items.iter().all(|row| row.delivery.trigger == Trigger::Manual));
}

pub(super) async fn deliveries_end_in_slices_up_to_a_message(mut f: Fixture) {
    for number in 1..=5 {
        f.append(message(1, number), &[8, 9]);
    }
    f.fail_until(attempt(1, 2, 9, 100, 1), at(60));
    let end = |f: &mut Fixture| {
        let (application, endpoint, up_to) = (app(1), ep(9), msg(4));
        match f.write(Write::EndDeliveries { application, endpoint, up_to, limit: 3 }) {
            Written::Removed(count) => count,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([end(&mut f), end(&mut f), end(&mut f)], [3, 1, 0]);
    assert_eq!(f.ready(1, 9).await, [(msg(5), 0)]);
    assert_eq!(f.claim(at(60), 10), [], "those that wait end as well");
    assert_eq!(f.ready(1, 8).await.len(), 5);
    // In one batch with others: what comes first in it is what counts.
    let (application, endpoint, up_to) = (app(1), ep(8), msg(9));
    let batch =
        [Write::EndDeliveries { application, endpoint, up_to, limit: 9 }, append(message(1, 8), &[8], None)];
    f.writer.commit(&batch).unwrap();
    assert_eq!(f.ready(1, 8).await, [(msg(8), 0)]);
}
