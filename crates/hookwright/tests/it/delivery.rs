//! What arrives at an endpoint: the payload byte for byte, signed, at those who want it.

use std::time::Duration;

use bytes::Bytes;
use hookwright::config::SignatureHeaders;
use hookwright::domain::attempt::{AttemptStatus, Trigger};
use hookwright::domain::endpoint::{DisabledReason, EndpointSettings, Header};
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::names::Channel;
use hookwright::domain::payload_format::PayloadFormat;
use hookwright::hooks::{EndpointRef, NewEndpoint};
use hookwright::{Activity, ActivityEvent};
use hookwright_signature::Verifier;
use hookwright_testkit::{Receiver, Reply};

use crate::rig::{Rig, event_type, new_message, to_url};

#[tokio::test]
async fn a_message_arrives_signed_and_its_attempt_is_logged() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    receiver.script([Reply::status(202).body("thanks")]);
    let endpoint = rig.endpoint(receiver.url("/hook?a=b")).await;
    let message = rig.send(r#"{"title":"Dune"}"#).await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/hook?a=b"));
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert!(got.header("user-agent").unwrap().starts_with("hookwright/"));
    assert_eq!(got.id(), message.id.to_string());
    let verified = Verifier::new(&endpoint.secret).verify(|name| got.header(name), &got.body).unwrap();
    assert_eq!(verified.id, message.id.to_string());

    let attempts = rig.wait_ended(message.id).await;
    assert_eq!(attempts.len(), 1);
    let attempt = &attempts[0];
    assert_eq!((attempt.number, attempt.status, attempt.response_code), (1, AttemptStatus::Success, 202));
    assert_eq!(attempt.response, "thanks");
    assert_eq!((attempt.reason.as_deref(), attempt.next_attempt_at), (None, None));
    assert_eq!((attempt.trigger, attempt.endpoint), (Trigger::Scheduled, endpoint.id));
    assert_eq!(attempt.url, receiver.url("/hook?a=b"));
    rig.end().await;
}

#[tokio::test]
async fn payloads_arrive_byte_for_byte() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let payloads = [
        Bytes::from_static(b"{ \"b\" : 1.10 ,\r\n\t\"a\":\"\\u00e9\" }  "),
        Bytes::from_static("{\"ä\":\"日本\u{0}\"}".as_bytes()),
        Bytes::from(every_byte),
    ];
    for payload in &payloads {
        let message = rig.send(payload.clone()).await;
        rig.wait_ended(message.id).await;
        let stored = rig.hooks.message_get(rig.application, message.id).await.unwrap();
        assert_eq!(stored.payload, payload);
    }
    let got: Vec<Bytes> = receiver.received().into_iter().map(|received| received.body).collect();
    assert_eq!(got, payloads);
    rig.end().await;
}

#[tokio::test]
async fn a_message_goes_to_every_endpoint_that_wants_its_type_and_channel_and_to_no_other() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let organisation = rig.hooks.default_organisation();
    for name in ["book.added", "book.lent"] {
        let settings = EventTypeSettings::default();
        rig.hooks.event_type_create(organisation, event_type(name), settings).await.unwrap();
    }
    let channel = |name: &str| Channel::parse(name).unwrap();
    let endpoint = |path: &str, types: &[&str], channels: &[&str], disabled| NewEndpoint {
        settings: EndpointSettings {
            url: receiver.url(path),
            event_types: types.iter().map(|name| EventFilter::parse(name).unwrap()).collect(),
            channels: channels.iter().map(|name| channel(name)).collect(),
            ..EndpointSettings::default()
        },
        disabled,
        ..NewEndpoint::default()
    };
    for new in [
        endpoint("/all", &[], &[], None),
        endpoint("/all-too", &[], &[], None),
        endpoint("/added", &["book.added"], &[], None),
        endpoint("/both", &["book.lent", "book.added"], &[], None),
        endpoint("/lent", &["book.lent"], &[], None),
        endpoint("/under", &["book.*"], &[], None),
        endpoint("/once", &["book.added", "book.*"], &[], None),
        endpoint("/elsewhere", &["book.added.*", "user.*"], &[], None),
        endpoint("/red", &[], &["red", "blue"], None),
        endpoint("/green", &[], &["green"], None),
        endpoint("/off", &[], &[], Some(DisabledReason::ByRequest)),
    ] {
        rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    }
    let mut message = new_message("{}");
    message.channels = vec![channel("red"), channel("yellow")];
    let message = rig.send_message(message).await;
    let attempts = rig.wait_ended(message.id).await;
    let mut paths: Vec<_> = receiver.received().iter().map(|got| got.target.clone()).collect();
    paths.sort();
    assert_eq!(paths, ["/added", "/all", "/all-too", "/both", "/once", "/red", "/under"]);
    assert_eq!(attempts.len(), 7);

    let plain = rig.send("{}").await;
    assert_eq!(
        rig.wait_ended(plain.id).await.len(),
        6,
        "without a channel it is not for those who filter by one"
    );
    rig.end().await;
}

