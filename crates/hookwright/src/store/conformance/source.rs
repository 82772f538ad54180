//! Sources: read back as they were, found by the tokens that are good, hidden with what they forward.

use std::time::Duration;

use crate::domain::application::{Application, Purpose};
use crate::domain::confirm_url::ConfirmUrl;
use crate::domain::confirmation::{Confirm, Expected};
use crate::domain::event_type_place::EventTypePlace;
use crate::domain::ids::OrganisationId;
use crate::domain::json_pointer::JsonPointer;
use crate::domain::names::SourceUid;
use crate::domain::page::{Order, PageRequest};
use crate::domain::short_ids::SourceId;
use crate::domain::source::{
    BodyPolicy, Dedupe, Source, SourceAnswer, SourceRef, SourceSettings, SourceToken, SourceWithToken,
};
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{Fixture, NOW, all, app, application, at, endpoint, event_type, id};
use crate::store::read::{ApplicationFilter, SearchBudget};
use crate::store::write::{CatalogWrite, Changed, NewSource, NewSourceToken};

fn source_id(number: u16) -> SourceId {
    SourceId::from_bytes(std::array::from_fn(|at| id(number)[at]))
}

fn token(number: u16, byte: u8) -> NewSourceToken {
    NewSourceToken {
        source: source_id(number),
        hash: [byte; 32],
        token: SourceToken::new(format!("token {byte}")),
    }
}

/// Source `number`, with everything set, whose application has the same number.
pub(super) fn new_source(number: u16) -> NewSource {
    let config = serde_json::json!({"secret": "s", "header": "x-\u{e9}"});
    let settings = SourceSettings {
        uid: Some(SourceUid::parse(&format!("source-{number}")).unwrap()),
        metadata: [("a".to_owned(), "b".to_owned())].into(),
        methods: vec!["GET".to_owned(), "POST".to_owned()],
        body: BodyPolicy::Json,
        dedupe: Dedupe::Body,
        answer: SourceAnswer {
            status: 202,
            body: "{}".to_owned(),
            content_type: "application/json".to_owned(),
        },
        event_type: Some(EventTypePlace::Header("x-event".to_owned())),
        redact: vec![JsonPointer::parse("/card/number").unwrap()],
        confirm: Some(Confirm {
            url: ConfirmUrl::parse("https://example.com/{query:id}").unwrap(),
            headers: vec![("authorization".to_owned(), "Bearer x".to_owned())],
            expected: Expected {
                status: Some(200),
                value: Some((JsonPointer::parse("/paid").unwrap(), serde_json::json!({"a": [1.5]}))),
            },
            timeout: Duration::from_millis(2_500),
        }),
        throttle_rate: Some(7),
        retention: Some(Duration::from_millis(1_500)),
        ..SourceSettings::new("Shop", "shopify", config)
    };
    let source = Source {
        id: source_id(number),
        organisation: DEFAULT_ORGANISATION,
        application: app(number),
        settings,
        created_at: NOW,
        updated_at: NOW,
    };
    let application = Application { purpose: Purpose::Source, ..application(number) };
    NewSource { source, application, token: token(number, number.to_be_bytes()[1]) }
}

fn insert(f: &mut Fixture, new: NewSource) -> Changed {
    f.change(CatalogWrite::SourceInsert(Box::new(new)))
}

pub(super) async fn sources_are_read_back_as_they_were(mut f: Fixture) {
    let bare = |number| {
        let mut new = new_source(number);
        new.source.settings = SourceSettings::new("Bare", "generic-webhook", serde_json::json!({}));
        new
    };
    assert_eq!(insert(&mut f, new_source(1)), Changed::Yes);
    assert_eq!(insert(&mut f, bare(2)), Changed::Yes);
    let whole = SourceWithToken { source: new_source(1).source, token: SourceToken::new("token 1") };
    for named in [SourceRef::Id(source_id(1)), SourceRef::Uid(SourceUid::parse("source-1").unwrap())] {
        assert_eq!(
            f.store.source_get(DEFAULT_ORGANISATION, named.clone()).await.unwrap(),
            Some(whole.clone())
        );
        let elsewhere = OrganisationId::from_bytes(id(9));
        assert_eq!(f.store.source_get(elsewhere, named).await.unwrap(), None);
    }
    let second = SourceWithToken { source: bare(2).source, token: SourceToken::new("token 2") };
    let listed = f.store.source_list(DEFAULT_ORGANISATION, all()).await.unwrap();
    assert_eq!(listed.items, [whole, second.clone()]);
    let newest = PageRequest::first(1, Order::Descending);
    assert_eq!(f.store.source_list(DEFAULT_ORGANISATION, newest).await.unwrap().items, [second]);
    assert_eq!(f.store.source_by_application(app(1)).await.unwrap(), Some(new_source(1).source));
    let mut cron = bare(3);
    cron.source.settings.kind = "cron".to_owned();
    assert_eq!(insert(&mut f, cron), Changed::Yes);
    let timed = f.store.source_list_cron().await.unwrap();
    assert_eq!(timed.iter().map(|source| source.id).collect::<Vec<_>>(), [source_id(3)]);
    assert_eq!(f.store.source_by_application(app(9)).await.unwrap(), None);
}

