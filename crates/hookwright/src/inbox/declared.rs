//! What a product sets on its inbox: where webhooks come from, and what is done with them.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use hookwright_signature::provider::Source;
use serde_json::Value;

use crate::builder::{Builder, StartError};
use crate::catalog::Confirmer;
use crate::deliver::handler::{self, Handler, Handlers};
use crate::deliver::{BoxError, InboundEvent};
use crate::domain::event_filter::EventFilter;
use crate::domain::inbound::ReceivedRequest;
use crate::domain::names::SourceUid;
use crate::domain::source::SourceSettings;
use crate::inbox::event_type::{EventTypeFrom, Found};
use crate::inbox::{Inbox, InboxError};
use crate::receive::ReadEventType;

/// So many bytes of a body are read unless something else is said: 1 MiB.
const BODY_LIMIT_DEFAULT: usize = 1024 * 1024;
/// How long a handler may take unless something else is said.
const HANDLER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// The longest name of a handler, in characters.
const HANDLER_NAME_MAX: usize = 200;
/// Stands for all events of a source.
const ALL_EVENTS: &str = "*";

/// An inbox that is not running yet.
///
/// What is said after a source is said of that source.
#[derive(Debug)]
pub struct InboxBuilder {
    pub(super) engine: Builder,
    pub(super) sources: Vec<Declared>,
    pub(super) body_limit: usize,
    pub(super) public_url: Option<String>,
    handlers: Handlers,
    handler_timeout: Duration,
    /// The first thing that is wrong.
    wrong: Option<InboxError>,
}

/// A source as it was declared.
pub(super) struct Declared {
    pub(super) uid: SourceUid,
    pub(super) settings: SourceSettings,
    /// Reads the type of its events, if the product's own code does.
    pub(super) event_type: Option<ReadEventType>,
    /// Says whether a request is true, if the product is asked.
    pub(super) confirm: Option<Confirmer>,
    pub(super) handlers: Vec<DeclaredHandler>,
}

/// A handler as it was declared.
#[derive(Debug)]
pub(super) struct DeclaredHandler {
    pub(super) name: String,
    /// The URL of the endpoint that stands for it.
    pub(super) url: String,
    /// The events it is for; all if there is none.
    pub(super) events: Vec<EventFilter>,
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Declared { uid, settings, handlers, .. } = self;
        f.debug_struct("Declared")
            .field("uid", uid)
            .field("settings", settings)
            .field("handlers", handlers)
            .finish_non_exhaustive()
    }
}

impl InboxBuilder {
    pub(super) fn new(engine: Builder) -> InboxBuilder {
        InboxBuilder {
            engine,
            sources: Vec::new(),
            body_limit: BODY_LIMIT_DEFAULT,
            public_url: None,
            handlers: Handlers::new(),
            handler_timeout: HANDLER_TIMEOUT_DEFAULT,
            wrong: None,
        }
    }

    /// Takes webhooks of `source` under this name: letters, digits, `-` and `_`. The name is what it is known by, also at the next
    /// start; everything else of it may change.
    ///
    /// While a secret is replaced: `Source::stripe(new).or(Source::stripe(old))`.
    pub fn source(mut self, name: &str, source: Source) -> InboxBuilder {
        match SourceUid::parse(name) {
            Err(error) => self.note(InboxError::SourceName { name: name.to_owned(), error }),
            Ok(_) if self.sources.iter().any(|declared| declared.uid.as_str() == name) => {
                self.note(InboxError::SourceTwice { name: name.to_owned() });
            }
            Ok(_) if source.older().iter().any(|older| older.kind() != source.kind()) => {
                self.note(InboxError::Kinds { name: name.to_owned() });
            }
            Ok(uid) => {
                let settings = SourceSettings {
                    uid: Some(uid.clone()),
                    ..SourceSettings::new(name, source.kind(), stored(&source))
                };
                self.sources.push(Declared {
                    uid,
                    settings,
                    event_type: None,
                    confirm: None,
                    handlers: Vec::new(),
                });
            }
        }
        self
    }

    /// Sets what else can be set on the source: methods, what is answered, how a copy is known, how many come a second, how long its
    /// log is kept.
    pub fn settings(mut self, set: impl FnOnce(&mut SourceSettings)) -> InboxBuilder {
        if let Some(source) = self.last("what is set") {
            let kept = source.settings.clone();
            set(&mut source.settings);
            // What it is known by and proven with was said already.
            source.settings.uid = kept.uid;
            (source.settings.kind, source.settings.config) = (kept.kind, kept.config);
        }
        self
    }

    /// Reads the type of the source's events there, in the place of where the provider is known to write it. Where nothing is found,
    /// or what cannot be a type, it is `inbound`.
    pub fn event_type(mut self, from: EventTypeFrom) -> InboxBuilder {
        let Some(source) = self.last("where the event type is") else { return self };
        match from.found() {
            Ok(Found::Place(place)) => {
                source.settings.event_type = Some(place);
                source.event_type = None;
            }
            Ok(Found::Code(read)) => source.event_type = Some(read),
            Err(why) => {
                let source_name = source.uid.as_str().to_owned();
                self.note(InboxError::EventType { source_name, why });
            }
        }
        self
    }

