//! A bookstore on axum whose users subscribe to what happens to their books, over the REST Hooks API under the bookstore's own path and with
//! its own authentication.
//!
//! `cargo run --example bookstore`, and then
//!
//! ```text
//! curl -d '{"target": "http://127.0.0.1:9000/", "event": "book.added"}' -H 'content-type: application/json' \
//!     'http://127.0.0.1:8000/api/hooks?username=jrrtolkien&api_key=abcdef'
//! curl -d '{"title": "The Two Towers", "pages": 327, "fiction": true}' -H 'content-type: application/json' \
//!     'http://127.0.0.1:8000/books?username=jrrtolkien&api_key=abcdef'
//! ```

#![expect(clippy::print_stdout, reason = "it shows where it listens")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, State};
use axum::routing::{post, put};
use axum::{Json, Router};
use hookwright::domain::names::Uid;
use hookwright::{BoxError, Error, Hooks, Raw};
use hookwright_axum::{Parts, Refusal, RestHooks, User};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;

/// A book of a user.
#[derive(Clone, Serialize, hookwright::Resource)]
#[resource(name = "bookstore.Book", owner = user, payload = Book::for_hooks)]
struct Book {
    id: u64,
    user: String,
    title: String,
    pages: u32,
    fiction: bool,
}

impl Book {
    /// What the webhooks tell of it.
    fn for_hooks(&self) -> serde_json::Value {
        json!({"id": self.id, "title": self.title, "pages": self.pages, "fiction": self.fiction})
    }
}

#[derive(Deserialize)]
struct BookIn {
    title: String,
    pages: u32,
    fiction: bool,
}

/// The bookstore. A real one has a database, and users whose keys are not in its source.
#[derive(Clone)]
struct Store {
    hooks: Hooks,
    books: Arc<Mutex<HashMap<u64, Book>>>,
}

impl Store {
    /// Takes a look at the books, or changes them.
    fn books<T>(&self, with: impl FnOnce(&mut HashMap<u64, Book>) -> T) -> T {
        with(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One of the user's books.
    fn book(&self, user: &SignedIn, id: u64) -> Result<Book, StatusCode> {
        let found = self.books(|books| books.get(&id).cloned());
        found.filter(|book| book.user == user.0).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Whoever calls, as the bookstore's own keys tell.
#[derive(Clone)]
struct SignedIn(String);

impl SignedIn {
    fn of(parts: &Parts) -> Option<SignedIn> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let known = [("jrrtolkien", "abcdef"), ("cslewis", "ghijkl")];
        let (name, key) = (pairs.get("username")?, pairs.get("api_key")?);
        known.contains(&(name.as_str(), key.as_str())).then(|| SignedIn(name.clone()))
    }
}

impl FromRequestParts<Store> for SignedIn {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &Store) -> Result<SignedIn, StatusCode> {
        SignedIn::of(parts).ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// What a handler answers if the engine could not take an event: nothing is lost in silence.
fn unavailable(error: Error) -> StatusCode {
    println!("an event was not taken: {error}");
    StatusCode::SERVICE_UNAVAILABLE
}

async fn add(
    user: SignedIn,
    State(store): State<Store>,
    Json(new): Json<BookIn>,
) -> Result<Json<Book>, StatusCode> {
    let book = store.books(|books| {
        let id = books.keys().max().map_or(1, |last| last + 1);
        let BookIn { title, pages, fiction } = new;
        let book = Book { id, user: user.0, title, pages, fiction };
        books.insert(id, book.clone());
        book
    });
    store.hooks.created(&book).await.map_err(unavailable)?;
    Ok(Json(book))
}

async fn change(
    user: SignedIn,
    State(store): State<Store>,
    Path(id): Path<u64>,
    Json(new): Json<BookIn>,
) -> Result<Json<Book>, StatusCode> {
    let mut book = store.book(&user, id)?;
    (book.title, book.pages, book.fiction) = (new.title, new.pages, new.fiction);
    store.books(|books| books.insert(id, book.clone()));
    store.hooks.updated(&book).await.map_err(unavailable)?;
    Ok(Json(book))
}

async fn remove(
    user: SignedIn,
    State(store): State<Store>,
    Path(id): Path<u64>,
) -> Result<StatusCode, StatusCode> {
    let book = store.book(&user, id)?;
    store.books(|books| books.remove(&id));
    store.hooks.deleted(&book).await.map_err(unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// An action of the bookstore's own.
async fn mark_as_read(
    user: SignedIn,
    State(store): State<Store>,
    Path(id): Path<u64>,
) -> Result<StatusCode, StatusCode> {
    store.hooks.action("read", &store.book(&user, id)?).await.map_err(unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// An event that is no change of a resource.
async fn log_in(user: SignedIn, State(store): State<Store>) -> Result<StatusCode, StatusCode> {
    let sent = store.hooks.owner(&*user.0).send("user.logged_in", &json!({"username": user.0})).await;
    sent.map_err(unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The REST Hooks API for whoever the bookstore knows.
fn rest_hooks(hooks: &Hooks) -> Router<Store> {
    let organisation = hooks.default_organisation();
    let authenticate = move |parts: Parts| async move {
        let SignedIn(name) = SignedIn::of(&parts).ok_or(Refusal::unauthenticated("Who are you?"))?;
        let uid = Uid::parse(&name).map_err(|_| Refusal::unauthenticated("Who are you?"))?;
        Ok(User::new(organisation, uid))
    };
    RestHooks::new(hooks.clone(), authenticate).router("/api/hooks")
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut builder = Hooks::open("sqlite://bookstore-hooks.db")?
        .event("book.added", Book::CREATED)
        .event("book.changed", Book::UPDATED.for_all())
        .event("book.removed", Book::DELETED)
        .event("book.read", Book::action("read"))
        .event("user.logged_in", Raw);
    // So that you can try it on your own machine: an engine calls no private addresses unless it is told to.
    builder.config_mut().allow_target_networks = vec!["127.0.0.0/8".parse()?];
    let hooks = builder.start().await?;

    let store = Store { hooks: hooks.clone(), books: Arc::default() };
    let router = Router::new()
        .route("/books", post(add))
        .route("/books/{id}", put(change).delete(remove))
        .route("/books/{id}/read", post(mark_as_read))
        .route("/login", post(log_in))
        .merge(rest_hooks(&hooks))
        .with_state(store);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening: http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    hooks.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
