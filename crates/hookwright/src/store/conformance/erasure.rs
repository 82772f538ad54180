//! Deleted applications: what is configured goes at once, what happened in slices.

use crate::domain::delivery::Transition;
use crate::domain::ids::{ApplicationId, TokenId};
use crate::domain::message::Message;
use crate::domain::names::EventId;
use crate::domain::token::{Scope, Token, TokenSettings};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, at, attempt, id, message, msg, outcome, slice, success,
};
use crate::store::write::{Appended, CatalogWrite, Changed, Erased, Write, Written};

fn erase(f: &mut Fixture, seconds: u64, rows: u32) -> Erased {
    match f.write(Write::Erase { now: at(seconds), from: ApplicationId::MIN, slice: slice(rows) }) {
        Written::Erased(erased) => erased,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn a_deleted_application_goes_in_slices_and_leaves_the_others_alone(mut f: Fixture) {
    let event = |application, number, event_id: &str| Message {
        event_id: Some(EventId::parse(event_id).unwrap()),
        ..message(application, number)
    };
    for application in [1, 2] {
        f.configured(application, &[9]);
        for number in 1..=5 {
            let number = 10 * application + number;
            f.append(event(application, number, &format!("e-{number}")), &[9]);
            f.write(outcome(
                success(attempt(application, number, 9, 100 + number, 1)),
                Transition::Delivered,
            ));
            f.append(message(application, 100 + number), &[9]);
        }
        let token = Token {
            id: TokenId::from_bytes(id(application)),
            settings: TokenSettings::new("", Scope::Application(DEFAULT_ORGANISATION, app(application))),
            created_at: NOW,
            revoked_at: None,
        };
        f.change(CatalogWrite::TokenInsert { token, hash: [u8::try_from(application).unwrap(); 32] });
    }
    assert_eq!(f.change(CatalogWrite::ApplicationDelete(app(1), at(0))), Changed::Yes);
    assert_eq!(f.change(CatalogWrite::ApplicationDelete(app(1), at(0))), Changed::Missing);
    assert!(f.store.application_with_endpoints(app(1)).await.unwrap().is_none());
    assert_eq!(f.store.token_by_hash([1; 32]).await.unwrap(), None);
    let mut slices = 0;
    loop {
        let erased = erase(&mut f, 1, 2);
        assert!(erased.rows <= 2);
        if erased.next.is_none() {
            break;
        }
        slices += 1;
    }
    assert!(slices >= 10, "10 messages and what they have go in slices of 2: {slices}");
    let store = f.store.clone();
    let messages = async |number| {
        store.message_list(app(number), Default::default(), false, all()).await.unwrap().page.items.len()
    };
    assert_eq!((messages(1).await, messages(2).await), (0, 10));
    assert_eq!((f.ready(1, 9).await.len(), f.ready(2, 9).await.len()), (0, 5));
    let attempts = f.store.attempt_list_by_message(app(1), msg(11), Default::default(), all()).await.unwrap();
    assert_eq!(attempts.page.items, []);
    assert_eq!(f.append(event(2, 300, "e-21"), &[]), Appended::EventIdTaken);
    // It was sent before its application was deleted, and is stored after its rows were removed.
    assert_eq!(f.append(event(1, 301, "e-11"), &[]), Appended::Stored);
    assert_eq!(erase(&mut f, 60, 9), Erased { rows: 2, has_any: true, next: None }, "itself and its eventId");
    assert_eq!(erase(&mut f, 3_600, 9), Erased { rows: 0, has_any: true, next: None });
    assert_eq!(erase(&mut f, 3_600, 9), Erased { rows: 0, has_any: false, next: None });
    assert!(f.store.token_by_hash([2; 32]).await.unwrap().is_some());
    assert!(f.store.application_with_endpoints(app(2)).await.unwrap().is_some());
}
