//! An engine over a database of its own, with one application, and the waits that tests need.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookwright::config::{Config, DatabaseUrl};
use hookwright::domain::application::{ApplicationRef, ApplicationSettings};
use hookwright::domain::attempt::Attempt;
use hookwright::domain::endpoint::{Endpoint, EndpointSettings};
use hookwright::domain::ids::{ApplicationId, MessageId};
use hookwright::domain::message::Message;
use hookwright::domain::names::{EventTypeName, Uid};
use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::time::Timestamp;
use hookwright::hooks::{EndpointEdit, EndpointRef, NewEndpoint};
use hookwright::{AttemptFilter, Clock, DeliveryStatus, HookEvent, Hooks, NewMessage, Sent};
use hookwright_testkit::eventually;
use tempfile::TempDir;

/// Where manual clocks begin.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub(crate) struct Rig {
    pub(crate) hooks: Hooks,
    pub(crate) application: ApplicationId,
    pub(crate) directory: TempDir,
}

/// An engine's configuration as most tests want it: loopback allowed, retries within milliseconds.
pub(crate) fn config(directory: &TempDir) -> Config {
    let file = DatabaseUrl::Sqlite(directory.path().join("test.db"));
    let elsewhere = hookwright_testkit::postgres::instead_of_file(directory.path());
    let master_keys = elsewhere.as_ref().map(|_| hookwright_testkit::postgres::MASTER_KEY.parse().unwrap());
    let mut config = Config::new(elsewhere.map_or(file, |url| url.parse().unwrap()));
    config.master_keys = master_keys;
    config.allow_target_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    config.retry.schedule = vec![Duration::from_millis(20); 3];
    config
}

/// Starts an engine with this configuration.
pub(crate) async fn start(config: Config) -> Hooks {
    let mut builder = Hooks::builder(config.database.clone());
    *builder.config_mut() = config;
    builder.start().await.unwrap()
}

pub(crate) fn event_type(name: &str) -> EventTypeName {
    EventTypeName::parse(name).unwrap()
}

pub(crate) fn new_message(payload: impl Into<Bytes>) -> NewMessage {
    NewMessage {
        event_type: event_type("book.added"),
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: payload.into(),
        payload_retention: None,
    }
}

pub(crate) fn to_url(url: String) -> NewEndpoint {
    NewEndpoint {
        settings: EndpointSettings { url, ..EndpointSettings::default() },
        ..NewEndpoint::default()
    }
}

impl Rig {
    pub(crate) async fn start() -> Rig {
        Rig::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory);
        change(&mut config);
        let hooks = start(config).await;
        let organisation = hooks.default_organisation();
        let application =
            hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
        Rig { hooks, application, directory }
    }

    /// An engine that calls this back.
    pub(crate) async fn start_told(
        change: impl FnOnce(&mut Config),
        callback: impl Fn(&HookEvent) + Send + Sync + 'static,
    ) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory);
        change(&mut config);
        let mut builder = Hooks::builder(config.database.clone()).on_event(callback);
        *builder.config_mut() = config;
        let hooks = builder.start().await.unwrap();
        let settings = ApplicationSettings { uid: Uid::parse("ann").ok(), ..ApplicationSettings::default() };
        let application = hooks.application_create(hooks.default_organisation(), settings).await.unwrap().id;
        Rig { hooks, application, directory }
    }

    /// An engine with a clock that only the test moves.
    pub(crate) async fn start_manual(change: impl FnOnce(&mut Config)) -> Rig {
        Rig::start_with(|config| {
            config.clock = Clock::manual(START);
            change(config);
        })
        .await
    }

    /// Ends the engine, calling off what is under way, and starts another on the same file.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Rig {
        let clock = self.hooks.clock().clone();
        self.hooks.shutdown(Duration::ZERO).await.unwrap();
        let mut config = config(&self.directory);
        config.clock = clock;
        change(&mut config);
        Rig { hooks: start(config).await, ..self }
    }

    pub(crate) async fn endpoint(&self, url: String) -> Endpoint {
        self.hooks.endpoint_create(self.application, to_url(url)).await.unwrap()
    }

    pub(crate) async fn update(&self, endpoint: &Endpoint, change: impl FnMut(&mut EndpointEdit) + Send) {
        let endpoint = EndpointRef::Id(endpoint.id);
        self.hooks.endpoint_update(self.application, &endpoint, change).await.unwrap();
    }

    pub(crate) async fn reread(&self, endpoint: &Endpoint) -> Endpoint {
        self.hooks.endpoint_get(self.application, &EndpointRef::Id(endpoint.id)).await.unwrap()
    }

    pub(crate) async fn send(&self, payload: impl Into<Bytes>) -> Arc<Message> {
        self.send_message(new_message(payload)).await
    }

    pub(crate) async fn send_message(&self, message: NewMessage) -> Arc<Message> {
        let application = ApplicationRef::Id(self.application);
        let organisation = self.hooks.default_organisation();
        match self.hooks.send(organisation, &application, message, None).await.unwrap() {
            Sent::Accepted(message) => message,
            Sent::Repeated(id) => panic!("a message without a key was a repeated one: {id}"),
        }
    }

    /// All attempts of a message, oldest first.
    pub(crate) async fn attempts(&self, message: MessageId) -> Vec<Attempt> {
        let page = PageRequest::first(250, Order::Ascending);
        let filter = AttemptFilter::default();
        self.hooks.attempt_list_by_message(self.application, message, filter, page).await.unwrap().page.items
    }

    /// Waits until so many attempts of a message are logged, and returns all there are.
    pub(crate) async fn wait_attempts(&self, message: MessageId, count: usize) -> Vec<Attempt> {
        eventually(&format!("{count} logged attempts"), async || {
            let attempts = self.attempts(message).await;
            if attempts.len() >= count { Ok(attempts) } else { Err(attempts.len()) }
        })
        .await
    }

    /// How far a message has come at each endpoint that has anything of it.
    pub(crate) async fn statuses(&self, message: MessageId) -> Vec<DeliveryStatus> {
        let page = PageRequest::first(250, Order::Ascending);
        let destinations = self.hooks.destination_list(self.application, message, page).await.unwrap().items;
        destinations.iter().map(|destination| destination.status).collect()
    }

    /// Waits until nothing of a message is pending, and returns its attempts.
    pub(crate) async fn wait_ended(&self, message: MessageId) -> Vec<Attempt> {
        eventually("the end of a message's deliveries", async || {
            let statuses = self.statuses(message).await;
            let is_pending = statuses.iter().any(|status| matches!(status, DeliveryStatus::Pending(_)));
            if is_pending || statuses.is_empty() { Err(statuses) } else { Ok(()) }
        })
        .await;
        self.attempts(message).await
    }

    /// Waits until a retry of the message is due at a time, and returns that time.
    pub(crate) async fn wait_retry(&self, message: MessageId) -> Timestamp {
        eventually("a retry", async || match self.statuses(message).await.as_slice() {
            // One that is past is about to be taken over.
            [DeliveryStatus::Pending(Some(due))] if *due > self.hooks.clock().now() => Ok(*due),
            other => Err(format!("{other:?}")),
        })
        .await
    }

    /// Moves a manual clock to the time of a message's next retry, and a little beyond.
    pub(crate) async fn advance_to_retry(&self, message: MessageId) -> Duration {
        let due = self.wait_retry(message).await;
        let wait = due.since(self.hooks.clock().now());
        self.hooks.clock().advance(wait + Duration::from_millis(30));
        wait
    }

    pub(crate) async fn end(self) {
        self.hooks.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}
