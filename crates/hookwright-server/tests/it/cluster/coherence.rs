//! What is changed by one node is honoured by another within a second, whatever becomes of the connection that tells of it.

use std::time::Duration;

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::postgres::{self, Database};
use hookwright_testkit::{Receiver, eventually, eventually_within};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::nodes::Nodes;
use crate::live::Live;

/// The promise.
const HONOURED_WITHIN: Duration = Duration::from_secs(1);
/// An attempt that was begun in time comes to the receiver within this.
const ON_ITS_WAY: Duration = Duration::from_millis(150);
const APP: &str = "/api/v1/app/app";
const SOURCE: &str = "/ingest/api/v1/source";

/// Two nodes that have the application `app` with its endpoint `one` in memory.
async fn two(database: &Database, receiver: &Receiver) -> Nodes {
    let nodes = Nodes::start(database, 2, "200ms,1s,1s").await;
    nodes.node(0).set_up(&[("one", receiver.url("/one"))]).await;
    for number in 0..2 {
        nodes.node(number).send(&json!({"warm": number})).await;
    }
    receiver.wait_for(2).await;
    nodes
}

/// Two clients: of the node that changes something, and of the one that is to honour it.
fn clients(nodes: &Nodes) -> (&Client, &Client) {
    (&nodes.node(0).client, &nodes.node(1).client)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Waits until the other node answers as it must after a change that was answered just now.
async fn honoured(what: &str, client: &Client, path: &str, is_so: impl Fn(u16, &Value) -> bool) {
    eventually_within(HONOURED_WITHIN, what, async || {
        let answer = client.get(path).await;
        let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
        if is_so(answer.status, &body) { Ok(()) } else { Err((answer.status, body)) }
    })
    .await;
}

/// The URLs of the endpoints that a message, sent by this client, is meant for.
async fn destinations(client: &Client, event_type: &str) -> Vec<String> {
    let message = json!({"eventType": event_type, "payload": {}});
    let sent = client.post(&format!("{APP}/msg"), &message).await.expect(202).json();
    let path = format!("{APP}/msg/{}/endpoint", text(&sent["id"]));
    let list = client.get(&path).await.expect(200).json();
    list["data"].as_array().unwrap().iter().map(|endpoint| text(&endpoint["url"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_honoured_by_the_other_node_within_a_second() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    let one = format!("{APP}/endpoint/one");

    let secret = format!("{one}/secret");
    let old = text(&b.get(&secret).await.expect(200).json()["key"]);
    a.post(&format!("{secret}/rotate"), &json!({})).await.expect(200);
    honoured("the new secret", b, &secret, |status, body| status == 200 && body["key"] != old).await;

    a.patch(&one, &json!({"channels": ["some"], "throttleRate": 50})).await.expect(200);
    honoured("the new settings", b, &one, |_, body| body["channels"] == json!(["some"])).await;
    a.patch(&one, &json!({"channels": null, "throttleRate": null})).await.expect(200);
    honoured("the old settings", b, &one, |_, body| body["channels"].is_null()).await;

    a.post("/api/v1/event-type", &json!({"name": "book.read", "description": "r"})).await.expect(201);
    let event_type = "/api/v1/event-type/book.read";
    b.get(event_type).await.expect(200);
    // That it is there is asked for by the filter, which is checked from memory.
    b.patch(&one, &json!({"filterTypes": ["book.read"]})).await.expect(200);
    a.delete(event_type).await.expect(204);
    honoured("the archived event type", b, event_type, |_, body| body["archived"] == true).await;
    b.patch(&one, &json!({"filterTypes": null})).await.expect(200);

    let access = json!({"featureFlags": []});
    let made = a.post("/api/v1/auth/app-portal-access/app", &access).await.expect(200).json();
    let tenant = Client::new(&nodes.node(1).url, text(&made["token"]));
    tenant.get(&format!("{APP}/endpoint")).await.expect(200);
    a.post("/api/v1/auth/app/app/expire-all", &json!({"expiry": 0})).await.expect(204);
    honoured("the revoked token", &tenant, &format!("{APP}/endpoint"), |status, _| status == 401).await;

    a.patch(APP, &json!({"name": "Renamed", "uid": "renamed"})).await.expect(200);
    honoured("the lost uid", b, APP, |status, _| status == 404).await;
    b.get("/api/v1/app/renamed").await.expect(200);
    a.delete("/api/v1/app/renamed").await.expect(204);
    honoured("the deleted application", b, "/api/v1/app/renamed", |status, _| status == 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_on_one_node_is_known_to_the_other_at_once() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    for number in 0..10 {
        // The application is in the other's memory, without this endpoint.
        b.get(&format!("{APP}/endpoint/new{number}")).await.expect(404);
        let endpoint = json!({"uid": format!("new{number}"), "url": receiver.url("/new")});
        a.post(&format!("{APP}/endpoint"), &endpoint).await.expect(201);
        b.get(&format!("{APP}/endpoint/new{number}")).await.expect(200);

        b.get(&format!("/api/v1/app/new{number}")).await.expect(404);
        let application = json!({"name": "n", "uid": format!("new{number}")});
        let made = a.post("/api/v1/app", &application).await.expect(201).json();
        let message = json!({"eventType": "a.b", "payload": {}});
        b.post(&format!("/api/v1/app/new{number}/msg"), &message).await.expect(202);
        b.post(&format!("/api/v1/app/{}/msg", text(&made["id"])), &message).await.expect(202);
        let path = format!("/api/v1/auth/app-portal-access/new{number}");
        let token = a.post(&path, &json!({})).await.expect(200).json();
        let tenant = Client::new(&nodes.node(1).url, text(&token["token"]));
        tenant.get(&format!("/api/v1/app/new{number}/endpoint")).await.expect(200);

        let event_type = format!("new.n{number}");
        a.post("/api/v1/event-type", &json!({"name": event_type, "description": ""})).await.expect(201);
        let filter = json!({"filterTypes": [event_type]});
        b.patch(&format!("{APP}/endpoint/new{number}"), &filter).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_right_after_a_change_on_another_node_goes_where_the_change_says() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    let (one, two) = (receiver.url("/one"), receiver.url("/two"));
    for number in 0..10 {
        a.patch(&format!("{APP}/endpoint/one"), &json!({"disabled": true})).await.expect(200);
        assert_eq!(destinations(b, "a.b").await, Vec::<String>::new(), "round {number}");
        a.patch(&format!("{APP}/endpoint/one"), &json!({"disabled": false})).await.expect(200);
        assert_eq!(destinations(b, "a.b").await, std::slice::from_ref(&one), "round {number}");
        a.post(&format!("{APP}/endpoint"), &json!({"uid": "two", "url": two})).await.expect(201);
        assert_eq!(destinations(b, "a.b").await, [one.clone(), two.clone()], "round {number}");
        a.delete(&format!("{APP}/endpoint/two")).await.expect(204);
        assert_eq!(destinations(b, "a.b").await, std::slice::from_ref(&one), "round {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_on_one_node_for_an_endpoint_that_another_disables_or_deletes_is_not_sent() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    for (name, is_deleted) in [("disabled", false), ("deleted", true)] {
        let path = format!("{APP}/endpoint/{name}");
        let url = receiver.url(&format!("/{name}"));
        let endpoint = json!({"uid": name, "url": url, "throttleRate": 4, "filterTypes": ["only.this"]});
        a.post("/api/v1/event-type", &json!({"name": "only.this", "description": ""})).await;
        a.post(&format!("{APP}/endpoint"), &endpoint).await.expect(201);
        let message = json!({"eventType": "only.this", "payload": {}});
        for _ in 0..20 {
            b.post(&format!("{APP}/msg"), &message).await.expect(202);
        }
        let came = |requests: &[hookwright_testkit::Received]| {
            requests.iter().filter(|request| request.path() == format!("/{name}")).count()
        };
        receiver.wait_until(|requests| came(requests) >= 2, "the first of them").await;
        if is_deleted {
            a.delete(&path).await.expect(204);
        } else {
            a.patch(&path, &json!({"disabled": true})).await.expect(200);
        }
        let changed = Instant::now();
        let gone = "SELECT count(*) FROM delivery d WHERE NOT EXISTS
            (SELECT 1 FROM endpoint e WHERE e.id = d.endpoint AND e.disabled IS NULL)";
        eventually("that nothing is pending there", async || {
            let left = database.ask(gone).await;
            if left == "0" { Ok(()) } else { Err(left) }
        })
        .await;
        for number in 0..2 {
            holds_nothing(nodes.node(number)).await;
        }
        let late = receiver
            .received()
            .into_iter()
            .filter(|request| request.path() == format!("/{name}"))
            .filter(|request| request.at.duration_since(changed) > HONOURED_WITHIN + ON_ITS_WAY)
            .count();
        assert_eq!(late, 0, "{name}");
        assert!(came(&receiver.received()) < 12, "{name}");
    }
}

/// Waits until nothing waits in a node's lanes and nothing is under way: then nothing more comes from it.
async fn holds_nothing(node: &Live) {
    const EMPTY: [&str; 3] = ["attempts_under_way", "deliveries_in_memory", "deliveries_on_disk"];
    eventually("that it holds nothing", async || {
        let shown = node.client.get("/metrics").await.expect(200).text();
        let is_zero = |name: &&str| shown.lines().any(|line| line == format!("hookwright_{name} 0"));
        if EMPTY.iter().all(is_zero) { Ok(()) } else { Err(shown) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_one_node_sets_holds_for_what_waits_on_another() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    let one = format!("{APP}/endpoint/one");
    a.patch(&one, &json!({"throttleRate": 1})).await.expect(200);
    honoured("the limit", b, &one, |_, body| body["throttleRate"] == 1).await;
    let before = receiver.count();
    for number in 0..30 {
        nodes.node(1).send(&json!({"number": number})).await;
    }
    receiver.wait_for(before + 1).await;
    a.patch(&one, &json!({"throttleRate": null})).await.expect(200);
    let changed = Instant::now();
    receiver.wait_for(before + 30).await;
    assert!(changed.elapsed() < 3 * HONOURED_WITHIN, "at one a second it took {:?}", changed.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_source_that_one_node_replaced_opens_nothing_on_another() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    let source = json!({"name": "GitHub", "type": "github", "config": {"secret": "s"}});
    let made = a.post(SOURCE, &source).await.expect(201).json();
    let path = |shown: &Value| {
        let url = text(&shown["ingestUrl"]);
        url[url.find("/in/").unwrap()..].to_owned()
    };
    // Nothing proves that it comes from there: so much is known only of a token that is good.
    let ask = async |path: &str| b.request(Method::POST, path, &[], "{}").await.status;
    assert_eq!(ask(&path(&made)).await, 401);
    let rotate = format!("{SOURCE}/{}/token/rotate", text(&made["id"]));
    let rotated = a.post(&rotate, &json!({"gracePeriodSeconds": 0})).await.expect(200).json();
    assert_eq!(ask(&path(&rotated)).await, 401, "a new one is known at once");
    eventually_within(HONOURED_WITHIN, "that the old one opens nothing", async || {
        let status = ask(&path(&made)).await;
        if status == 404 { Ok(()) } else { Err(status) }
    })
    .await;
    a.delete(&format!("{SOURCE}/{}", text(&made["id"]))).await.expect(204);
    eventually_within(HONOURED_WITHIN, "that the source is gone", async || {
        let status = ask(&path(&rotated)).await;
        if status == 404 { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_honoured_though_the_connection_that_listens_is_cut() {
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    let one = format!("{APP}/endpoint/one");
    for number in 0..5 {
        const LISTENING: &str = "FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'hookwright heartbeat'";
        eventually("that both nodes listen", async || {
            let listening = database.ask(&format!("SELECT count(*) {LISTENING}")).await;
            if listening == "2" { Ok(()) } else { Err(listening) }
        })
        .await;
        // It has it in memory, and nothing but what it hears makes it read that again.
        b.get(&one).await.expect(200);
        database.ask(&format!("SELECT count(pg_terminate_backend(pid)) {LISTENING}")).await;
        let description = format!("number {number}");
        a.patch(&one, &json!({"description": description})).await.expect(200);
        honoured("the change", b, &one, |_, body| body["description"] == description).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_attempted_while_the_database_stands_still_and_all_of_it_afterwards() {
    const MESSAGES: usize = 60;
    let Some(direct) = postgres::database().await else { return };
    let (cutter, database) = direct.through_cutter().await;
    let receiver = Receiver::start().await;
    let nodes = Nodes::start(&database, 1, "200ms,1s,1s").await;
    let node = nodes.node(0);
    node.client.post("/api/v1/app", &json!({"name": "App", "uid": "app"})).await.expect(201);
    let endpoint = json!({"uid": "one", "url": receiver.url("/one"), "throttleRate": 10});
    node.client.post(&format!("{APP}/endpoint"), &endpoint).await.expect(201);
    for number in 0..MESSAGES {
        node.send(&json!({"number": number})).await;
    }
    receiver.wait_for(3).await;
    cutter.stall();
    let stalled = Instant::now();
    // Paces: what must not be attempted would have been in this time.
    tokio::time::sleep_until(stalled + 3 * HONOURED_WITHIN).await;
    let late = receiver
        .received()
        .into_iter()
        .filter(|request| {
            request
                .at
                .checked_duration_since(stalled)
                .is_some_and(|after| after > HONOURED_WITHIN + ON_ITS_WAY)
        })
        .count();
    assert_eq!(late, 0, "at ten a second there were thirty that could have come");
    assert!(receiver.count() < MESSAGES);
    cutter.mend();
    let received = receiver.wait_for(MESSAGES).await;
    let distinct: std::collections::HashSet<&str> = received.iter().map(|request| request.id()).collect();
    assert_eq!(distinct.len(), MESSAGES);
    node.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_over_all_nodes_together() {
    const RATE: usize = 10;
    const MESSAGES: usize = 40;
    let Some(database) = postgres::database().await else { return };
    let receiver = Receiver::start().await;
    let nodes = two(&database, &receiver).await;
    let (a, b) = clients(&nodes);
    // One endpoint by its own limit, and two by that of their application.
    let application = json!({"name": "Limited", "uid": "limited", "throttleRate": RATE});
    a.post("/api/v1/app", &application).await.expect(201);
    let limited = json!({"uid": "limited", "url": receiver.url("/endpoint"), "throttleRate": RATE});
    a.post(&format!("{APP}/endpoint"), &limited).await.expect(201);
    for uid in ["x", "y"] {
        let endpoint = json!({"uid": uid, "url": receiver.url("/application")});
        a.post("/api/v1/app/limited/endpoint", &endpoint).await.expect(201);
    }
    let message = json!({"eventType": "a.b", "payload": {}});
    for number in 0..MESSAGES {
        let client = if number % 2 == 0 { a } else { b };
        client.post(&format!("{APP}/msg"), &message).await.expect(202);
        if number % 2 == 0 {
            let client = if number % 4 == 0 { a } else { b };
            client.post("/api/v1/app/limited/msg", &message).await.expect(202);
        }
    }
    for path in ["/endpoint", "/application"] {
        let came = |requests: &[hookwright_testkit::Received]| {
            requests.iter().filter(|request| request.path() == path).count()
        };
        let received =
            receiver.wait_until(|requests| came(requests) >= MESSAGES, "all of what is limited").await;
        let mut times: Vec<Instant> =
            received.iter().filter(|request| request.path() == path).map(|request| request.at).collect();
        times.sort();
        // In any second; one more of each node, for what was a little late on its way.
        let most = (0..times.len())
            .map(|first| times[first..].iter().take_while(|at| **at - times[first] < HONOURED_WITHIN).count())
            .max();
        assert!(most.is_some_and(|most| most <= RATE + 3), "{path}: {most:?} in a second");
        let took = times[times.len() - 1] - times[0];
        let needed = HONOURED_WITHIN * u32::try_from(MESSAGES / RATE).unwrap();
        assert!(took < needed * 2, "{path}: it is not held back more than that: {took:?}");
    }
}
