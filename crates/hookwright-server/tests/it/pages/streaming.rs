//! The stream that keeps an open page up to date.

use std::collections::HashSet;

use hookwright_testkit::{DEADLINE, Receiver};
use tokio::time::timeout;

use super::events::Events;
use super::site::Site;

#[tokio::test]
async fn a_stream_begins_with_the_list_and_goes_on_with_what_changed() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let receiver = Receiver::start().await;
    let application = site.application("Acme").await;
    site.endpoint(&application, &receiver.url("/")).await;
    let first = site.send(&application, "invoice.paid").await;
    site.page_with(&cookie, "Delivered").await;

    let mut events = Events::open(&site.base, &cookie).await;
    assert_eq!(events.status, 200);
    let list = events.next().await.unwrap();
    assert_eq!(list.name, "list");
    assert!(list.data.contains(&first));

    let second = site.send(&application, "invoice.sent").await;
    loop {
        let rows = events.next().await.unwrap();
        assert_eq!(rows.name, "rows");
        assert!(rows.data.contains(&second) && !rows.data.contains(&first), "{rows:?}");
        if rows.data.contains("Delivered") {
            break;
        }
    }
    // Whoever comes back gets everything, whatever it saw before.
    let mut again = Events::open(&site.base, &cookie).await;
    let list = again.next().await.unwrap();
    assert!(list.name == "list" && list.data.contains(&first) && list.data.contains(&second));
}

#[tokio::test]
async fn a_burst_comes_in_few_updates_and_ends_with_the_newest() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let application = site.application("Acme").await;
    let mut events = Events::open(&site.base, &cookie).await;
    assert_eq!(events.next().await.unwrap().name, "list");

    let mut last = String::new();
    for _ in 0..1_000 {
        last = site.send(&application, "tick").await;
    }
    let mut updates = 0;
    loop {
        updates += 1;
        let rows = events.next().await.unwrap();
        assert!(rows.data.matches("<li id=").count() <= 50);
        if rows.data.contains(&last) {
            break;
        }
    }
    assert!(updates < 200, "{updates} updates");
}

#[tokio::test]
async fn a_stream_tells_nothing_of_other_organisations() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let other = "org_000000000000000000000000001".parse().unwrap();
    site.hooks.organisation_ensure(other).await.unwrap();
    let settings = Default::default();
    let theirs = site.hooks.application_create(other, settings).await.unwrap();
    let ours = site.application("Acme").await;

    let mut events = Events::open(&site.base, &cookie).await;
    events.next().await.unwrap();
    let hidden = site.send(&theirs, "secret.thing").await;
    let shown = site.send(&ours, "plain.thing").await;
    let rows = events.next().await.unwrap();
    assert!(rows.data.contains(&shown) && !rows.data.contains(&hidden), "{rows:?}");
}

#[tokio::test]
async fn streams_are_bounded_and_a_closed_one_makes_room() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let events = Events::open(&site.base, &cookie).await;
        assert_eq!(events.status, 200);
        open.push(events);
    }
    assert_eq!(Events::open(&site.base, &cookie).await.status, 503);
    open.pop();
    hookwright_testkit::eventually("a free slot", async || {
        match Events::open(&site.base, &cookie).await.status {
            200 => Ok(()),
            status => Err(status),
        }
    })
    .await;
}

#[tokio::test]
async fn streams_end_when_somebody_signs_out_and_when_the_server_stops() {
    let site = Site::start().await;
    let (leaves, stays) = (site.sign_in().await, site.sign_in().await);
    let application = site.application("Acme").await;
    let mut ended = Events::open(&site.base, &leaves).await;
    let mut goes_on = Events::open(&site.base, &stays).await;
    ended.next().await.unwrap();
    goes_on.next().await.unwrap();

    let _ = site.post("/logout", &leaves, "").await.expect(303);
    site.send(&application, "one.thing").await;
    assert!(ended.next().await.is_none());
    let seen: HashSet<String> = [goes_on.next().await.unwrap().name].into();
    assert!(seen.contains("rows"));

    site.stop.cancel();
    assert!(goes_on.next().await.is_none());
    timeout(DEADLINE, site.server).await.unwrap().unwrap().unwrap();
}
