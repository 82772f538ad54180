//! The engine inside a product: its own owners, resources and events.

use std::time::{Duration, Instant};

use hookwright::config::DatabaseUrl;
use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::names::{Channel, EventTypeName, HookIdentifier};
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::payload_format::PayloadFormat;
use hookwright::{Builder, Error, Hooks, NothingSent, OwnerError, Published, Raw, StartError, StoreError};
use hookwright_signature::{Secret, Verifier};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use crate::rig;

const HOOK: &str = "https://example.com/hook";

#[derive(Serialize, hookwright::Resource)]
#[resource(name = "bookstore.Book", owner = user_id)]
struct Book {
    id: i64,
    user_id: Option<i64>,
    title: String,
}

fn book(user_id: impl Into<Option<i64>>) -> Book {
    Book { id: 7, user_id: user_id.into(), title: "The Hobbit".to_owned() }
}

fn declared(builder: Builder) -> Builder {
    builder
        .event("book.added", Book::CREATED)
        .event("book.changed", "bookstore.Book.updated")
        .event("book.read", Book::action("read"))
        .event("user.logged_in", Raw)
}

/// An engine on a file, which may call this machine.
fn on_file(directory: &TempDir) -> Builder {
    let mut builder = Hooks::builder(DatabaseUrl::Sqlite("replaced below".into()));
    *builder.config_mut() = rig::config(directory);
    builder
}

/// Nothing was made or stored.
async fn assert_untouched(hooks: &Hooks) {
    let page = PageRequest::first(10, Order::Ascending);
    let applications = hooks.application_list(hooks.default_organisation(), page).await.unwrap().items;
    assert!(applications.is_empty(), "{applications:?}");
    assert!(hooks.message_recent(hooks.default_organisation(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn changes_of_a_resource_go_to_its_owner_alone() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    for (owner, url) in [(42, "https://example.com/42"), (43, "https://example.com/43")] {
        for event in ["book.added", "book.changed", "book.read"] {
            hooks.owner(owner).subscribe(event, url).await.unwrap();
        }
    }
    let book = book(42);
    assert!(hooks.created(&book).await.unwrap().is_sent());
    assert!(hooks.updated(&book).await.unwrap().is_sent());
    assert!(hooks.action("read", &book).await.unwrap().is_sent());
    for event in ["book.added", "book.changed", "book.read"] {
        let sent = hooks.sent(event);
        assert_eq!(sent.len(), 1, "{event}");
        assert_eq!(sent[0].url, "https://example.com/42");
        assert_eq!(sent[0].json(), json!({"id": 7, "user_id": 42, "title": "The Hobbit"}));
    }
}

#[tokio::test]
async fn a_change_that_no_event_names_sends_nothing() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    // Nobody would get it: so it matters neither that there is no owner.
    let published = hooks.deleted(&book(None)).await.unwrap();
    assert_eq!(published, Published::Nothing(NothingSent::NoEvent));
    assert_untouched(&hooks).await;
}

#[tokio::test]
async fn for_an_owner_who_never_subscribed_nothing_is_stored() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    let published = hooks.created(&book(42)).await.unwrap();
    assert_eq!(published, Published::Nothing(NothingSent::NeverSubscribed));
    let published = hooks.owner("tolkien").send("user.logged_in", &json!({})).await.unwrap();
    assert_eq!(published, Published::Nothing(NothingSent::NeverSubscribed));
    assert_untouched(&hooks).await;
}

#[tokio::test]
async fn owners_are_named_by_numbers_uuids_and_texts() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    let uuid = uuid::Uuid::from_u128(7);
    hooks.owner(42).subscribe("user.logged_in", "https://example.com/number").await.unwrap();
    hooks.owner(uuid).subscribe("user.logged_in", "https://example.com/uuid").await.unwrap();
    hooks.owner("tolkien").subscribe("user.logged_in", "https://example.com/text").await.unwrap();
    hooks.owner(Some(42_u64)).send("user.logged_in", &1).await.unwrap();
    hooks.owner(uuid).send("user.logged_in", &2).await.unwrap();
    hooks.owner(String::from("tolkien")).send("user.logged_in", &3).await.unwrap();
    let sent: Vec<_> =
        hooks.sent("user.logged_in").into_iter().map(|sent| (sent.url.clone(), sent.json())).collect();
    let expected = [("number", 1), ("uuid", 2), ("text", 3)]
        .map(|(at, n)| (format!("https://example.com/{at}"), json!(n)));
    assert_eq!(sent, expected);
}