    /// Has `confirm` say of each of the source's requests whether it is true, before any handler is called with it: what comes in is a
    /// reason to look, and what you look at is not what came in.
    ///
    /// It is called off the request's path, once the request is on disk. Handlers are called with what it says `true` of, and nobody
    /// with what it says `false` of. An error, a panic, or no answer within a minute is no answer: it is called again on the engine's
    /// schedule, and after the last time the request is `unconfirmed` in the log, from where `Hooks::source_resend` asks again. It may
    /// be called again with a request that it has answered for, after a crash. It takes the place of a `confirm` among the
    /// [settings](InboxBuilder::settings).
    ///
    /// ```
    /// # use hookwright::{Hooks, Inbox, InboundEvent, ReceivedRequest, Source};
    /// # async fn is_paid_at_the_bank(order: &str) -> Result<bool, std::io::Error> { Ok(order == "7") }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let inbox = Inbox::within(Hooks::test())
    ///     .source("payments", Source::token("x-token", "s3cret"))
    ///     .confirm(|request: ReceivedRequest| async move {
    ///         let said: serde_json::Value = serde_json::from_slice(&request.body)?;
    ///         let is_paid = is_paid_at_the_bank(said["order"].as_str().unwrap_or_default()).await?;
    ///         Ok::<bool, hookwright::BoxError>(is_paid)
    ///     })
    ///     .on("*", |event: InboundEvent| async move {
    ///         println!("{} is true", event.id);
    ///         Ok::<(), hookwright::BoxError>(())
    ///     })
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn confirm<F, E>(
        mut self,
        confirm: impl Fn(ReceivedRequest) -> F + Send + Sync + 'static,
    ) -> InboxBuilder
    where
        F: Future<Output = Result<bool, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        if let Some(source) = self.last("who confirms") {
            source.confirm = Some(Confirmer::new(confirm));
        }
        self
    }

    /// Has `handle` called with each of the source's events of this type: `payment.paid`, `payment.*` for all under that name, `*` for
    /// all there are. Its name is the same word; see [`InboxBuilder::on_as`].
    pub fn on<F, E>(
        self,
        event: &str,
        handle: impl Fn(InboundEvent) -> F + Send + Sync + 'static,
    ) -> InboxBuilder
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.on_as(event, event, handle)
    }

    /// Does that under a name of your own, as several handlers of one event need.
    ///
    /// A handler is known by its name, also at the next start: what it was not done with goes on. One whose name is not there any more
    /// is switched off with a warning in the log, and gets nothing until it is there again.
    pub fn on_as<F, E>(
        mut self,
        name: &str,
        event: &str,
        handle: impl Fn(InboundEvent) -> F + Send + Sync + 'static,
    ) -> InboxBuilder
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let timeout = self.handler_timeout;
        let Some(source) = self.last("a handler") else { return self };
        let source_name = source.uid.as_str().to_owned();
        let events = match event {
            ALL_EVENTS => Ok(Vec::new()),
            event => EventFilter::parse(event).map(|event| vec![event]),
        };
        let wrong = match events {
            Err(error) => InboxError::Event { source_name, event: event.to_owned(), error },
            Ok(_) if !is_name(name) => InboxError::HandlerName { source_name },
            Ok(events) => {
                let url = handler::url(&source_name, name);
                source.handlers.push(DeclaredHandler { name: name.to_owned(), url: url.clone(), events });
                if self.handlers.insert(url, Handler::new(handle, timeout)).is_none() {
                    return self;
                }
                InboxError::HandlerTwice { source_name, handler: name.to_owned() }
            }
        };
        self.note(wrong);
        self
    }

    /// How long each handler that is given after this may take for one event, in the place of 60 s.
    pub fn handler_timeout(mut self, timeout: Duration) -> InboxBuilder {
        self.handler_timeout = timeout;
        self
    }

    /// Reads bodies of up to so many bytes, in the place of 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> InboxBuilder {
        self.body_limit = bytes;
        self
    }

    /// The URL under which providers reach this program, without a path: HubSpot signs it.
    pub fn public_url(mut self, url: impl AsRef<str>) -> InboxBuilder {
        self.public_url = Some(url.as_ref().trim_end_matches('/').to_owned());
        self
    }

    /// Starts the engine, makes of the sources and handlers in the database what is declared, and goes on with what an earlier run
    /// left.
    ///
    /// Runs on the tokio runtime that it is called on. Fails with [`StartError::Inbox`] if something is declared that cannot be.
    pub async fn start(mut self) -> Result<Inbox, StartError> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong.into());
        }
        let handlers = std::mem::take(&mut self.handlers);
        for source in &self.sources {
            if let Some(confirm) = &source.confirm {
                self.engine.confirmers.push((source.uid.clone(), confirm.clone()));
            }
        }
        self.settle(handlers).await
    }

    /// The source that what follows is said of.
    fn last(&mut self, what: &'static str) -> Option<&mut Declared> {
        if self.sources.is_empty() {
            self.note(InboxError::NoSource { what });
        }
        self.sources.last_mut()
    }

    fn note(&mut self, wrong: InboxError) {
        self.wrong.get_or_insert(wrong);
    }
}

fn is_name(name: &str) -> bool {
    let chars = name.chars().count();
    (1..=HANDLER_NAME_MAX).contains(&chars) && !name.contains(char::is_control)
}

/// A source's fields as they are stored: of several, each by itself.
fn stored(source: &Source) -> Value {
    let fields = |source: &Source| -> Value {
        let fields = source.fields().map(|(name, value)| (name.to_owned(), Value::from(value)));
        Value::Object(fields.collect())
    };
    match source.older() {
        [] => fields(source),
        older => std::iter::once(source).chain(older).map(fields).collect(),
    }
}
