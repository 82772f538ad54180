//! Everything that a client can ask for while the database is gone: a 503 in time, or an answer that needs no database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hookwright_testkit::http::{Answer, Client, Method};
use hookwright_testkit::postgres::{self, Cutter, Stop};
use hookwright_testkit::{Gate, Receiver, Reply, eventually, eventually_within};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::live::{Live, TOKEN, launch, on_postgres};

const DOCUMENT: &str = include_str!("../../../openapi.json");
/// Whoever asks is told within this.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// So many ask at the same time: more than there are connections for reads.
const ASKING: usize = 12;
/// What is answered from memory, or has nothing to do with the database.
const WITHOUT: [&str; 4] =
    ["v1.health.get", "v1.health.ping", "v1.authentication.whoami", "v1.authentication.logout"];

const IMPORTED: &str = r#"{"spec": {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "webhooks": {"NAME.imported":
    {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}}}}}"#;

/// A request, and what it is called in a failure.
#[derive(Clone)]
struct Ask {
    name: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Ask {
    fn is_api(&self) -> bool {
        self.name.starts_with("v1.")
    }

    async fn of(&self, client: &Client) -> Answer {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.request(self.method.clone(), &self.path, &headers, self.body.clone()).await
    }
}

/// What the paths name: one of each thing, whose names begin alike.
struct Named {
    begins: &'static str,
    organisation: String,
    message: String,
    attempt: String,
    ingest: String,
    session: String,
    customer: String,
}

impl Named {
    async fn make(server: &Live, begins: &'static str, receiver: &Receiver) -> Named {
        let client = &server.client;
        let application = json!({"name": "App", "uid": begins});
        client.post("/api/v1/app", &application).await.expect(201);
        let event_type = json!({"name": begins, "description": "", "schemas": {"1": {"examples": [{}]}}});
        client.post("/api/v1/event-type", &event_type).await.expect(201);
        let endpoint = json!({"uid": begins, "url": receiver.url("/")});
        client.post(&format!("/api/v1/app/{begins}/endpoint"), &endpoint).await.expect(201);
        client.post("/api/v1/operational-webhook/endpoint", &endpoint).await.expect(201);
        let source = json!({"name": "Any", "type": "generic-webhook", "uid": begins});
        let source = client.post("/ingest/api/v1/source", &source).await.expect(201).json();
        client.post(&format!("/ingest/api/v1/source/{begins}/endpoint"), &endpoint).await.expect(201);
        let ingest = source["ingestUrl"].as_str().unwrap();
        let message = json!({"eventType": begins, "payload": {}});
        let message = client.post(&format!("/api/v1/app/{begins}/msg"), &message).await.expect(202).json();
        let message = message["id"].as_str().unwrap().to_owned();
        let attempts = format!("/api/v1/app/{begins}/attempt/msg/{message}");
        let attempt = eventually("its attempt", async || {
            let attempts = client.get(&attempts).await.expect(200).json();
            attempts["data"][0]["id"].as_str().map(str::to_owned).ok_or("there is none")
        })
        .await;
        let whoami = client.get("/api/v1/auth/whoami").await.expect(200).json();
        let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let login = client.request(Method::POST, "/login", &form, format!("token={TOKEN}")).await.expect(303);
        let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let access = format!("/api/v1/auth/app-portal-access/{begins}");
        let access = client.post(&access, &json!({})).await.expect(200).json();
        Named {
            begins,
            organisation: organisation_of(&whoami),
            message,
            attempt,
            ingest: ingest[ingest.find("/in/").unwrap()..].to_owned(),
            session: cookie,
            customer: access["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Every operation that the document describes.
    fn operations(&self) -> Vec<Ask> {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let unknown = "2lbJh8YRbTq7vM3y0v1cPq4Zk1s";
        let mut asks = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let named = [
                    ("{app_id}", self.begins),
                    ("{endpoint_id}", self.begins),
                    ("{source_id}", self.begins),
                    ("{event_type_name}", self.begins),
                    ("{msg_id}", &self.message),
                    ("{attempt_id}", &self.attempt),
                    ("{env_id}", &self.organisation),
                    ("{log_id}", &format!("log{}", &unknown[..22])),
                    ("{task_id}", &format!("qtask_{unknown}")),
                    ("{key_id}", &format!("tok_{unknown}")),
                ];
                let path = named.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let name = operation["operationId"].as_str().unwrap();
                let body = match name {
                    _ if schema.is_null() => String::new(),
                    "v1.event-type.import-openapi" => IMPORTED.replace("NAME", self.begins),
                    _ => self.body(&document, schema),
                };
                asks.push(Ask {
                    name: name.to_owned(),
                    method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                    path,
                    headers: vec![("content-type", "application/json".to_owned())],
                    body,
                });
            }
        }
        // What is removed is there for all others.
        asks.sort_by_key(|ask| (ask.method == Method::DELETE, ask.name == "v1.application.delete"));
        asks
    }

    /// What an operation cannot do without.
    fn body(&self, document: &Value, schema: &Value) -> String {
        let schema = match schema["$ref"].as_str() {
            Some(named) => document.pointer(named.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        let mut body = Map::new();
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let value = match name {
                "url" => json!("http://127.0.0.1:9/"),
                "payload" | "headers" => json!({}),
                "eventType" => json!(self.begins),
                "type" => json!("generic-webhook"),
                "since" => json!((jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string()),
                "name" => json!("new"),
                _ => json!("x"),
            };
            body.insert(name.to_owned(), value);
        }
        Value::Object(body).to_string()
    }

    /// What is asked for besides the API: pages, sources' own URLs, and REST Hooks.
    fn others(&self) -> Vec<Ask> {
        let form = vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("sec-fetch-site", "same-origin".to_owned()),
        ];
        let cookie = vec![("cookie", self.session.clone())];
        let signed_in = [form.clone(), cookie.clone()].concat();
        let bearer = vec![
            ("authorization", format!("Bearer {}", self.customer)),
            ("content-type", "application/json".to_owned()),
        ];
        let hook = format!(r#"{{"event":"{}","target":"http://127.0.0.1:9/"}}"#, self.begins);
        let unknown = "/in/src_2lbJh8YRbTq7vM3y0v1cPq/1234567890123456789012";
        [
            ("a source", Method::POST, self.ingest.as_str(), vec![], "{}"),
            ("an unknown source", Method::POST, unknown, vec![], "{}"),
            ("the page", Method::GET, "/", cookie, ""),
            ("a login", Method::POST, "/login", form.clone(), "token=hw_unknown"),
            ("a link", Method::GET, "/login/unknown", vec![], ""),
            ("a link that is opened", Method::POST, "/login/unknown", form.clone(), ""),
            ("signing out", Method::POST, "/logout", signed_in, ""),
            ("hooks", Method::GET, "/api/hooks", bearer.clone(), ""),
            ("a hook", Method::POST, "/api/hooks", bearer.clone(), &hook),
            ("one hook", Method::GET, "/api/hooks/1", bearer.clone(), ""),
            ("no hook", Method::DELETE, "/api/hooks/1", bearer, ""),
        ]
        .into_iter()
        .map(|(name, method, path, headers, body)| Ask {
            name: name.to_owned(),
            method,
            path: path.to_owned(),
            headers,
            body: body.to_owned(),
        })
        .collect()
    }
}

fn organisation_of(whoami: &Value) -> String {
    let text = whoami.to_string();
    let start = text.find("org_").unwrap_or_else(|| panic!("no organisation is in {text}"));
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// What is wrong with an answer to a request while the database is gone.
fn wrong_with(ask: &Ask, answer: &Answer, took: Duration) -> Option<String> {
    let is_page = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
    let is_told = answer.status == 503
        && answer.header("retry-after").is_some()
        && (is_page || answer.json()["detail"].is_string());
    // What is configured, and was looked at a moment ago, is in memory.
    let is_known = ask.method == Method::GET && answer.status == 200;
    let needs_none = is_known || (WITHOUT.contains(&ask.name.as_str()) && answer.status < 500);
    let is_right = (is_told || needs_none) && took < TOLD_WITHIN;
    let what = || format!("{} {}: {} after {took:?}: {}", ask.name, ask.path, answer.status, answer.text());
    (!is_right).then(what)
}

/// Asks for everything at once, and looks at each answer.
async fn all_are_refused(server: &Live, asks: &[Ask]) {
    let asks = Arc::new(asks.to_vec());
    let mut asking = JoinSet::new();
    for first in 0..ASKING {
        let (asks, url) = (asks.clone(), server.url.clone());
        asking.spawn(async move {
            let (client, anonymous) = (Client::new(&url, TOKEN), Client::anonymous(&url));
            let mut wrong = Vec::new();
            for ask in asks.iter().skip(first).step_by(ASKING) {
                let asked = Instant::now();
                let answer = ask.of(if ask.is_api() { &client } else { &anonymous }).await;
                wrong.extend(wrong_with(ask, &answer, asked.elapsed()));
            }
            wrong
        });
    }
    let mut wrong = Vec::new();
    while let Some(asked) = asking.join_next().await {
        wrong.extend(asked.unwrap());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_told_in_time_that_the_database_is_gone_or_stands_still() {
    let Some(cluster) = postgres::cluster() else { return };
    let direct = cluster.database().await;
    let (cutter, database): (Cutter, _) = direct.through_cutter().await;
    let launch = on_postgres(launch("1s"), &database.url);
    let (server, receiver) = (Live::start(&launch).await, Receiver::start_counting().await);
    // All of it is known to be right while the database is there.
    let there = Named::make(&server, "there", &receiver).await;
    let gone = Named::make(&server, "gone", &receiver).await;
    let mut wrong = Vec::new();
    for ask in there.operations().into_iter().chain(there.others()) {
        let client = if ask.is_api() { server.client.clone() } else { Client::anonymous(&server.url) };
        let answer = ask.of(&client).await;
        let is_wrong = answer.status == 422 || answer.status >= 500;
        if is_wrong || (answer.status == 400 && !WITHOUT.contains(&ask.name.as_str())) {
            wrong.push(format!("{}: {} {}", ask.name, answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let asks: Vec<Ask> = gone.operations().into_iter().chain(gone.others()).collect();
    cutter.stall();
    all_are_refused(&server, &asks).await;
    cutter.mend();
    back(&server).await;
    cluster.stop(Stop::Immediate);
    all_are_refused(&server, &asks).await;
    cluster.start_again();
    back(&server).await;
}

async fn back(server: &Live) {
    let message = json!({"eventType": "gone", "payload": {}});
    eventually_within(BACK_WITHIN, "that messages are accepted", async || {
        let answer = server.client.post("/api/v1/app/gone/msg", &message).await;
        if answer.status == 202 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    eventually_within(BACK_WITHIN, "that it says it is ready", async || {
        let answer = server.client.get("/api/v1/health/ready").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_meanwhile_and_is_recorded_once() {
    const UNDER_WAY: usize = 20;
    let Some(cluster) = postgres::cluster() else { return };
    let database = cluster.database().await;
    let launch = on_postgres(launch("1s"), &database.url);
    let (server, receiver) = (Live::start(&launch).await, Receiver::start().await);
    let gate = Gate::new();
    receiver.script([Reply::ok().behind(&gate)]);
    server.set_up(&[("one", receiver.url("/"))]).await;
    for number in 0..UNDER_WAY {
        server.send(&json!({"number": number})).await;
    }
    gate.wait_entered(UNDER_WAY).await;
    cluster.stop(Stop::Immediate);
    gate.release();
    server.client.get("/api/v1/health/ready").await.expect(503);
    let waiting = async |count: usize| {
        eventually(&format!("that {count} outcomes wait"), async || {
            let metrics = server.client.get("/metrics").await.expect(200).text();
            let line = metrics.lines().find(|line| line.starts_with("hookwright_outcomes_waiting "));
            let told = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
            if told == Some(count) { Ok(()) } else { Err(line.map(str::to_owned)) }
        })
        .await;
    };
    waiting(UNDER_WAY).await;
    cluster.start_again();
    eventually_within(BACK_WITHIN, "that it says it is ready", async || {
        let answer = server.client.get("/api/v1/health/ready").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    eventually("that all is recorded", async || {
        match database.ask("SELECT count(*) FROM delivery").await.as_str() {
            "0" => Ok(()),
            pending => Err(pending.to_owned()),
        }
    })
    .await;
    waiting(0).await;
    assert_eq!(database.ask("SELECT count(*) FROM attempt").await, UNDER_WAY.to_string());
    assert_eq!(receiver.count(), UNDER_WAY, "each is made once");
}