/// Cannot be written as JSON: a map's keys must be texts.
fn unserialisable() -> std::collections::HashMap<Vec<u8>, u8> {
    std::collections::HashMap::from([(vec![1], 1)])
}

#[tokio::test]
async fn what_cannot_be_done_is_a_typed_error_and_nothing_of_it_is_done() {
    let hooks = declared(Hooks::test()).start().await.unwrap();

    let error = hooks.created(&book(None)).await.unwrap_err();
    assert!(matches!(error, Error::Owner(OwnerError::Missing)), "{error}");
    let error = hooks.owner("J. R. R.").subscribe("book.added", HOOK).await.unwrap_err();
    assert!(matches!(error, Error::Owner(OwnerError::NoUid { .. })), "{error}");
    let error = hooks.owner(None::<i64>).subscriptions().await.unwrap_err();
    assert!(matches!(error, Error::Owner(OwnerError::Missing)), "{error}");

    for event in ["book.burned", "book burned", ""] {
        let error = hooks.owner(42).send(event, &1).await.unwrap_err();
        assert!(matches!(&error, Error::UndeclaredEvent { event: told } if told == event), "{error}");
        let error = hooks.owner(42).subscribe(event, HOOK).await.unwrap_err();
        assert!(matches!(&error, Error::UndeclaredEvent { event: told } if told == event), "{error}");
    }
    let error = hooks.owner(42).send("user.logged_in", &unserialisable()).await.unwrap_err();
    assert!(matches!(error, Error::Payload(_)), "{error}");
    let error = hooks.owner(42).subscribe("book.added", "http://localhost/").await.unwrap_err();
    assert!(matches!(error, Error::Url(_)), "{error}");
    assert_untouched(&hooks).await;
}

#[tokio::test]
async fn subscriptions_are_listed_and_end() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    let (owner, other) = (hooks.owner(42), hooks.owner(43));
    assert!(owner.subscriptions().await.unwrap().is_empty());
    let first = owner.subscribe("book.added", HOOK).metadata("shelf", "fantasy").await.unwrap();
    let second = owner.subscribe("book.*", "https://example.com/all").await.unwrap();
    assert_eq!(first.settings.metadata.get("shelf").map(String::as_str), Some("fantasy"));
    let listed: Vec<_> =
        owner.subscriptions().await.unwrap().into_iter().map(|endpoint| endpoint.id).collect();
    assert_eq!(listed, [first.id, second.id]);

    other.subscribe("book.added", HOOK).await.unwrap();
    let error = other.unsubscribe(first.id).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "another's subscription: {error}");
    owner.unsubscribe(first.id).await.unwrap();
    let error = owner.unsubscribe(first.id).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");

    hooks.created(&book(42)).await.unwrap();
    let urls: Vec<_> = hooks.sent("book.added").into_iter().map(|sent| sent.url).collect();
    assert_eq!(urls, ["https://example.com/all"]);
}

