//! An open store with its writer, and things to put into it that are told apart by numbers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookwright_signature::Secret;
use tempfile::TempDir;

use crate::config::{DatabaseUrl, MasterKeys};
use crate::domain::application::{Application, ApplicationSettings, Purpose};
use crate::domain::attempt::{Attempt, AttemptStatus, Trigger};
use crate::domain::delivery::{DeliveryKey, Transition};
use crate::domain::endpoint::{Endpoint, EndpointSettings};
use crate::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId};
use crate::domain::lease::Hold;
use crate::domain::message::Message;
use crate::domain::names::EventTypeName;
use crate::domain::page::{Order, PageRequest};
use crate::domain::time::Timestamp;
use crate::store::write::{
    Append, Appended, CatalogWrite, Changed, ClaimDue, HealthChange, Loaded, Outcome, RequestKey, Slice,
    Write, Written,
};
use crate::store::{DEFAULT_ORGANISATION, Exclusivity, Store, Writer};

pub(super) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// More than any test writes.
pub(super) const NO_LIMIT: usize = usize::MAX;

/// A slice of so many rows, with all the time it takes.
pub(super) fn slice(rows: u32) -> Slice {
    Slice { rows, time: Duration::from_secs(3_600) }
}

/// A column that may be null, and one with a default, for every table.
#[cfg(feature = "postgres")]
const EXPANSION: &str = "DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = current_schema()::regnamespace LOOP
        EXECUTE format('ALTER TABLE %I ADD of_tomorrow TEXT, ADD is_of_tomorrow BOOLEAN NOT NULL DEFAULT FALSE', name);
    END LOOP; END $$";

pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) writer: Writer,
    place: Place,
}

/// Where a fixture's database is, and what keeps it there.
enum Place {
    Sqlite(TempDir),
    #[cfg(feature = "postgres")]
    Postgres(hookwright_testkit::postgres::Database),
}

impl Place {
    /// What is to be given: the file beside a SQLite database has its own.
    fn keys(&self) -> Option<MasterKeys> {
        match self {
            Place::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Place::Postgres(_) => Some(keys_of("a")),
        }
    }

    fn url(&self) -> DatabaseUrl {
        match self {
            Place::Sqlite(directory) => DatabaseUrl::Sqlite(directory.path().join("conformance.db")),
            #[cfg(feature = "postgres")]
            Place::Postgres(database) => database.url.parse().unwrap(),
        }
    }
}

