//! A server on loopback over a new database, and clients of it.

use std::path::Path;

use hookwright::config::{Config, DatabaseUrl};
use hookwright::domain::ids::ApplicationId;
use hookwright::domain::token::{Scope, TokenSettings};
use hookwright::{Clock, Hooks};
use hookwright_server::server::{self, ServerOptions};
use hookwright_testkit::http::{Answer, Client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The operator's own token.
pub(crate) const TOKEN: &str = "operator-token-of-the-tests";
/// What Svix-style tokens are signed with.
pub(crate) const JWT_SECRET: &str = "jwt-secret-of-the-tests";

/// A server, with a client that may do everything.
pub(crate) struct Rig {
    pub(crate) client: Client,
    pub(crate) base: String,
    pub(crate) hooks: Hooks,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Rig {
    /// Loopback targets are allowed.
    pub(crate) async fn start() -> Rig {
        Rig::start_with("127.0.0.0/8").await
    }

    /// Targets in this network are allowed.
    pub(crate) async fn start_with(allowed: &str) -> Rig {
        Rig::start_configured(|config| config.allow_target_networks = vec![allowed.parse().unwrap()]).await
    }

    /// It is as late as this clock says.
    pub(crate) async fn start_at(clock: Clock) -> Rig {
        Rig::start_configured(|config| config.clock = clock).await
    }

    /// Loopback targets are allowed, and then the engine's configuration is changed.
    pub(crate) async fn start_configured(change: impl FnOnce(&mut Config)) -> Rig {
        Rig::start_set_up(change, |_| {}).await
    }

    /// Loopback targets are allowed, and then the engine's configuration and the server's options are changed.
    pub(crate) async fn start_set_up(
        change: impl FnOnce(&mut Config),
        set_up: impl FnOnce(&mut ServerOptions),
    ) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let hooks = start_engine(folder.path(), change).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut options = ServerOptions {
            api_token: Some(TOKEN.to_owned().into()),
            jwt_secret: Some(JWT_SECRET.to_owned().into()),
            ..ServerOptions::new(base.parse().unwrap())
        };
        set_up(&mut options);
        let stop = CancellationToken::new();
        let router = server::router(hooks.clone(), options).unwrap();
        tokio::spawn(server::run(listener, router, stop.clone()));
        Rig { client: Client::new(&base, TOKEN), base, hooks, stop, _folder: folder }
    }

    /// Makes an application with this uid and gives its id.
    pub(crate) async fn application(&self, uid: &str) -> String {
        let answer = self.client.post("/api/v1/app", &json!({"name": uid, "uid": uid})).await.expect(201);
        text(&answer.json()["id"])
    }

    /// Makes an endpoint of this application and gives its id.
    pub(crate) async fn endpoint(&self, application: &str, url: &str) -> String {
        let path = format!("/api/v1/app/{application}/endpoint");
        text(&self.client.post(&path, &json!({"url": url})).await.expect(201).json()["id"])
    }

    /// Sends a message and gives its id.
    pub(crate) async fn send(&self, application: &str, event_type: &str, payload: Value) -> String {
        let path = format!("/api/v1/app/{application}/msg");
        let body = json!({"eventType": event_type, "payload": payload});
        text(&self.client.post(&path, &body).await.expect(202).json()["id"])
    }

    /// A client with a token for this application alone.
    pub(crate) async fn tenant(&self, application: &str) -> Client {
        let application: ApplicationId = application.parse().unwrap();
        let scope = Scope::Application(self.hooks.default_organisation(), application);
        let token = self.hooks.token_create(TokenSettings::new("tenant", scope)).await.unwrap();
        Client::new(&self.base, token.text.as_str())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn start_engine(folder: &Path, change: impl FnOnce(&mut Config)) -> Hooks {
    let file = DatabaseUrl::Sqlite(folder.join("hookwright.db"));
    let elsewhere = hookwright_testkit::postgres::instead_of_file(folder);
    let master_keys = elsewhere.as_ref().map(|_| hookwright_testkit::postgres::MASTER_KEY.parse().unwrap());
    let mut builder = Hooks::builder(elsewhere.map_or(file, |url| url.parse().unwrap()));
    builder.config_mut().master_keys = master_keys;
    builder.config_mut().allow_target_networks = vec!["127.0.0.0/8".parse().unwrap()];
    change(builder.config_mut());
    builder.start().await.unwrap()
}

/// The text that a JSON value is.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// The values of one field, over the items of a list.
#[track_caller]
pub(crate) fn column(list: &Answer, field: &str) -> Vec<Value> {
    let list = list.json();
    list["data"].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
}

/// Where the first thing that is wrong with a request is, as the answer says.
#[track_caller]
pub(crate) fn wrong_place(answer: &Answer) -> String {
    let loc = answer.json()["detail"][0]["loc"].clone();
    let loc = loc.as_array().unwrap_or_else(|| panic!("no validation list: {}", answer.text()));
    loc.iter().map(text).collect::<Vec<_>>().join(".")
}
