//! An installation with something in every table, made over the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hookwright_testkit::http::{Answer, Client, Method};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use crate::inbound::{PATH, Provider, github};
use crate::live::Live;

pub(super) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const SECRET_NOW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OPERATIONAL: &str = "/api/v1/operational-webhook/endpoint";

/// Everybody who is called. Some fail, or never answer, until all is well.
pub(super) struct World {
    pub(super) receiver: Receiver,
    is_well: Arc<AtomicBool>,
}

/// What was made.
pub(super) struct Installation {
    /// A source of GitHub, and one that asks its sender.
    pub(super) github: String,
    pub(super) asking: String,
    /// A token of the application `acme`.
    pub(super) token: String,
    /// The message with every option, and its answer.
    pub(super) message: Value,
    /// What making an application under a key was answered.
    pub(super) once: Value,
}

impl World {
    pub(super) async fn start() -> World {
        let (receiver, is_well) = (Receiver::start().await, Arc::new(AtomicBool::new(false)));
        let well = Arc::clone(&is_well);
        receiver.reply_with(move |request| match (request.path(), well.load(Ordering::Relaxed)) {
            ("/gone", _) => Reply::status(500).header("webhook-delivery", "abort-message"),
            ("/busy", false) => Reply::status(500),
            ("/hang", false) => Reply::hang(),
            ("/ask", false) => Reply::status(503),
            ("/ask", true) => Reply::ok().body("{\"paid\":true}"),
            _ => Reply::ok(),
        });
        World { receiver, is_well }
    }

    /// From now on everybody answers.
    pub(super) fn gets_well(&self) {
        self.is_well.store(true, Ordering::Relaxed);
    }

    /// Requests to a path so far.
    pub(super) fn count(&self, path: &str) -> usize {
        self.receiver.received().iter().filter(|request| request.path() == path).count()
    }

    fn url(&self, path: &str) -> String {
        self.receiver.url(path)
    }
}

/// The message with every option, under a key.
pub(super) async fn send(client: &Client) -> Answer {
    let message = json!({
        "eventType": "book.added", "payload": {"n": 1}, "eventId": "event-1", "channels": ["c"], "tags": ["t"],
        "payloadRetentionPeriod": 30,
    });
    under_key(client, "/api/v1/app/acme/msg", "key-of-message", &message).await
}

/// Makes an application under a key.
pub(super) async fn make_once(client: &Client) -> Answer {
    under_key(client, "/api/v1/app", "key-of-application", &json!({"name": "Once", "uid": "once"})).await
}

async fn under_key(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.request(Method::POST, path, &headers, body.to_string()).await
}

/// Fills a server's database, until nothing changes any more but what fails.
pub(super) async fn fill(server: &Live, world: &World) -> Installation {
    let client = &server.client;
    let post = async |path: &str, body: Value| client.post(path, &body).await.expect(201).json();
    // What people choose freely may hold anything.
    let odd = "NUL \0, its escape \u{1}0, and \u{1}1";
    post(OPERATIONAL, json!({"uid": "ops", "url": world.url("/ops"), "secret": SECRET})).await;
    post(
        "/api/v1/event-type",
        json!({"name": "book.added", "description": odd, "schemas": {"1": {"description": odd}}}),
    )
    .await;
    post("/api/v1/event-type", json!({"name": "book.burned", "description": "", "archived": true})).await;
    let acme = json!({"name": odd, "uid": "acme", "metadata": {"nul": odd}, "throttleRate": 500});
    post("/api/v1/app", acme).await;
    post("/api/v1/app", json!({"name": "Busy", "uid": "busy"})).await;
    for (app, endpoint) in [
        (
            "acme",
            json!({"uid": "main", "url": world.url("/ok"), "secret": SECRET, "description": odd, "channels": ["c"],
                   "eventTypes": ["book.added"], "headers": {"X-Tenant": "t"}, "metadata": {"k": "v"}}),
        ),
        ("acme", json!({"uid": "gone", "url": world.url("/gone"), "throttleRate": 50})),
        ("acme", json!({"uid": "off", "url": world.url("/ok"), "disabled": true})),
        ("busy", json!({"uid": "failing", "url": world.url("/busy")})),
        ("busy", json!({"uid": "hanging", "url": world.url("/hang")})),
    ] {
        post(&format!("/api/v1/app/{app}/endpoint"), endpoint).await;
    }
    let rotate = "/api/v1/app/acme/endpoint/main/secret/rotate";
    client.post(rotate, &json!({"key": SECRET_NOW})).await.expect(200);
    let once = make_once(client).await.expect(201).json();
    post("/api/v1/app", json!({"name": "Doomed", "uid": "doomed"})).await;
    client.delete("/api/v1/app/doomed").await.expect(204);
    let token = client.post("/api/v1/auth/app-portal-access/acme", &json!({})).await.expect(200).json();

    let message = send(client).await.expect(202).json();
    let body = json!({"eventType": "book.added", "payload": {"n": 2}, "channels": ["c"]});
    client.post("/api/v1/broadcast", &body).await.expect(202);
    attempts(client, "acme", "main", 2).await;
    attempts(client, "acme", "gone", 2).await;
    attempts(client, "busy", "failing", 1).await;
    world.receiver.wait_until(|all| all.iter().any(|it| it.path() == "/hang"), "one that hangs").await;
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    let recover = json!({"since": jiff::Timestamp::try_from(an_hour_ago).unwrap().to_string()});
    let task = client.post("/api/v1/app/acme/endpoint/main/recover", &recover).await.expect(202).json();
    let task = format!("/api/v1/background-task/{}", task["id"].as_str().unwrap());
    eventually("the end of the task", async || match client.get(&task).await.expect(200).json() {
        task if task["status"] == "finished" => Ok(()),
        task => Err(task),
    })
    .await;
    Installation {
        github: received(server, world).await,
        asking: asking(server, world).await,
        token: token["token"].as_str().unwrap().to_owned(),
        message,
        once,
    }
}