pub(super) fn at(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// The bytes of the id number `number`, made so many seconds after the start; ids rise with their numbers.
pub(super) fn id(number: u16) -> [u8; 20] {
    let mut id = *MessageId::first_at(at(number.into())).as_bytes();
    id[18..].copy_from_slice(&number.to_be_bytes());
    id
}

pub(super) fn app(number: u16) -> ApplicationId {
    ApplicationId::from_bytes(id(number))
}

pub(super) fn ep(number: u16) -> EndpointId {
    EndpointId::from_bytes(id(number))
}

pub(super) fn msg(number: u16) -> MessageId {
    MessageId::from_bytes(id(number))
}

pub(super) fn all<K: Clone>() -> PageRequest<K> {
    PageRequest::first(250, Order::Ascending)
}

pub(super) fn event_type(name: &str) -> EventTypeName {
    EventTypeName::parse(name).unwrap()
}

pub(super) fn application(number: u16) -> Application {
    Application {
        id: app(number),
        organisation: DEFAULT_ORGANISATION,
        purpose: Purpose::Customer,
        settings: ApplicationSettings { name: format!("application {number}"), ..Default::default() },
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(super) fn endpoint(application: u16, number: u16) -> Endpoint {
    Endpoint {
        id: ep(number),
        application: app(application),
        settings: EndpointSettings { url: "https://example.com/".to_owned(), ..Default::default() },
        secret: Secret::from_bytes(&[7; 32]).unwrap(),
        old_secrets: Vec::new(),
        headers: Vec::new(),
        disabled: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A message that was accepted `number` seconds after `NOW`.
pub(super) fn message(application: u16, number: u16) -> Message {
    Message {
        id: msg(number),
        application: app(application),
        event_type: event_type("book.added"),
        event_id: None,
        channels: Vec::new(),
        tags: Vec::new(),
        payload: Bytes::from(format!("{{\"number\":{number}}}")),
        created_at: at(number.into()),
    }
}

pub(super) fn append(message: Message, endpoints: &[u16], key: Option<RequestKey>) -> Write {
    let endpoints = endpoints.iter().map(|number| ep(*number)).collect();
    Write::Append(Append {
        message: Arc::new(message),
        endpoints,
        key,
        payload_expires_at: None,
        broadcast: None,
        routed_by: None,
    })
}

/// The attempt number `number` of a message at an endpoint, with a status of its own for success and failure.
pub(super) fn attempt(application: u16, message: u16, endpoint: u16, id_number: u16, number: u16) -> Attempt {
    Attempt {
        id: AttemptId::from_bytes(id(id_number)),
        application: app(application),
        message: msg(message),
        endpoint: ep(endpoint),
        number,
        status: AttemptStatus::Fail,
        response_code: 500,
        response: Bytes::from_static(b"no"),
        reason: Some("the endpoint answered 500 Internal Server Error".to_owned()),
        duration: Duration::from_millis(12),
        trigger: Trigger::Scheduled,
        url: "https://example.com/".to_owned(),
        started_at: at(id_number.into()),
        next_attempt_at: None,
    }
}

pub(super) fn success(attempt: Attempt) -> Attempt {
    Attempt { status: AttemptStatus::Success, response_code: 200, reason: None, ..attempt }
}

/// Under the lease of whoever writes it with [`Fixture::write`].
pub(super) fn outcome(attempt: Attempt, transition: Transition) -> Write {
    let hold = Hold::ALONE;
    Write::Outcome(Outcome { attempt, hold, transition, health: HealthChange::None, told: Vec::new() })
}

pub(super) fn key(application: u16, endpoint: u16, message: u16) -> DeliveryKey {
    DeliveryKey { application: app(application), endpoint: ep(endpoint), message: msg(message) }
}

/// Keys with these letters as ids.
pub(super) fn keys_of(letters: &str) -> MasterKeys {
    let key = |id: char| format!("{id}:{}", format!("{:02x}", id as u32).repeat(32));
    letters.chars().map(key).collect::<Vec<_>>().join(",").parse().unwrap()
}

impl Fixture {
    pub(super) fn sqlite() -> Fixture {
        Fixture::open(Place::Sqlite(tempfile::tempdir().unwrap()))
    }

    /// `None` where no PostgreSQL is installed.
    #[cfg(feature = "postgres")]
    pub(super) async fn postgres() -> Option<Fixture> {
        hookwright_testkit::postgres::database().await.map(Place::Postgres).map(Fixture::open)
    }

    /// The same, whose tables get columns that this program knows nothing of, once it has opened them: so does a later release,
    /// while nodes of this one run.
    #[cfg(feature = "postgres")]
    pub(super) async fn postgres_expanded() -> Option<Fixture> {
        let database = hookwright_testkit::postgres::database().await?;
        let fixture = Fixture::open(Place::Postgres(database.clone()));
        database.execute(EXPANSION).await;
        Some(fixture)
    }

    /// The database, if it is on PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(super) fn database(&self) -> hookwright_testkit::postgres::Database {
        match &self.place {
            Place::Postgres(database) => hookwright_testkit::postgres::Database { url: database.url.clone() },
            Place::Sqlite(_) => panic!("this is on SQLite"),
        }
    }

    fn open(place: Place) -> Fixture {
        let keys = place.keys();
        let (store, writer) = Store::open(&place.url(), keys.as_ref(), Exclusivity::OnlyDeliverer).unwrap();
        Fixture { store, writer, place }
    }

    /// Closes the database and opens it again.
    pub(super) fn reopen(self) -> Fixture {
        let Fixture { store, writer, place } = self;
        drop((store, writer));
        Fixture::open(place)
    }

    /// How an attempt is held that is started now.
    pub(super) fn hold(&self) -> Hold {
        let own = self.store.held().own;
        Hold { lease: own, own }
    }

    /// Writes one item as a batch of its own.
    pub(super) fn write(&mut self, write: Write) -> Written {
        self.commit([write]).remove(0)
    }

    /// Writes a batch; attempts were made under the lease that it is written under.
    pub(super) fn commit(&mut self, batch: impl IntoIterator<Item = Write>) -> Vec<Written> {
        let hold = self.hold();
        let mut batch: Vec<Write> = batch.into_iter().collect();
        for write in &mut batch {
            match write {
                Write::Outcome(outcome) => outcome.hold = hold,
                Write::Confirm(step) => step.hold = hold,
                _ => {}
            }
        }
        self.writer.commit(&batch).unwrap()
    }

    pub(super) fn change(&mut self, change: CatalogWrite) -> Changed {
        match self.write(Write::Catalog(change)) {
            Written::Changed(changed) => changed,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn append(&mut self, message: Message, endpoints: &[u16]) -> Appended {
        self.append_with(message, endpoints, None)
    }

    pub(super) fn append_with(
        &mut self,
        message: Message,
        endpoints: &[u16],
        key: Option<RequestKey>,
    ) -> Appended {
        match self.write(append(message, endpoints, key)) {
            Written::Appended(appended) => appended,
            other => panic!("{other:?}"),
        }
    }

    /// An application with these endpoints.
    pub(super) fn configured(&mut self, number: u16, endpoints: &[u16]) {
        assert_eq!(self.change(CatalogWrite::ApplicationInsert(application(number))), Changed::Yes);
        for endpoint_number in endpoints {
            let new = CatalogWrite::EndpointInsert(Box::new(endpoint(number, *endpoint_number)));
            assert_eq!(self.change(new), Changed::Yes);
        }
    }

    /// Fails an attempt of a delivery, whose next one is due then.
    pub(super) fn fail_until(&mut self, attempt: Attempt, due: Timestamp) {
        self.write(outcome(attempt, Transition::RetryAt(due)));
    }

    pub(super) fn claim(&mut self, now: Timestamp, limit: u32) -> Vec<Loaded> {
        match self.write(Write::ClaimDue(ClaimDue { now, limit, bytes: NO_LIMIT })) {
            Written::Claimed(claimed) => claimed,
            other => panic!("{other:?}"),
        }
    }

    /// The ready deliveries of an endpoint: their messages, and their attempts so far.
    pub(super) async fn ready(&self, application: u16, endpoint: u16) -> Vec<(MessageId, u16)> {
        let page = self.store.delivery_load(app(application), ep(endpoint), MessageId::MIN, 250, NO_LIMIT);
        page.await.unwrap().items.iter().map(|row| (row.message.id, row.delivery.attempts)).collect()
    }
}
