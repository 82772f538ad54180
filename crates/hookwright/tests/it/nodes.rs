//! Several engines on one PostgreSQL database, as far as a product or a server sees it.

use std::time::Duration;

use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::names::{EventTypeName, Uid};
use hookwright::domain::ticket::TicketKind;
use hookwright::hooks::{EndpointRef, NewEndpoint};
use hookwright::{Clock, Error, Hooks, Thing};
use hookwright_testkit::eventually;
use hookwright_testkit::postgres::{self, Database};

use crate::rig::{Rig, START, config, start, to_url};

async fn node(database: &Database) -> Hooks {
    node_at(database, Clock::system()).await
}

async fn node_at(database: &Database, clock: Clock) -> Hooks {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(&directory);
    config.database = database.url.parse().unwrap();
    config.master_keys = Some(postgres::MASTER_KEY.parse().unwrap());
    config.clock = clock;
    start(config).await
}

async fn rig(database: &Database) -> Rig {
    let hooks = node(database).await;
    let organisation = hooks.default_organisation();
    let application =
        hooks.application_create(organisation, ApplicationSettings::default()).await.unwrap().id;
    Rig { hooks, application, directory: tempfile::tempdir().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_redeemed_on_two_nodes_at_once_gives_one_session() {
    const LINKS: usize = 40;
    let Some(database) = postgres::database().await else { return };
    let (a, b) = (node(&database).await, node(&database).await);
    let organisation = a.default_organisation();
    for _ in 0..LINKS {
        let link = a.ticket_issue(TicketKind::Link, organisation).await.unwrap();
        let (one, other) = tokio::join!(a.ticket_redeem(&link), b.ticket_redeem(&link));
        let sessions: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
        assert_eq!(sessions.len(), 1, "one of them is let in");
        let session = &sessions[0];
        for node in [&a, &b] {
            let found = node.ticket_find(TicketKind::Session, session).await.unwrap();
            assert_eq!(found, Some(organisation));
            assert_eq!(node.ticket_find(TicketKind::Link, session).await.unwrap(), None);
        }
        b.ticket_end(TicketKind::Session, session).await.unwrap();
        assert_eq!(a.ticket_find(TicketKind::Session, session).await.unwrap(), None);
    }
    for node in [a, b] {
        node.shutdown(Duration::from_secs(10)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_expired_are_removed_and_no_others() {
    let Some(database) = postgres::database().await else { return };
    let clock = Clock::manual(START);
    let hooks = node_at(&database, clock.clone()).await;
    let organisation = hooks.default_organisation();
    for kind in [TicketKind::Link, TicketKind::Session] {
        hooks.ticket_issue(kind, organisation).await.unwrap();
    }
    clock.advance(TicketKind::Link.lifetime());
    eventually("that the link is gone", async || {
        clock.advance(Duration::from_secs(4));
        let left = database.ask("SELECT string_agg(kind::text, ',') FROM ticket").await;
        if left == "1" { Ok(()) } else { Err(left) }
    })
    .await;
    assert!(clock.now().since(START) < TicketKind::Session.lifetime());
    hooks.shutdown(Duration::from_secs(10)).await.unwrap();
}

/// How often rows of a table were looked for, as far as the server has counted by now.
async fn looks(database: &Database, table: &str) -> u64 {
    let sql = format!(
        "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{table}'"
    );
    database.ask(&sql).await.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_not_there_makes_nobody_read_what_is() {
    const ASKED: u64 = 100;
    let Some(database) = postgres::database().await else { return };
    let rig = rig(&database).await;
    let known = rig.endpoint("http://127.0.0.1:9/".to_owned()).await;
    rig.reread(&known).await;
    let [applications, endpoints, event_types] = ["application", "endpoint", "event_type"];
    let before = (looks(&database, applications).await, looks(&database, event_types).await);
    let endpoints_before = looks(&database, endpoints).await;
    let organisation = rig.hooks.default_organisation();
    for number in 0..ASKED {
        let missing = EndpointRef::Uid(Uid::parse(&format!("missing{number}")).unwrap());
        let asked = rig.hooks.endpoint_get(rig.application, &missing).await;
        assert!(matches!(asked, Err(Error::NotFound(Thing::Endpoint))), "{asked:?}");
        let missing = EventTypeName::parse(&format!("missing.n{number}")).unwrap();
        let asked = rig.hooks.event_type_get(organisation, &missing).await;
        assert!(matches!(asked, Err(Error::NotFound(Thing::EventType))), "{asked:?}");
        rig.reread(&known).await;
    }
    // The server tells of a session's looks at all tables at once, and a little later.
    eventually("that the looks for each are counted", async || {
        let (endpoints, event_types) = (
            looks(&database, endpoints).await - endpoints_before,
            looks(&database, event_types).await - before.1,
        );
        if endpoints >= ASKED && event_types >= ASKED { Ok(()) } else { Err((endpoints, event_types)) }
    })
    .await;
    let read = looks(&database, applications).await - before.0;
    assert!(read < ASKED / 2, "the application was read {read} times");
    let event_types = looks(&database, event_types).await - before.1;
    assert!(event_types < 2 * ASKED, "event types were looked for {event_types} times");

    // What another node makes is known at once all the same.
    let other = node(&database).await;
    let mut new: NewEndpoint = to_url("http://127.0.0.1:9/".to_owned());
    new.settings.uid = Uid::parse("missing1").ok();
    let made = other.endpoint_create(rig.application, new).await.unwrap();
    assert_eq!(rig.reread(&made).await.id, made.id);
    other.shutdown(Duration::from_secs(10)).await.unwrap();
    rig.end().await;
}
