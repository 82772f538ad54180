//! Nodes as processes on one database, senders that repeat what was not answered, and the count of what arrives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::postgres::Database;
use hookwright_testkit::{Launch, Receiver, eventually_within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::live::{Live, launch, on_postgres};

/// Messages under way to the nodes at the same time.
const SENDERS: usize = 8;
/// A node that is asked to stop is gone within this.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// How long a message is sent again and again before that is a failure.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60);

/// Where the nodes are; `None` of one that is not running.
type Places = Arc<Mutex<Vec<Option<Client>>>>;

/// Nodes on one database, counted from 0.
pub(crate) struct Nodes {
    launch: Launch,
    nodes: Vec<Option<Live>>,
    places: Places,
}

impl Nodes {
    /// Starts so many, one after the other, which retry by this schedule.
    pub(crate) async fn start(database: &Database, count: usize, retry_schedule: &str) -> Nodes {
        Nodes::launched(on_postgres(launch(retry_schedule), &database.url), count).await
    }

    /// Starts so many of this launch, which names a database.
    pub(crate) async fn launched(launch: Launch, count: usize) -> Nodes {
        let mut nodes = Nodes { launch, nodes: Vec::new(), places: Places::default() };
        for number in 0..count {
            nodes.nodes.push(None);
            nodes.places.lock().unwrap().push(None);
            nodes.start_again(number).await;
        }
        nodes
    }

    /// One that is running.
    pub(crate) fn node(&self, number: usize) -> &Live {
        self.nodes[number].as_ref().expect("that node is running")
    }

    /// Makes the application `app` with one endpoint, by the first node.
    pub(crate) async fn set_up(&self, receiver: &Receiver) {
        self.node(0).set_up(&[("one", receiver.url("/"))]).await;
    }

    /// Kills one (SIGKILL): it has no time to say anything.
    pub(crate) async fn kill(&mut self, number: usize) {
        self.take(number).process.kill9().await;
    }

    /// Stops one (SIGTERM), which ends well and in time; how long it took.
    pub(crate) async fn stop(&mut self, number: usize) -> Duration {
        let mut node = self.take(number);
        let asked = Instant::now();
        node.process.terminate();
        let status = node.process.wait_exit().await;
        assert_eq!(status.code(), Some(0), "{:?}", node.process.lines());
        assert!(asked.elapsed() < STOPPED_WITHIN, "it stopped after {:?}", asked.elapsed());
        asked.elapsed()
    }

    /// Starts one that was killed or stopped; it gets another port.
    pub(crate) async fn start_again(&mut self, number: usize) {
        let node = Live::start(&self.launch).await;
        self.places.lock().unwrap()[number] = Some(node.client.clone());
        self.nodes[number] = Some(node);
    }

    /// Sends messages 0 to `count` of `app`, each to the next node in turn, and to others until one accepts it. The keys begin
    /// with `name`.
    pub(crate) fn send(&self, name: &str, count: usize) -> Traffic {
        let (next, (accepted, watched)) = (Arc::new(AtomicUsize::new(0)), watch::channel(0));
        let accepted = Arc::new(accepted);
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let (next, accepted, places) = (next.clone(), accepted.clone(), self.places.clone());
            let name = name.to_owned();
            senders.spawn(async move {
                let mut sent = Sent::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return sent;
                    }
                    let key = format!("{name}-{number}");
                    let id = send_until_accepted(&places, number, &key, &mut sent).await;
                    sent.ids.insert(id, key);
                    accepted.send_modify(|accepted| *accepted += 1);
                }
            });
        }
        Traffic { senders, accepted: watched }
    }

    fn take(&mut self, number: usize) -> Live {
        self.places.lock().unwrap()[number] = None;
        self.nodes[number].take().expect("that node is running")
    }
}

/// Messages that are being sent.
pub(crate) struct Traffic {
    senders: JoinSet<Sent>,
    accepted: watch::Receiver<usize>,
}

/// What was accepted.
#[derive(Default)]
pub(crate) struct Sent {
    /// The keys by the ids that they were answered with.
    pub(crate) ids: HashMap<String, String>,
    /// How many requests were answered with 503, or not at all.
    pub(crate) repeated: usize,
    /// The longest that a request waited for a 503.
    pub(crate) refused_after: Duration,
}

impl Traffic {
    /// Waits until so many are accepted.
    pub(crate) async fn wait_accepted(&mut self, count: usize) {
        let waited = self.accepted.wait_for(|accepted| *accepted >= count);
        let waited = tokio::time::timeout(ACCEPTED_WITHIN, waited).await;
        waited.expect("messages are accepted in time").expect("the senders did not fail");
    }

    /// Waits until all are accepted.
    pub(crate) async fn end(mut self) -> Sent {
        let mut all = Sent::default();
        while let Some(sent) = self.senders.join_next().await {
            let sent = sent.unwrap();
            all.ids.extend(sent.ids);
            all.repeated += sent.repeated;
            all.refused_after = all.refused_after.max(sent.refused_after);
        }
        all
    }
}

/// The id of the message, once a node accepted it.
async fn send_until_accepted(places: &Places, number: usize, key: &str, sent: &mut Sent) -> String {
    let (started, mut turn) = (Instant::now(), number);
    loop {
        let client = {
            let places = places.lock().unwrap();
            places[turn % places.len()].clone()
        };
        if let Some(client) = client
            && let Some(id) = send_once(&client, key, sent).await
        {
            return id;
        }
        assert!(started.elapsed() < ACCEPTED_WITHIN, "nobody accepts {key}");
        turn += 1;
        // Paces: a client that is refused comes again after a moment, as it is told to.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send_once(client: &Client, key: &str, sent: &mut Sent) -> Option<String> {
    let body = format!(r#"{{"eventType":"load.test","payload":{{"key":"{key}"}}}}"#);
    let headers = [("idempotency-key", key), ("content-type", "application/json")];
    let asked = Instant::now();
    let answer = client.try_request(Method::POST, "/api/v1/app/app/msg", &headers, body).await;
    match answer {
        Ok(answer) if answer.status == 202 => {
            return Some(answer.json()["id"].as_str().expect("an id is a text").to_owned());
        }
        Ok(answer) => {
            assert_eq!(answer.status, 503, "{key}: {}", answer.text());
            sent.refused_after = sent.refused_after.max(asked.elapsed());
        }
        // Its node was killed.
        Err(_) => {}
    }
    sent.repeated += 1;
    None
}

/// Waits until each accepted message came to a receiver that counts; how many requests were one too many.
pub(crate) async fn duplicates_once_all_arrived(receiver: &Receiver, sent: &Sent, within: Duration) -> usize {
    let counts = eventually_within(within, "that all accepted messages arrive", async || {
        let counts = receiver.counts();
        match sent.ids.keys().filter(|id| !counts.contains_key(*id)).count() {
            0 => Ok(counts),
            missing => Err(format!("{missing} of {} are missing", sent.ids.len())),
        }
    })
    .await;
    let strangers: Vec<_> = counts.keys().filter(|id| !sent.ids.contains_key(*id)).collect();
    assert!(strangers.is_empty(), "nobody was told of {strangers:?}");
    counts.values().map(|count| *count as usize - 1).sum()
}