#[tokio::test]
async fn a_hook_gets_the_payload_byte_for_byte_in_an_envelope_and_that_is_what_is_signed() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let hook = async |path: &str, format| {
        let mut new = to_url(receiver.url(path));
        new.settings.format = format;
        rig.hooks.endpoint_create(rig.application, new).await.unwrap()
    };
    let odd = "{\"b\": 1.50,  \"a\":\"\u{fc}&=+%\"}";
    let json = hook("/json?q=\"", PayloadFormat::Hook).await;
    rig.send(odd).await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!(got.header("content-type"), Some("application/json"));
    let (id, target) = (json.id, json.settings.url.replace('"', "\\\""));
    let envelope = |id, target| {
        format!(r#"{{"hook":{{"event":"book.added","id":"{id}","target":"{target}"}},"data":{odd}}}"#)
    };
    assert_eq!(String::from_utf8_lossy(&got.body), envelope(id, target));
    Verifier::new(&json.secret).verify(|name| got.header(name), &got.body).unwrap();
    rig.hooks.endpoint_delete(rig.application, &EndpointRef::Id(json.id)).await.unwrap();

    let form = hook("/form", PayloadFormat::HookForm).await;
    rig.send(odd).await;
    let got = receiver.wait_for(2).await.remove(1);
    assert_eq!(got.header("content-type"), Some("application/x-www-form-urlencoded"));
    let fields: Vec<_> = url::form_urlencoded::parse(&got.body).into_owned().collect();
    assert_eq!(fields, [("payload".to_owned(), envelope(form.id, form.settings.url.clone()))]);
    Verifier::new(&form.secret).verify(|name| got.header(name), &got.body).unwrap();
    rig.end().await;
}

#[tokio::test]
async fn headers_of_an_endpoint_are_sent_with_each_attempt() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let header = |name, value| Header::parse(name, value).unwrap();
    let mut new = to_url(receiver.url("/"));
    new.headers = vec![
        header("Authorization", "Bearer s3cret"),
        header("x-tenant", "a b\tc"),
        header("X-Tenant", "second"),
        header("x-empty", ""),
    ];
    rig.hooks.endpoint_create(rig.application, new).await.unwrap();
    rig.send("{}").await;
    let got = receiver.wait_for(1).await.remove(0);
    assert_eq!(got.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(got.header_all("x-tenant").collect::<Vec<_>>(), ["a b\tc", "second"]);
    assert_eq!(got.header("x-empty"), Some(""));
    rig.end().await;
}

#[tokio::test]
async fn both_families_of_signature_headers_can_be_sent() {
    let rig = Rig::start_with(|config| config.signature_headers = SignatureHeaders::Both).await;
    let receiver = Receiver::start().await;
    let endpoint = rig.endpoint(receiver.url("/")).await;
    rig.send("{}").await;
    let got = receiver.wait_for(1).await.remove(0);
    for family in ["webhook-", "svix-"] {
        let header = |name: &'static str| if name.starts_with(family) { got.header(name) } else { None };
        Verifier::new(&endpoint.secret).verify(header, &got.body).unwrap();
    }
    rig.end().await;
}

#[tokio::test]
async fn a_change_of_the_url_counts_at_the_next_attempt() {
    let rig = Rig::start_manual(|_| ()).await;
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    old.script([Reply::status(500)]);
    let endpoint = rig.endpoint(old.url("/old")).await;
    let message = rig.send("{}").await;
    rig.wait_retry(message.id).await;
    rig.update(&endpoint, |edit| edit.settings.url = new.url("/new")).await;
    rig.advance_to_retry(message.id).await;
    let attempts = rig.wait_ended(message.id).await;
    let urls: Vec<_> = attempts.iter().map(|attempt| attempt.url.clone()).collect();
    assert_eq!(urls, [old.url("/old"), new.url("/new")]);
    assert_eq!((old.count(), new.count()), (1, 1));
    rig.end().await;
}

#[tokio::test]
async fn connections_are_kept_for_the_next_attempt() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    for _ in 0..5 {
        let message = rig.send("{}").await;
        rig.wait_ended(message.id).await;
    }
    assert_eq!(receiver.tally().connections, 1);
    rig.end().await;
}

#[tokio::test]
async fn onlookers_are_told_of_what_is_accepted_and_attempted() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    rig.endpoint(receiver.url("/")).await;
    let mut activity = rig.hooks.activity();
    let message = rig.send("{}").await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let Activity { message: id, event, .. } =
            tokio::time::timeout(Duration::from_secs(30), activity.recv()).await.unwrap().unwrap();
        assert_eq!(id, message.id);
        seen.push(matches!(event, ActivityEvent::Attempted(_)));
    }
    seen.sort_unstable();
    assert_eq!(seen, [false, true]);
    rig.end().await;
}
