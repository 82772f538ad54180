//! Hookwright's engine: webhooks that are signed, retried, logged and never lost, inside an application.
//!
//! ```standalone_crate
//! # use std::time::Duration;
//! # use hookwright::{Hooks, Raw};
//! # use serde::Serialize;
//! # use serde_json::json;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(&directory)?;
//! # let (delivered, mut deliveries) = tokio::sync::mpsc::unbounded_channel();
//! #[derive(Serialize, hookwright::Resource)]
//! #[resource(name = "bookstore.Book", owner = user_id)]
//! struct Book { id: i64, user_id: i64, title: String }
//!
//! # let book = Book { id: 1, user_id: 42, title: "The Hobbit".to_owned() };
//! let hooks = Hooks::open("sqlite://hooks.db")?
//!     .event("book.added", Book::CREATED)
//!     .event("user.logged_in", Raw)
//! #     .deliver_with(move |outgoing| {
//! #         delivered.send(outgoing.request).ok();
//! #         std::future::ready(Ok(hookwright::http::Response::new(hookwright::Bytes::new())))
//! #     })
//!     .start().await?;                                    // migrates, recovers, delivers
//! hooks.owner(42).subscribe("book.added", "https://example.com/hook").await?;
//! hooks.created(&book).await?;                            // also updated, deleted, action("read", &book)
//! hooks.owner(42).send("user.logged_in", &json!({"username": "jrrtolkien"})).await?;
//! # let request = deliveries.recv().await.ok_or("nothing was delivered")?;
//! # assert_eq!(request.uri(), "https://example.com/hook");
//! # assert_eq!(request.body(), r#"{"id":1,"user_id":42,"title":"The Hobbit"}"#);
//! hooks.shutdown(Duration::from_secs(10)).await?;         // finishes or keeps, never loses
//! # Ok(())
//! # }
//! ```
//!
//! # What a product calls
//!
//! - [`Builder::event`] declares events; [`Resource`] makes a type one whose changes are events; [`Hooks::created`], `updated`,
//!   `deleted` and [`Hooks::action`] tell of changes. The macro [`hook`] sends what a function returns.
//! - [`Hooks::owner`] is whoever has subscriptions: [`Owner::subscribe`], [`Owner::send`].
//! - [`Builder::find_with`], [`Builder::serialize_with`] and [`Builder::deliver_with`] put the product's own code in the place of
//!   the engine's.
//! - Feature `receive`: an `Inbox` takes webhooks of others, and calls the product's handlers with them.
//! - Feature `testing`: `Hooks::test()` is an engine that catches its webhooks, for the product's own tests.
//!
//! An engine runs on the runtime that it was started on, writes on a thread of its own, and has ended when [`Hooks::shutdown`]
//! returns. There are no globals: several stand side by side, each on a database of its own.
//!
//! # Inside
//!
//! [`Hooks`] is the handle: [`Hooks::builder`] sets an engine up, `start` migrates its database, takes up what an earlier run
//! left, and delivers. A message's way through the modules below is the order they stand in.

pub mod hooks; // what a product calls

mod publish; // a message comes in
mod receive; // a request comes to a source
mod catalog; // who wants it
mod journal; // it is on disk
mod dispatch; // when, and in which order
mod deliver; // one attempt
mod cluster; // this node among others
mod maintenance; // what must happen now and then
mod tasks; // many messages once more
mod tell; // the user is told

mod store; // the only SQL
pub mod domain; // the words, and what is decided about them

#[cfg(feature = "receive")]
pub mod inbox; // what others send to a product

mod builder; // what ties it together
mod admin;
pub mod config;
#[cfg(feature = "testing")]
pub mod testing; // for a product's own tests

/// The guide, so that its code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
mod guide {}

/// The same for those who come from dj-webhooks.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/from-dj-webhooks.md")]
mod from_dj_webhooks {}

mod activity; // what all of it uses
mod clock;
mod error;
mod measures;

pub use activity::{Activity, ActivityEvent};
pub use admin::Admin;
pub use builder::{Builder, StartError};
pub use clock::Clock;
pub use deliver::address_policy::{AddressKind, UrlError};
pub use deliver::{BoxError, InboundEvent, Outgoing, WebhookBody};
pub use domain::event::HookEvent;
pub use domain::event_registry::{Raw, ResourceAction};
pub use domain::inbound::ReceivedRequest;
pub use domain::owner::{AsOwner, OwnerError, OwnerId};
pub use error::{Error, Thing};
#[doc(hidden)]
pub use hooks::returning as macro_support;
pub use hooks::{Hooks, NothingSent, Owner, Published, Resource, Subscribe, Unwritten};
#[cfg(feature = "receive")]
pub use inbox::{DeadLetter, EventTypeFrom, Inbox, InboxBuilder, InboxError};
pub use measures::Snapshot;
pub use publish::{NewMessage, Sent};
pub use receive::{Door, InboundHead, InboundReply};
pub use store::SchemaReport;
pub use store::error::{StoreError, Unopenable};
#[cfg(feature = "postgres")]
pub use store::moving::{MoveError, MoveProgress, MoveReport, MoveStep, MovedTable, TableSum, move_database};
pub use store::read::{
    ApplicationFilter, AttemptFilter, DeliveryStatus, Destination, EndpointStats, MessageFilter,
    RecentMessage, SentMessage, TaskFilter,
};
pub use store::sealing::SealingError;
pub use store::write::RequestKey;
#[cfg(feature = "postgres")]
pub use store::{Footprint, ScratchSchema, ServerSession};

// What the seams are written in.
pub use bytes::Bytes;
pub use hookwright_signature::provider::Source;
pub use http;

pub use hookwright_macros::Resource;
/// ```
/// use hookwright::{Error, Hooks, Raw, hook};
///
/// #[derive(serde::Serialize)]
/// struct Payment {
///     order: u64,
///     cents: u64,
/// }
///
/// #[hook(event = "payment.paid", owner = user)]
/// async fn pay(hooks: &Hooks, user: i64, order: u64) -> Result<Payment, Error> {
///     Ok(Payment { order, cents: 1_995 })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let hooks = Hooks::test().event("payment.paid", Raw).start().await?;
/// # hooks.owner(42).subscribe("payment.paid", "https://example.com/hook").await?;
/// let payment = pay(&hooks, 42, 7).await?;
/// # hooks.assert_sent("payment.paid", &payment);
/// # Ok(())
/// # }
/// ```
pub use hookwright_macros::hook;
