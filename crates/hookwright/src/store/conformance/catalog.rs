//! What is configured, as it is stored, changed and refused.

use hookwright_signature::Secret;

use crate::domain::application::{Application, ApplicationSettings, Metadata};
use crate::domain::endpoint::{DisabledReason, Endpoint, EndpointSettings, Header, OldSecret};
use crate::domain::endpoint_edit::EndpointRef;
use crate::domain::event_filter::EventFilter;
use crate::domain::event_type::{EventType, EventTypeSettings};
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::names::{Channel, FeatureFlag, HookIdentifier, Uid};
use crate::domain::page::{From, Order, PageRequest};
use crate::domain::payload_format::PayloadFormat;
use crate::store::DEFAULT_ORGANISATION;
use crate::store::conformance::fixture::{
    Fixture, NOW, all, app, application, at, endpoint, ep, event_type, id,
};
use crate::store::write::{CatalogWrite, Changed};

fn odd() -> Metadata {
    [("", ""), ("a'b\"c", "\u{0}\n\t\\"), ("ключ", "🦀 {\"x\":[1]}")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn uid(text: &str) -> Option<Uid> {
    Some(Uid::parse(text).unwrap())
}

async fn read_endpoint(f: &Fixture, application: u16, number: u16) -> Endpoint {
    let read = f.store.application_with_endpoints(app(application)).await.unwrap().unwrap();
    read.endpoints.into_iter().find(|endpoint| endpoint.id == ep(number)).unwrap()
}

pub(super) async fn applications_are_read_back_as_they_were(mut f: Fixture) {
    let stored = Application {
        settings: ApplicationSettings {
            uid: uid("customer-1"),
            name: "'; -- \u{1f980}".to_owned(),
            throttle_rate: Some(u16::MAX),
            metadata: odd(),
        },
        ..application(1)
    };
    f.change(CatalogWrite::ApplicationInsert(stored.clone()));
    let read = f.store.application_with_endpoints(app(1)).await.unwrap().unwrap();
    assert_eq!((read.application, read.endpoints.len()), (stored.clone(), 0));
    let by_uid = async |organisation, text| {
        f.store.application_by_uid(organisation, uid(text).unwrap()).await.unwrap()
    };
    assert_eq!(by_uid(DEFAULT_ORGANISATION, "customer-1").await, Some(app(1)));
    assert_eq!(by_uid(DEFAULT_ORGANISATION, "CUSTOMER-1").await, None);
    assert_eq!(by_uid(OrganisationId::from_bytes(id(5)), "customer-1").await, None);
    assert_eq!(f.store.application_list(DEFAULT_ORGANISATION, all()).await.unwrap().items, [stored]);
}

pub(super) async fn endpoints_are_read_back_with_secrets_headers_and_odd_characters(mut f: Fixture) {
    f.configured(1, &[]);
    let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
    let asymmetric = Secret::generate_asymmetric().unwrap();
    let stored = Endpoint {
        settings: EndpointSettings {
            uid: uid("e"),
            url: "https://bücher.example/?q='\"".to_owned(),
            description: "line\nbreak \u{0}".to_owned(),
            throttle_rate: Some(1),
            event_types: vec![event_type("b").into(), EventFilter::parse("a.*").unwrap()],
            channels: vec![Channel::parse("x:y+z").unwrap()],
            metadata: odd(),
            format: PayloadFormat::HookForm,
            identifier: Some(HookIdentifier::parse("my-first_hook").unwrap()),
        },
        secret: asymmetric.clone(),
        old_secrets: vec![
            OldSecret { secret: Secret::from_bytes(&[1; 24]).unwrap(), expires_at: at(5) },
            OldSecret { secret: Secret::from_bytes(&[2; 64]).unwrap(), expires_at: at(1 << 33) },
        ],
        headers: vec![header("X-B", "\"quoted\" \\ 'x'"), header("x-a", ""), header("X-B", "again")],
        disabled: Some(DisabledReason::Failing),
        ..endpoint(1, 9)
    };
    f.change(CatalogWrite::EndpointInsert(Box::new(stored.clone())));
    let read = read_endpoint(&f, 1, 9).await;
    assert_eq!(read.settings, stored.settings);
    assert_eq!(read.headers, stored.headers, "in their order and case");
    assert_eq!((read.disabled, read.created_at, read.updated_at), (stored.disabled, NOW, NOW));
    assert_eq!(*read.secret.expose(), *asymmetric.expose());
    let old = |endpoint: &Endpoint| {
        endpoint
            .old_secrets
            .iter()
            .map(|old| (old.secret.expose().to_string(), old.expires_at))
            .collect::<Vec<_>>()
    };
    assert_eq!(old(&read), old(&stored));
}

pub(super) async fn event_types_are_read_back_by_name(mut f: Fixture) {
    let stored = |name: &str, organisation| EventType {
        organisation,
        name: event_type(name),
        settings: EventTypeSettings {
            description: "'ä'".to_owned(),
            archived: true,
            deprecated: true,
            schemas: Some("{\"1\":{}}".to_owned()),
            validated: true,
            feature_flags: vec![FeatureFlag::parse("beta").unwrap()],
            group_name: Some(event_type("books")),
        },
        created_at: NOW,
        updated_at: NOW,
    };
    let here = [stored("a", DEFAULT_ORGANISATION), stored("b", DEFAULT_ORGANISATION)];
    for new in [&here[1], &here[0], &stored("a", OrganisationId::from_bytes(id(5)))] {
        assert_eq!(f.change(CatalogWrite::EventTypeInsert(new.clone())), Changed::Yes);
    }
    assert_eq!(f.change(CatalogWrite::EventTypeInsert(here[0].clone())), Changed::Taken);
    assert_eq!(f.store.event_types(DEFAULT_ORGANISATION).await.unwrap(), here);
    let plain = EventType { settings: EventTypeSettings::default(), updated_at: at(1), ..here[0].clone() };
    let update = || CatalogWrite::EventTypeUpdate { event_type: plain.clone(), unless_changed_since: NOW };
    assert_eq!((f.change(update()), f.change(update())), (Changed::Yes, Changed::Stale));
    let delete = || CatalogWrite::EventTypeDelete(DEFAULT_ORGANISATION, event_type("b"));
    assert_eq!((f.change(delete()), f.change(delete())), (Changed::Yes, Changed::Missing));
    assert_eq!(f.store.event_types(DEFAULT_ORGANISATION).await.unwrap(), [plain]);
}

pub(super) async fn a_uid_is_taken_only_among_its_siblings(mut f: Fixture) {
    let with_uid = |number, organisation| Application {
        organisation,
        settings: ApplicationSettings { uid: uid("u"), ..Default::default() },
        ..application(number)
    };
    let elsewhere = OrganisationId::from_bytes(id(5));
    assert_eq!(f.change(CatalogWrite::ApplicationInsert(with_uid(1, DEFAULT_ORGANISATION))), Changed::Yes);
    assert_eq!(f.change(CatalogWrite::ApplicationInsert(with_uid(2, DEFAULT_ORGANISATION))), Changed::Taken);
    assert_eq!(f.change(CatalogWrite::ApplicationInsert(with_uid(3, elsewhere))), Changed::Yes);
    f.configured(4, &[]);
    let renamed = with_uid(4, DEFAULT_ORGANISATION);
    let update = CatalogWrite::ApplicationUpdate { application: renamed, unless_changed_since: NOW };
    assert_eq!(f.change(update), Changed::Taken);

    let named = |application, number| {
        let mut named = endpoint(application, number);
        named.settings.uid = uid("e");
        Box::new(named)
    };
    assert_eq!(f.change(CatalogWrite::EndpointInsert(named(1, 8))), Changed::Yes);
    assert_eq!(f.change(CatalogWrite::EndpointInsert(named(1, 9))), Changed::Taken);
    assert_eq!(f.change(CatalogWrite::EndpointInsert(named(4, 9))), Changed::Yes);
    f.change(CatalogWrite::EndpointInsert(Box::new(endpoint(1, 10))));
    let update = CatalogWrite::EndpointUpdate { endpoint: named(1, 10), unless_changed_since: NOW };
    assert_eq!(f.change(update), Changed::Taken);
}

pub(super) async fn a_change_of_something_that_changed_meanwhile_is_stale(mut f: Fixture) {
    f.configured(1, &[9]);
    let changed = Application { updated_at: at(1), ..application(1) };
    let update =
        || CatalogWrite::ApplicationUpdate { application: changed.clone(), unless_changed_since: NOW };
    assert_eq!((f.change(update()), f.change(update())), (Changed::Yes, Changed::Stale));
    let changed = Endpoint { updated_at: at(1), ..endpoint(1, 9) };
    let update =
        || CatalogWrite::EndpointUpdate { endpoint: Box::new(changed.clone()), unless_changed_since: NOW };
    assert_eq!((f.change(update()), f.change(update())), (Changed::Yes, Changed::Stale));
}

pub(super) async fn an_endpoint_is_disabled_once(mut f: Fixture) {
    f.configured(1, &[9]);
    let disable = |reason, now| CatalogWrite::EndpointDisable {
        application: app(1),
        endpoint: ep(9),
        reason,
        failing_since: None,
        now,
    };
    assert_eq!(f.change(disable(DisabledReason::Gone, NOW)), Changed::Yes);
    assert_eq!(f.change(disable(DisabledReason::Failing, at(9))), Changed::Missing);
    let read = read_endpoint(&f, 1, 9).await;
    assert_eq!(read.disabled, Some(DisabledReason::Gone));
    assert!(read.updated_at > NOW, "changes are told apart by their time, also within one microsecond");
}

pub(super) async fn an_endpoint_of_a_missing_application_is_refused(mut f: Fixture) {
    let new = || CatalogWrite::EndpointInsert(Box::new(endpoint(1, 9)));
    assert_eq!(f.change(new()), Changed::Missing);
    f.configured(1, &[]);
    assert_eq!(f.change(new()), Changed::Yes);
    let delete = || CatalogWrite::EndpointDelete(app(1), ep(9));
    assert_eq!((f.change(delete()), f.change(delete())), (Changed::Yes, Changed::Missing));
}

pub(super) async fn lists_of_applications_go_both_ways(mut f: Fixture) {
    for number in [3, 1, 2, 5, 4] {
        f.configured(number, &[]);
    }
    let list = async |order, from: Option<From<ApplicationId>>| {
        let page = PageRequest { limit: 2, order, from };
        let page = f.store.application_list(DEFAULT_ORGANISATION, page).await.unwrap();
        (page.items.iter().map(|application| application.id).collect::<Vec<_>>(), page.done)
    };
    let (up, down) = (Order::Ascending, Order::Descending);
    assert_eq!(list(up, None).await, (vec![app(1), app(2)], false));
    assert_eq!(list(up, Some(From::After(app(4)))).await, (vec![app(5)], true));
    assert_eq!(list(up, Some(From::Before(app(4)))).await, (vec![app(2), app(3)], false));
    assert_eq!(list(down, None).await, (vec![app(5), app(4)], false));
    assert_eq!(list(down, Some(From::Before(app(3)))).await, (vec![app(5), app(4)], true));
}

pub(super) async fn whether_an_endpoint_or_event_type_is_there_is_known_by_each_of_its_names(mut f: Fixture) {
    f.configured(1, &[8]);
    let named = |settings| Endpoint { settings, ..endpoint(1, 9) };
    let new = named(EndpointSettings { uid: uid("e"), ..endpoint(1, 9).settings });
    assert_eq!(f.change(CatalogWrite::EndpointInsert(Box::new(new))), Changed::Yes);
    // An id of another server, which was taken over as the uid.
    let foreign = EndpointSettings { uid: uid(&ep(7).to_string()), ..endpoint(1, 9).settings };
    let new = Endpoint { id: ep(10), ..named(foreign) };
    assert_eq!(f.change(CatalogWrite::EndpointInsert(Box::new(new))), Changed::Yes);
    let by_uid = |text| EndpointRef::Uid(uid(text).unwrap());
    for (application, name, is_there) in [
        (1, EndpointRef::Id(ep(8)), true),
        (1, EndpointRef::Id(ep(9)), true),
        (1, EndpointRef::Id(ep(7)), true),
        (1, EndpointRef::Id(ep(6)), false),
        (1, by_uid("e"), true),
        (1, by_uid("f"), false),
        (2, EndpointRef::Id(ep(8)), false),
        (2, by_uid("e"), false),
    ] {
        let found = f.store.endpoint_is_there(app(application), name.clone()).await.unwrap();
        assert_eq!(found, is_there, "{application} {name:?}");
    }

    let here = EventType {
        organisation: DEFAULT_ORGANISATION,
        name: event_type("a"),
        settings: EventTypeSettings::default(),
        created_at: NOW,
        updated_at: NOW,
    };
    assert_eq!(f.change(CatalogWrite::EventTypeInsert(here)), Changed::Yes);
    let elsewhere = OrganisationId::from_bytes(id(5));
    for (organisation, names, is_there) in [
        (DEFAULT_ORGANISATION, &["b", "a"][..], true),
        (DEFAULT_ORGANISATION, &["b"], false),
        (DEFAULT_ORGANISATION, &[], false),
        (elsewhere, &["a"], false),
    ] {
        let all = names.iter().map(|name| event_type(name)).collect();
        let found = f.store.event_type_is_there(organisation, all).await.unwrap();
        assert_eq!(found, is_there, "{names:?}");
    }
}
