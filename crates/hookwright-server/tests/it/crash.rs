//! The real program is killed at random moments under load: what was answered with 2xx is there afterwards, and arrives.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Received, Receiver, Reply, eventually_within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::live::{Live, launch};

const CRASHES: usize = 20;
const SENDERS: usize = 6;
/// Enough retries that even an endpoint which fails every third time takes everything.
const RETRIES: usize = 20;
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// What a receiver got under one `webhook-id`.
#[derive(Debug)]
struct Arrived {
    body: Bytes,
    /// Whether it was ever answered with 200.
    taken: bool,
}

/// By `webhook-id`.
type Arrivals = Arc<Mutex<HashMap<String, Arrived>>>;

/// Keeps all that comes to a receiver, which fails every `fails_every`th request.
fn keep(receiver: &Receiver, fails_every: usize) -> Arrivals {
    let arrivals = Arrivals::default();
    let kept = arrivals.clone();
    receiver.reply_with(move |request: &Received| {
        let taken = !(request.sequence + 1).is_multiple_of(fails_every);
        let mut arrivals = kept.lock().unwrap();
        let arrived = arrivals
            .entry(request.id().to_owned())
            .or_insert_with(|| Arrived { body: request.body.clone(), taken: false });
        assert_eq!(arrived.body, request.body, "{} came again with other bytes", request.id());
        arrived.taken |= taken;
        if taken { Reply::ok() } else { Reply::status(500) }
    });
    arrivals
}

/// A client of the server as it was last started, each time at another address; `None` once there is enough.
type Server = watch::Receiver<Option<Client>>;

/// The payload that is sent with a key.
fn payload(key: &str) -> String {
    format!(r#"{{"key":"{key}",  "as":"it is"}}"#)
}

/// What became of each key: the id it was answered with, or `None` if it never was.
type Keys = BTreeMap<String, Option<String>>;

/// Sends the message of a key once; its id, or `None` if there was no answer.
async fn send(client: &Client, key: &str) -> Option<String> {
    let body = format!(r#"{{"eventType":"load.test","payload":{}}}"#, payload(key));
    let headers = [("idempotency-key", key), ("content-type", "application/json")];
    let answer = client.try_request(Method::POST, "/api/v1/app/app/msg", &headers, body).await.ok()?;
    Some(answer.expect(202).json()["id"].as_str().unwrap().to_owned())
}

/// Sends until there is enough. Of the requests that get no answer every other one is repeated, with its key.
async fn sender(number: usize, mut server: Server) -> Keys {
    let mut keys = Keys::new();
    for count in 0.. {
        let key = format!("key-{number}-{count}");
        loop {
            let Some(client) = server.borrow_and_update().clone() else { return keys };
            let answered = send(&client, &key).await;
            let is_answered = answered.is_some();
            keys.insert(key.clone(), answered);
            if is_answered {
                break;
            }
            server.changed().await.unwrap();
            if count % 2 == 0 {
                break;
            }
        }
    }
    keys
}

/// Every message that is stored: its id by its key.
async fn stored(client: &Client) -> BTreeMap<String, String> {
    let (mut ids, mut iterator) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/api/v1/app/app/msg?limit=250&with_content=true{iterator}");
        let page = client.get(&path).await.expect(200).json();
        for message in page["data"].as_array().unwrap() {
            let key = message["payload"]["key"].as_str().unwrap().to_owned();
            let second = ids.insert(key, message["id"].as_str().unwrap().to_owned());
            assert_eq!(second, None, "a second message was made of one key: {message}");
        }
        if page["done"] == true {
            return ids;
        }
        iterator = format!("&iterator={}", page["iterator"].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_twenty_kills() {
    let seed = std::env::var("HOOKWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("the moments of the kills follow HOOKWRIGHT_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (good, flaky) = (Receiver::start_counting().await, Receiver::start_counting().await);
    let arrivals = [keep(&good, usize::MAX), keep(&flaky, 3)];

    let launch = launch(&["50ms"; RETRIES].join(",")).env("HOOKWRIGHT_LOG", "error");
    let mut server = Live::start(&launch).await;
    server.set_up(&[("good", good.url("/")), ("flaky", flaky.url("/"))]).await;
    let (started, place) = watch::channel(Some(server.client.clone()));
    let mut senders: JoinSet<Keys> = (0..SENDERS).map(|number| sender(number, place.clone())).collect();
    for _ in 0..CRASHES {
        // Paces: how long the load goes on before the kill is the point of this test.
        tokio::time::sleep(Duration::from_millis(random.u64(5..200))).await;
        server.process.kill9().await;
        server = Live::start(&launch).await;
        started.send_replace(Some(server.client.clone()));
    }
    started.send_replace(None);
    let mut keys = Keys::new();
    while let Some(sent) = senders.join_next().await {
        keys.extend(sent.unwrap());
    }
    let given_up: Vec<String> =
        keys.iter().filter(|(_, id)| id.is_none()).map(|(key, _)| key.clone()).collect();
    println!("{} keys, of which {} got no answer", keys.len(), given_up.len());

    // Nothing that was answered may be missing, whatever came of the others.
    let found = stored(&server.client).await;
    for (key, id) in keys.iter().filter(|(_, id)| id.is_some()) {
        assert_eq!(found.get(key), id.as_ref(), "{key}");
    }
    for key in given_up {
        let id = send(&server.client, &key).await;
        assert!(id.is_some(), "the server that was started last is up");
        keys.insert(key, id);
    }
    let found = stored(&server.client).await;
    let accepted: BTreeMap<String, String> =
        keys.into_iter().filter_map(|(key, id)| Some((key, id?))).collect();
    assert_eq!(found, accepted, "one message for each key");

    for arrivals in arrivals {
        eventually_within(SETTLED_WITHIN, "all messages at an endpoint", async || {
            let arrivals = arrivals.lock().unwrap();
            let missing = |id: &&String| arrivals.get(*id).is_none_or(|arrived| !arrived.taken);
            match accepted.values().filter(missing).count() {
                0 => Ok(()),
                missing => Err(missing),
            }
        })
        .await;
        let arrivals = arrivals.lock().unwrap();
        for (key, id) in &accepted {
            assert_eq!(arrivals[id].body, payload(key), "{key} as it was sent");
        }
        assert_eq!(arrivals.len(), accepted.len(), "nothing else arrived");
    }
    drop(server);
}
