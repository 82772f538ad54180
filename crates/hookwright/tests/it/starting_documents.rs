//! What the starting documents show in code for django-rest-hooks and dj-webhooks, done in Rust: one test for each block.
//!
//! Their blocks over HTTP (`POST`, `GET` and `DELETE` of hooks, the resources of Tastypie and of the Django REST framework) have theirs
//! in the server's tests, under `rest_hooks`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookwright::domain::payload_format::PayloadFormat;
use hookwright::{Builder, Bytes, Error, Hooks, Raw, StartError, WebhookBody, hook, http};
use serde::Serialize;
use serde_json::{Value, json};

const TARGET: &str = "http://example.com/target.php";

/// The model of the documents.
#[derive(Serialize, hookwright::Resource)]
#[resource(name = "bookstore.Book", owner = user, payload = Book::data)]
struct Book {
    user: &'static str,
    id: u64,
    title: String,
    pages: u32,
    fiction: bool,
}

impl Book {
    fn data(&self) -> Value {
        json!({"id": self.id, "title": self.title, "pages": self.pages, "fiction": self.fiction})
    }

    async fn mark_as_read(&self, hooks: &Hooks) -> Result<(), Error> {
        hooks.action("read", self).await.map(drop)
    }
}

fn the_two_towers() -> Book {
    Book { user: "jrrtolkien", id: 1, title: "The Two Towers".to_owned(), pages: 327, fiction: true }
}

/// `HOOK_EVENTS` of the documents, in their own texts.
fn with_hook_events(builder: Builder) -> Builder {
    builder
        .event("book.added", "bookstore.Book.created")
        .event("book.changed", "bookstore.Book.updated+")
        .event("book.removed", "bookstore.Book.deleted")
        .event("book.read", "bookstore.Book.read")
        .event("user.logged_in", "")
}

async fn start() -> Hooks {
    with_hook_events(Hooks::test()).start().await.unwrap()
}

async fn subscribe(hooks: &Hooks, event: &str) -> String {
    let owner = hooks.owner("jrrtolkien");
    let endpoint = owner.subscribe(event, TARGET).format(PayloadFormat::Hook).await.unwrap();
    endpoint.id.to_string()
}

fn bodies(hooks: &Hooks, event: &str) -> Vec<Value> {
    hooks.sent(event).iter().map(|sent| serde_json::from_slice(&sent.body).unwrap()).collect()
}

#[tokio::test]
async fn hook_events_are_declared_in_the_same_words() {
    let hooks = start().await;
    let names: Vec<&str> = hooks.events().iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["book.added", "book.changed", "book.read", "book.removed", "user.logged_in"]);
    let refused = hooks.owner("jrrtolkien").subscribe("book.burned", TARGET).await.unwrap_err();
    assert!(matches!(refused, Error::UndeclaredEvent { .. }), "{refused}");
    let twice = with_hook_events(Hooks::test()).event("book.made", Book::CREATED).start().await;
    let Err(StartError::Events(error)) = twice else { panic!("two events for one change") };
    assert!(error.to_string().contains("book.added and book.made"), "{error}");
}

#[tokio::test]
async fn a_hook_and_a_book_of_one_user_make_the_webhook_of_the_documents() {
    let hooks = start().await;
    let id = subscribe(&hooks, "book.added").await;
    hooks.created(&the_two_towers()).await.unwrap();
    let data = json!({"id": 1, "title": "The Two Towers", "pages": 327, "fiction": true});
    let about = json!({"id": id, "event": "book.added", "target": TARGET});
    assert_eq!(bodies(&hooks, "book.added"), [json!({"hook": about, "data": data})]);
}

#[tokio::test]
async fn changes_without_a_hook_trigger_nothing_and_with_one_they_do() {
    let hooks = start().await;
    subscribe(&hooks, "book.added").await;
    let mut book = the_two_towers();
    book.title.push_str(": Deluxe Edition");
    book.pages = 352;
    hooks.updated(&book).await.unwrap();
    hooks.deleted(&book).await.unwrap();
    assert!(hooks.sent("book.changed").is_empty() && hooks.sent("book.removed").is_empty());
    subscribe(&hooks, "book.changed").await;
    subscribe(&hooks, "book.removed").await;
    hooks.updated(&book).await.unwrap();
    hooks.deleted(&book).await.unwrap();
    for event in ["book.changed", "book.removed"] {
        assert_eq!(bodies(&hooks, event)[0]["data"]["title"], "The Two Towers: Deluxe Edition", "{event}");
    }
}

