//! A server with its pages, on a database of its own.

use std::sync::Arc;
use std::time::Duration;

use hookwright::config::{Config, DatabaseUrl};
use hookwright::domain::application::{Application, ApplicationSettings};
use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::names::EventTypeName;
use hookwright::domain::retry::RetryPolicy;
use hookwright::hooks::{ApplicationRef, NewEndpoint};
use hookwright::{Clock, Hooks, NewMessage, Sent};
use hookwright_server::server::{self, ServerOptions};
use hookwright_testkit::http::{Answer, Client, Method};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// The operator's token.
pub(super) const TOKEN: &str = "operators_own_token_for_tests";

/// A running server, nobody signed in.
pub(super) struct Site {
    pub(super) hooks: Hooks,
    pub(super) base: String,
    pub(super) stop: CancellationToken,
    pub(super) server: JoinHandle<std::io::Result<()>>,
    client: Client,
    directory: TempDir,
}

impl Site {
    /// Starts one that gives a delivery up after its first failed attempt.
    pub(super) async fn start() -> Site {
        Site::start_with(RetryPolicy { schedule: Vec::new() }).await
    }

    /// Starts one with this retry schedule.
    pub(super) async fn start_with(retry: RetryPolicy) -> Site {
        Site::open(TempDir::new().unwrap(), |config| config.retry = retry, None).await
    }

    /// Starts one that is as late as this clock says.
    pub(super) async fn start_at(clock: &Clock) -> Site {
        Site::open(TempDir::new().unwrap(), |config| config.clock = clock.clone(), None).await
    }

    /// Ends it, and starts another on the same file, which browsers know by the same name.
    pub(super) async fn restart(self, clock: &Clock) -> Site {
        self.stop.cancel();
        self.server.await.unwrap().unwrap();
        self.hooks.shutdown(Duration::from_secs(10)).await.unwrap();
        Site::open(self.directory, |config| config.clock = clock.clone(), Some(&self.base)).await
    }

    async fn open(directory: TempDir, change: impl FnOnce(&mut Config), known_as: Option<&str>) -> Site {
        let mut engine = Hooks::builder(DatabaseUrl::Sqlite(directory.path().join("hooks.db")));
        engine.config_mut().allow_target_networks = vec!["127.0.0.0/8".parse().unwrap()];
        change(engine.config_mut());
        let hooks = engine.start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options = ServerOptions {
            api_token: Some(Zeroizing::new(TOKEN.to_owned())),
            target_hints: true,
            ..ServerOptions::new(known_as.unwrap_or(&base).parse().unwrap())
        };
        let stop = CancellationToken::new();
        let router = server::router(hooks.clone(), options).unwrap();
        let server = tokio::spawn(server::run(listener, router, stop.clone()));
        let client = Client::anonymous(base.clone());
        Site { hooks, base, stop, server, client, directory }
    }

    /// A new one-time link's path.
    pub(super) async fn link(&self) -> String {
        server::login_link(&self.hooks).await.unwrap()
    }

    /// Signs in with a link; the value of the header `cookie` for later requests.
    pub(super) async fn sign_in(&self) -> String {
        cookie_of(&self.post(&self.link().await, "", "").await.expect(303))
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.client.request(Method::GET, path, &[("cookie", cookie)], "").await
    }

    pub(super) async fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        self.post_from(path, cookie, form, "same-origin").await
    }

    /// Posts a form as a browser does for a page of this `site` (`sec-fetch-site`).
    pub(super) async fn post_from(&self, path: &str, cookie: &str, form: &str, site: &str) -> Answer {
        let headers = [
            ("cookie", cookie),
            ("sec-fetch-site", site),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.client.request(Method::POST, path, &headers, form.to_owned()).await
    }

    /// An application with this name.
    pub(super) async fn application(&self, name: &str) -> Application {
        let settings = ApplicationSettings { name: name.to_owned(), ..ApplicationSettings::default() };
        self.hooks.application_create(self.hooks.default_organisation(), settings).await.unwrap()
    }

    /// Has an application's messages of every type sent to `url`.
    pub(super) async fn endpoint(&self, application: &Application, url: &str) {
        let settings = EndpointSettings { url: url.to_owned(), ..EndpointSettings::default() };
        let new = NewEndpoint { settings, ..NewEndpoint::default() };
        self.hooks.endpoint_create(application.id, new).await.unwrap();
    }

    /// Sends a message; its id as text.
    pub(super) async fn send(&self, application: &Application, event_type: &str) -> String {
        let message = NewMessage {
            event_type: EventTypeName::parse(event_type).unwrap(),
            event_id: None,
            channels: Vec::new(),
            tags: Vec::new(),
            payload: "{}".into(),
            payload_retention: None,
        };
        let reference = ApplicationRef::Id(application.id);
        match self.hooks.send(application.organisation, &reference, message, None).await.unwrap() {
            Sent::Accepted(message) => Arc::unwrap_or_clone(message).id.to_string(),
            Sent::Repeated(id) => id.to_string(),
        }
    }

    /// The page, once `text` is on it.
    pub(super) async fn page_with(&self, cookie: &str, text: &str) -> String {
        hookwright_testkit::eventually(text, async || {
            let page = self.get("/", cookie).await.expect(200).text();
            if page.contains(text) { Ok(page) } else { Err(page) }
        })
        .await
    }
}

/// What a browser would send back after this answer.
pub(super) fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}