/// A source of GitHub, whose URL was changed, with requests of each verdict.
async fn received(server: &Live, world: &World) -> String {
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let endpoint = json!({"uid": "to", "url": world.url("/forwarded"), "headers": {"X-From": "github"}});
    server.client.post(&format!("{PATH}/{id}/endpoint"), &endpoint).await.expect(201);
    let first = Provider::made(&server.url, &made, &github(), None);
    first.send("1", "{\"n\":1}").await.expect(200);
    first.send("1", "{\"n\":1}").await.expect(200);
    first.client.request(Method::POST, &format!("{}?query=%00", first.path), &[], "{}").await.expect(401);
    let rotate = format!("{PATH}/{id}/token/rotate");
    server.client.post(&rotate, &json!({})).await.expect(200);
    first.send("2", "{\"n\":2}").await.expect(200);
    let path = format!("{PATH}/{id}/endpoint");
    let endpoints = server.client.get(&path).await.expect(200).json();
    assert_eq!(endpoints["data"].as_array().unwrap().len(), 1);
    eventually("both are forwarded", async || match world.count("/forwarded") {
        2 => Ok(()),
        count => Err(count),
    })
    .await;
    id
}

/// A source that asks its sender, who does not answer yet.
async fn asking(server: &Live, world: &World) -> String {
    let source = json!({
        "name": "Pay", "type": "generic-webhook", "uid": "pay",
        "confirm": {"url": world.url("/ask"), "headers": {"authorization": "Bearer for-the-api"},
                    "expect": {"status": 200, "pointer": "/paid", "equals": true}},
    });
    let made = server.client.post(PATH, &source).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let endpoint = json!({"url": world.url("/confirmed")});
    server.client.post(&format!("{PATH}/{id}/endpoint"), &endpoint).await.expect(201);
    Provider::made(&server.url, &made, &source, None).send("", "{\"paid\":1}").await.expect(200);
    world.receiver.wait_until(|all| all.iter().any(|it| it.path() == "/ask"), "a question").await;
    id
}

async fn attempts(client: &Client, app: &str, endpoint: &str, count: usize) {
    let path = format!("/api/v1/app/{app}/attempt/endpoint/{endpoint}");
    eventually(&format!("{count} attempts at {endpoint}"), async || {
        let list = client.get(&path).await.expect(200).json();
        if list["data"].as_array().unwrap().len() >= count { Ok(()) } else { Err(list) }
    })
    .await;
}

/// What a server says of all that does not change while others fail, without its own address.
pub(super) async fn pages(server: &Live, installation: &Installation) -> Vec<(String, String)> {
    let mut paths: Vec<String> = [
        "/api/v1/app",
        "/api/v1/app/acme",
        "/api/v1/app/acme/endpoint",
        "/api/v1/app/acme/endpoint/main/secret",
        "/api/v1/app/acme/endpoint/main/headers",
        "/api/v1/app/acme/endpoint/gone/stats",
        "/api/v1/app/acme/msg?with_content=true",
        "/api/v1/app/acme/attempt/endpoint/main",
        "/api/v1/app/acme/attempt/endpoint/gone",
        "/api/v1/app/busy/endpoint",
        "/api/v1/app/busy/endpoint/failing/secret",
        "/api/v1/app/busy/msg?with_content=true",
        "/api/v1/event-type?with_content=true&include_archived=true",
        "/api/v1/background-task",
        "/api/v1/operational-webhook/endpoint",
        "/api/v1/operational-webhook/endpoint/ops/secret",
        "/ingest/api/v1/source",
    ]
    .map(str::to_owned)
    .to_vec();
    let Installation { github, asking, message, .. } = installation;
    for page in ["", "/endpoint", "/endpoint/to/secret", "/endpoint/to/headers", "/log"] {
        paths.push(format!("{PATH}/{github}{page}"));
    }
    paths.push(format!("{PATH}/{asking}"));
    let message = message["id"].as_str().unwrap();
    paths.push(format!("/api/v1/app/acme/attempt/msg/{message}"));
    let mut pages = Vec::new();
    for path in paths {
        let text = server.client.get(&path).await.expect(200).text().replace(&server.url, "");
        pages.push((path, text));
    }
    pages
}