#[tokio::test]
async fn a_model_defines_a_custom_action() {
    let hooks = start().await;
    subscribe(&hooks, "book.read").await;
    the_two_towers().mark_as_read(&hooks).await.unwrap();
    assert_eq!(bodies(&hooks, "book.read")[0]["hook"]["event"], "book.read");
}

#[tokio::test]
async fn a_raw_event_has_an_arbitrary_payload() {
    let hooks = start().await;
    subscribe(&hooks, "user.logged_in").await;
    let payload =
        json!({"username": "jrrtolkien", "email": "jrr@example.com", "when": "2018-02-05T12:00:00"});
    hooks.owner("jrrtolkien").send("user.logged_in", &payload).await.unwrap();
    hooks.owner("cslewis").send("user.logged_in", &payload).await.unwrap();
    assert_eq!(bodies(&hooks, "user.logged_in").len(), 1, "the user filters the hooks");
    hooks.assert_sent("user.logged_in", &payload);
}

#[tokio::test]
async fn serialize_hook_writes_the_body_with_the_hook_along() {
    let serialize_hook = |message: &hookwright::domain::message::Message, hook: &_| {
        let hook: &hookwright::domain::endpoint::Endpoint = hook;
        let data: Value = serde_json::from_slice(&message.payload)?;
        let about = json!({"id": hook.id.to_string(), "event": message.event_type.as_str(), "target": hook.settings.url});
        Ok(WebhookBody::json(json!({"hook": about, "data": {"title": data["title"]}}).to_string()))
    };
    let hooks = with_hook_events(Hooks::test()).serialize_with(serialize_hook).start().await.unwrap();
    let id = subscribe(&hooks, "book.added").await;
    hooks.created(&the_two_towers()).await.unwrap();
    let body = &bodies(&hooks, "book.added")[0];
    assert_eq!((&body["hook"]["id"], &body["data"]), (&json!(id), &json!({"title": "The Two Towers"})));
}

#[tokio::test]
async fn hook_deliverer_delivers_and_a_connection_error_is_tried_again() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let deliver_hook = move |outgoing: hookwright::Outgoing| {
        assert_eq!(outgoing.request.uri(), TARGET);
        let answer = match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err("connection error".into()),
            _ => Ok(http::Response::new(Bytes::new())),
        };
        std::future::ready(answer)
    };
    let hooks = with_hook_events(Hooks::test()).deliver_with(deliver_hook).start().await.unwrap();
    subscribe(&hooks, "book.added").await;
    hooks.created(&the_two_towers()).await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    hooks.advance(Duration::from_secs(5)).await;
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn hook_finder_filters_by_a_field_of_the_products_own() {
    let is_active = |_: &_, hook: &hookwright::domain::endpoint::Endpoint| {
        hook.settings.metadata.get("is_active").is_none_or(|is_active| is_active == "true")
    };
    let hooks = with_hook_events(Hooks::test()).find_with(is_active).start().await.unwrap();
    let owner = hooks.owner("jrrtolkien");
    owner.subscribe("book.added", "https://example.com/active").metadata("is_active", "true").await.unwrap();
    owner.subscribe("book.added", "https://example.com/asleep").metadata("is_active", "false").await.unwrap();
    hooks.created(&the_two_towers()).await.unwrap();
    let urls: Vec<String> = hooks.sent("book.added").into_iter().map(|sent| sent.url).collect();
    assert_eq!(urls, ["https://example.com/active"]);
}

#[derive(Serialize)]
struct Confirmation {
    order_num: u64,
    date: &'static str,
    email: &'static str,
}

/// dj-webhooks' decorated function.
#[hook(event = "pay_info.paid", owner = owner)]
fn send_purchase_confirmation(hooks: &Hooks, order_num: u64, owner: &str) -> Confirmation {
    Confirmation { order_num, date: "2018-02-05", email: "jrr@example.com" }
}

#[tokio::test]
async fn a_decorated_function_sends_what_it_returns_to_the_owners_target() {
    let events = ["pay_info.paid", "pay_info.cancelled", "pay_info.refunded", "pay_info.fulfilled"];
    let builder = events.iter().fold(Hooks::test(), |builder, event| builder.event(event, Raw));
    let hooks = builder.start().await.unwrap();
    hooks.owner("jrrtolkien").subscribe("pay_info.paid", "https://example.com/callback").await.unwrap();
    send_purchase_confirmation(&hooks, 7, "jrrtolkien").await.unwrap();
    let payload = json!({"order_num": 7, "date": "2018-02-05", "email": "jrr@example.com"});
    hooks.assert_sent("pay_info.paid", &payload);
}