pub(super) async fn a_change_of_a_source_is_guarded_and_its_uid_its_own(mut f: Fixture) {
    insert(&mut f, new_source(1));
    let mut taken = new_source(2);
    taken.source.settings.uid = new_source(1).source.settings.uid;
    assert_eq!(insert(&mut f, taken), Changed::Taken);
    assert!(f.store.application_with_endpoints(app(2)).await.unwrap().is_none(), "nothing of it is left");
    insert(&mut f, new_source(2));
    let mut changed = new_source(1).source;
    changed.settings.name = "Renamed".to_owned();
    changed.updated_at = at(1);
    let mut update = |source: &Source, unless_changed_since| {
        f.change(CatalogWrite::SourceUpdate { source: Box::new(source.clone()), unless_changed_since })
    };
    assert_eq!(update(&changed, at(9)), Changed::Stale);
    assert_eq!(update(&changed, NOW), Changed::Yes);
    assert_eq!(update(&changed, NOW), Changed::Stale);
    changed.settings.uid = new_source(2).source.settings.uid;
    assert_eq!(update(&changed, at(1)), Changed::Taken);
    let read = f.store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source_id(1))).await.unwrap().unwrap();
    assert_eq!(read.source.settings.name, "Renamed");
}

pub(super) async fn tokens_find_their_source_and_tell_when_they_end(mut f: Fixture) {
    insert(&mut f, new_source(1));
    let ends = async |f: &Fixture, byte: u8| {
        f.store.source_by_token([byte; 32]).await.unwrap().map(|found| {
            assert_eq!(found.source.id, source_id(1));
            found.ends_at
        })
    };
    assert_eq!((ends(&f, 1).await, ends(&f, 9).await), (Some(None), None));
    let rotate = |f: &mut Fixture, byte, now, old_ends_at| {
        f.change(CatalogWrite::SourceTokenRotate { new: token(1, byte), now, old_ends_at })
    };
    assert_eq!(rotate(&mut f, 9, at(10), at(20)), Changed::Yes);
    assert_eq!((ends(&f, 1).await, ends(&f, 9).await), (Some(Some(at(20))), Some(None)));
    let read = f.store.source_get(DEFAULT_ORGANISATION, SourceRef::Id(source_id(1))).await.unwrap().unwrap();
    assert_eq!(read.token, SourceToken::new("token 9"));
    // Those that have ended go when another is made, and of very many the earliest.
    assert_eq!(rotate(&mut f, 10, at(20), at(40)), Changed::Yes);
    assert_eq!((ends(&f, 1).await, ends(&f, 9).await), (None, Some(Some(at(40)))));
    for byte in 11..60 {
        rotate(&mut f, byte, at(21), at(40 + u64::from(byte)));
    }
    assert_eq!((ends(&f, 9).await, ends(&f, 58).await.is_some()), (None, true));
    let missing = CatalogWrite::SourceTokenRotate { new: token(7, 77), now: NOW, old_ends_at: NOW };
    assert_eq!(f.change(missing), Changed::Missing);
    assert_eq!(f.change(CatalogWrite::SourceDelete(source_id(1), NOW)), Changed::Yes);
    assert_eq!(ends(&f, 59).await, None);
}

pub(super) async fn the_application_of_a_source_is_in_no_list(mut f: Fixture) {
    f.configured(1, &[]);
    insert(&mut f, new_source(2));
    f.change(CatalogWrite::EndpointInsert(Box::new(endpoint(2, 5))));
    let listed = f.store.application_list(DEFAULT_ORGANISATION, all()).await.unwrap();
    assert_eq!(listed.items, [application(1)]);
    let (filter, budget) = (ApplicationFilter::default(), SearchBudget { applications: 10, endpoints: 10 });
    let found = f.store.application_search(DEFAULT_ORGANISATION, filter, budget, all()).await.unwrap();
    assert_eq!(found.page.items, [application(1)]);
    f.append(crate::store::conformance::fixture::message(2, 6), &[]);
    assert!(f.store.message_recent(DEFAULT_ORGANISATION, 10).await.unwrap().is_empty());
    let wanted = f.store.subscribers(DEFAULT_ORGANISATION, event_type("a.b"), app(0), 10).await.unwrap();
    assert!(wanted.is_empty(), "events for all are not for sources: {wanted:?}");
    let read = f.store.application_with_endpoints(app(2)).await.unwrap().unwrap();
    assert_eq!((read.application.purpose, read.endpoints.len()), (Purpose::Source, 1));
}
