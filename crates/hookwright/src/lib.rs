//! Hookwright's engine: webhooks that are signed, retried, logged and never lost, inside an application.
//!
//! [`Hooks`] is the handle: [`Hooks::builder`] sets an engine up, `start` migrates its database, takes up what an earlier run
//! left, and delivers. A message's way through the modules below is the order they stand in.

pub mod hooks; // what a product calls

mod publish; // a message comes in
mod catalog; // who wants it
mod journal; // it is on disk
mod dispatch; // when, and in which order
mod deliver; // one attempt
mod maintenance; // what must happen now and then
mod tasks; // many messages once more
mod tell; // the user is told

mod store; // the only SQL
pub mod domain; // the words, and what is decided about them

mod builder; // what ties it together
mod admin;
pub mod config;

mod activity; // what all of it uses
mod clock;
mod error;
mod measures;

pub use activity::{Activity, ActivityEvent};
pub use admin::Admin;
pub use builder::{Builder, StartError};
pub use clock::Clock;
pub use domain::event::HookEvent;
pub use deliver::address_policy::{AddressKind, UrlError};
pub use error::{Error, Thing};
pub use hooks::Hooks;
pub use measures::Snapshot;
pub use publish::{NewMessage, Sent};
pub use store::SchemaReport;
pub use store::error::{StoreError, Unopenable};
pub use store::read::{
    ApplicationFilter, AttemptFilter, DeliveryStatus, Destination, EndpointStats, MessageFilter,
    RecentMessage, SentMessage, TaskFilter,
};
pub use store::write::RequestKey;
