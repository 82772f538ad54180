//! The real program, serving on a port of its own choice, and allowed to call this machine.

use std::net::SocketAddr;

use hookwright_testkit::http::{Client, Method};
use hookwright_testkit::{Launch, Process};
use serde_json::{Value, json};

/// The operator's token.
pub(crate) const TOKEN: &str = "for_tests_of_the_real_program";

/// A running server.
pub(crate) struct Live {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// How it is started. Each start gets another port.
pub(crate) fn launch(retry_schedule: &str) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_hookwright"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOOKWRIGHT_API_TOKEN", TOKEN)
        .env("HOOKWRIGHT_ALLOW_TARGET_NETWORKS", "127.0.0.0/8")
        .env("HOOKWRIGHT_RETRY_SCHEDULE", retry_schedule);
    match hookwright_testkit::postgres::instead_of_file(launch.directory()) {
        Some(url) => on_postgres(launch, &url),
        None => launch,
    }
}

/// The same on the PostgreSQL database at this URL.
pub(crate) fn on_postgres(launch: Launch, url: &str) -> Launch {
    launch
        .env("HOOKWRIGHT_DATABASE_URL", url)
        .env("HOOKWRIGHT_MASTER_KEY", hookwright_testkit::postgres::MASTER_KEY)
}

impl Live {
    /// Starts it, and waits until it listens.
    pub(crate) async fn start(launch: &Launch) -> Live {
        let process = launch.start();
        let line = process.wait_for_line(|line| line.starts_with("listening: "), "the address").await;
        let url = line.trim_start_matches("listening: ").to_owned();
        Live { process, client: Client::new(&url, TOKEN), url }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// Makes the application `app`, with endpoints by uid and URL.
    pub(crate) async fn set_up(&self, endpoints: &[(&str, String)]) {
        self.client.post("/api/v1/app", &json!({"name": "App", "uid": "app"})).await.expect(201);
        for (uid, url) in endpoints {
            let endpoint = json!({"uid": uid, "url": url});
            self.client.post("/api/v1/app/app/endpoint", &endpoint).await.expect(201);
        }
    }

    /// Sends a message of `app`, and returns its id.
    pub(crate) async fn send(&self, payload: &Value) -> String {
        let message = json!({"eventType": "book.added", "payload": payload});
        let sent = self.client.post("/api/v1/app/app/msg", &message).await.expect(202).json();
        sent["id"].as_str().unwrap().to_owned()
    }

    /// Whether it is in order: it answers, and its database too.
    pub(crate) async fn is_well(&self) {
        self.client.request(Method::GET, "/api/v1/health/ready", &[], "").await.expect(200);
    }
}