#[tokio::test]
async fn declared_events_are_event_types_and_keep_what_is_set_on_them() {
    let directory = tempfile::tempdir().unwrap();
    let hooks = on_file(&directory).start().await.unwrap();
    let organisation = hooks.default_organisation();
    let name = |text| EventTypeName::parse(text).unwrap();
    let settings = EventTypeSettings {
        description: "A book was added.".to_owned(),
        archived: true,
        ..EventTypeSettings::default()
    };
    hooks.event_type_create(organisation, name("book.added"), settings).await.unwrap();
    hooks.shutdown(Duration::ZERO).await.unwrap();

    let hooks = declared(on_file(&directory)).start().await.unwrap();
    let added = hooks.event_type_get(organisation, &name("book.added")).await.unwrap().settings;
    assert_eq!((added.description.as_str(), added.archived), ("A book was added.", false));
    for event in ["book.changed", "book.read", "user.logged_in"] {
        assert!(
            !hooks.event_type_get(organisation, &name(event)).await.unwrap().settings.archived,
            "{event}"
        );
    }
    hooks.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn events_that_contradict_each_other_are_told_at_the_start() {
    let started =
        Hooks::test().event("book.added", Book::CREATED).event("book.born", Book::CREATED).start().await;
    let error = started.err().unwrap();
    assert!(matches!(error, StartError::Events(_)), "{error}");
    assert!(
        error.to_string().starts_with("the events book.added and book.born are both declared for"),
        "{error}"
    );
    let started = Hooks::test().event("book.added", "created").start().await;
    let error = started.err().unwrap().to_string();
    assert!(error.contains("\"book.added\"") && error.contains("\"created\" names no action"), "{error}");
}

#[tokio::test]
async fn an_event_for_all_goes_to_every_owner_who_wants_it() {
    let hooks = declared(Hooks::test())
        .event("book.retitled", Book::action("retitled").for_all())
        .find_with(|_, endpoint| !endpoint.settings.metadata.contains_key("muted"))
        .start()
        .await
        .unwrap();
    for owner in 41..44 {
        let url = format!("https://example.com/{owner}");
        hooks.owner(owner).subscribe("book.retitled", url).await.unwrap();
    }
    hooks.owner(44).subscribe("user.logged_in", HOOK).await.unwrap();
    hooks.owner(45).subscribe("book.retitled", HOOK).metadata("muted", "yes").await.unwrap();
    let urls = || {
        let mut urls: Vec<_> = hooks.sent("book.retitled").into_iter().map(|sent| sent.url).collect();
        urls.sort_unstable();
        urls
    };
    let all = ["https://example.com/41", "https://example.com/42", "https://example.com/43"];
    // Nobody in particular need own it.
    let published = hooks.action("retitled", &book(None)).await.unwrap();
    assert!(matches!(published, Published::ToAll(_)) && published.is_sent(), "{published:?}");
    assert_eq!(urls(), all);
    hooks.send_to_all("book.retitled", &json!({})).await.unwrap();
    assert_eq!(urls().len(), 6);
    let error = hooks.send_to_all("book.burned", &1).await.unwrap_err();
    assert!(matches!(error, Error::UndeclaredEvent { .. }), "{error}");
}

#[tokio::test]
async fn the_owner_is_written_into_payloads_that_do_not_have_it() {
    let hooks = declared(Hooks::test()).owner_field("owner").start().await.unwrap();
    hooks.owner(42).subscribe("book.*", HOOK).await.unwrap();
    hooks.owner(42).subscribe("user.logged_in", HOOK).await.unwrap();
    hooks.created(&book(42)).await.unwrap();
    hooks.assert_sent("book.added", json!({"id": 7, "user_id": 42, "title": "The Hobbit", "owner": 42}));
    hooks.owner(42).send("user.logged_in", &json!({"owner": "somebody else"})).await.unwrap();
    hooks.assert_sent("user.logged_in", json!({"owner": "somebody else"}));
    hooks.owner(42).send("user.logged_in", &["no object"]).await.unwrap();
    hooks.assert_sent("user.logged_in", ["no object"]);
}

#[tokio::test]
async fn engines_stand_side_by_side_and_one_file_has_one() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let receivers = [Receiver::start().await, Receiver::start().await];
    let engines =
        [declared(on_file(&first)).start().await.unwrap(), declared(on_file(&second)).start().await.unwrap()];
    let refused = declared(on_file(&first)).start().await.err().unwrap();
    assert!(matches!(refused, StartError::Store(StoreError::InUse { .. })), "{refused}");
    for (hooks, receiver) in engines.iter().zip(&receivers) {
        hooks.owner(42).subscribe("book.added", receiver.url("/")).await.unwrap();
    }
    engines[1].created(&book(42)).await.unwrap();
    receivers[1].wait_for(1).await;
    for hooks in engines {
        hooks.shutdown(Duration::from_secs(10)).await.unwrap();
    }
    assert_eq!(receivers[0].count(), 0);
}

#[tokio::test]
async fn a_shutdown_keeps_what_it_does_not_finish() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.script([Reply::hang(), Reply::ok()]);
    let hooks = declared(on_file(&directory)).start().await.unwrap();
    hooks.owner(42).subscribe("book.added", receiver.url("/")).await.unwrap();
    hooks.created(&book(42)).await.unwrap();
    receiver.wait_for(1).await;
    let report = hooks.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!((report.finished, report.called_off), (0, 1));
    let error = hooks.created(&book(42)).await.unwrap_err();
    assert!(matches!(error, Error::ShuttingDown), "{error}");
    let error = hooks.created(&book(43)).await.unwrap_err();
    assert!(matches!(error, Error::ShuttingDown), "also for who never subscribed: {error}");

    let hooks = declared(on_file(&directory)).start().await.unwrap();
    let received = receiver.wait_for(2).await;
    assert_eq!(received[1].id(), received[0].id());
    hooks.shutdown(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_shutdown_that_cannot_write_the_last_outcomes_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    let hooks = declared(on_file(&directory)).start().await.unwrap();
    hooks.owner(42).subscribe("book.added", receiver.url("/")).await.unwrap();
    hooks.created(&book(42)).await.unwrap();
    gate.wait_entered(1).await;
    let DatabaseUrl::Sqlite(path) = &hooks.config().database else { panic!("it is a file") };
    std::fs::rename(path, directory.path().join("elsewhere.db")).unwrap();
    gate.release();
    let error = hooks.shutdown(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.attempts, 1);
    assert!(error.to_string().contains("was removed or replaced"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_slow_does_not_block_the_runtime() {
    let directory = tempfile::tempdir().unwrap();
    let hooks = declared(on_file(&directory)).start().await.unwrap();
    hooks.owner(42).subscribe("book.added", HOOK).await.unwrap();
    let other = rusqlite::Connection::open(hooks.config().database.file().unwrap()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let book = book(42);
    let mut sending = Box::pin(hooks.created(&book));
    // This runtime has one thread: if the call held it, it would hold it until the database is free, or for 5 s.
    let started = Instant::now();
    let waited = tokio::time::timeout(Duration::from_millis(100), &mut sending).await;
    assert!(
        waited.is_err() && started.elapsed() < Duration::from_secs(3),
        "{waited:?}, {:?}",
        started.elapsed()
    );
    other.execute_batch("COMMIT").unwrap();
    assert!(sending.await.unwrap().is_sent());
    hooks.shutdown(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn nothing_of_an_engine_runs_after_its_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let running = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = running();
    let hooks = declared(on_file(&directory)).start().await.unwrap();
    hooks.owner(42).subscribe("book.added", receiver.url("/")).await.unwrap();
    hooks.created(&book(42)).await.unwrap();
    receiver.wait_for(1).await;
    hooks.shutdown(Duration::from_secs(10)).await.unwrap();
    // The receiver's side of a connection ends when ours is closed, while the handle is still there.
    eventually("the end of all tasks", async || match running() {
        tasks if tasks <= before => Ok(()),
        tasks => Err(tasks),
    })
    .await;
    drop(hooks);
}

#[tokio::test]
async fn a_subscription_may_have_a_format_an_identifier_channels_and_a_secret() {
    let hooks = declared(Hooks::test()).start().await.unwrap();
    let secret = Secret::generate().unwrap();
    let identifier = || HookIdentifier::parse("my-sheet").unwrap();
    let made = hooks
        .owner(42)
        .subscribe("book.added", HOOK)
        .format(PayloadFormat::Hook)
        .identifier(identifier())
        .secret(secret.clone())
        .await
        .unwrap();
    let again = hooks.owner(42).subscribe("book.added", HOOK).identifier(identifier()).await.unwrap_err();
    assert!(matches!(again, Error::Taken { field: "identifier", .. }), "{again}");
    let channel = Channel::parse("fantasy").unwrap();
    hooks.owner(42).subscribe("book.added", "https://example.com/fantasy").channel(channel).await.unwrap();
    hooks.created(&book(42)).await.unwrap();
    let sent = hooks.sent("book.added");
    assert_eq!(sent.len(), 1, "what has no channel is not for who filters by one");
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).unwrap();
    let about = json!({"id": made.id.to_string(), "event": "book.added", "target": HOOK});
    assert_eq!((&body["hook"], &body["data"]["title"]), (&about, &json!("The Hobbit")));
    let header = |name: &str| sent[0].headers.get(name).and_then(|value| value.to_str().ok());
    let now = hooks.clock().now().as_seconds().unsigned_abs();
    Verifier::new(&secret).verify_at(header, &sent[0].body, now).unwrap();
    hooks.shutdown(Duration::ZERO).await.unwrap();
}
