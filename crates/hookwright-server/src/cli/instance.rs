//! A server of this process: it opens, serves until it is asked to stop, and ends in order.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hookwright::domain::page::{Order, PageRequest};
use hookwright::domain::token::{Scope, TokenFilter, TokenSettings};
use hookwright::{Builder, Hooks};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::{metrics, signals};
use crate::config::Settings;
use crate::notify::{Notifier, Program};
use crate::pages::login_link;
use crate::server::{self, SentWebhooks, ServerOptions};

/// An engine and a bound socket, not yet serving.
pub(super) struct Instance {
    /// The engine, running.
    pub(super) hooks: Hooks,
    /// The address that is listened on, with the port that was given if 0 was asked for.
    pub(super) address: SocketAddr,
    /// What browsers reach it at, with no slash at the end.
    pub(super) url: String,
    public_url: Url,
    listener: TcpListener,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
    stop: CancellationToken,
    grace: Duration,
    notifier: Option<Notifier>,
}

/// The program that the operator wants to be told by, if there is one; fails if it is not there.
pub(super) fn notify_program(settings: &Settings) -> Result<Option<Program>, Failure> {
    let found = settings.notify.as_deref().map(Program::find).transpose();
    found.map_err(|error| Failure::because("The configuration cannot be used", &error))
}

/// How a server differs between `serve` and `dev`.
pub(super) struct Conduct {
    /// The token that is fixed.
    pub(super) api_token: Option<Zeroizing<String>>,
    /// Whether it serves one developer: everybody is told how to allow a refused address, and nobody else gets in.
    pub(super) for_development: bool,
    /// The webhooks that are caught instead of being sent, if they are.
    pub(super) sent: Option<SentWebhooks>,
}

impl Instance {
    /// Binds the socket and starts the engine, in this order: a taken port is found before the database is touched. With `sent`,
    /// webhooks are caught there and not sent.
    pub(super) async fn open(settings: &Settings, sent: Option<&SentWebhooks>) -> Result<Instance, Failure> {
        let stop = signals::stop()?;
        let listener =
            TcpListener::bind(settings.listen).await.map_err(|error| not_bound(settings, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::because("The address listened on is not known", &error))?;
        let public_url = settings
            .public_url_at(address)
            .map_err(|error| Failure::because(&format!("The address {address} is no URL"), &error))?;
        let metrics = metrics::start(stop.clone())?;
        let mut builder = Builder::new(settings.engine()).events(settings.events.clone());
        if let Some(sent) = sent.cloned() {
            builder = builder.deliver_with(move |outgoing| std::future::ready(sent.catch(outgoing)));
        }
        let notifier = notify_program(settings)?.map(Notifier::start);
        if let Some(notifier) = &notifier {
            builder = builder.on_event(notifier.callback());
        }
        let hooks = builder.start().await.map_err(|error| {
            Failure::because(&format!("The server cannot start on {}", settings.database), &error)
        })?;
        let url = public_url.as_str().trim_end_matches('/').to_owned();
        Ok(Instance {
            hooks,
            address,
            url,
            public_url,
            listener,
            metrics,
            stop,
            grace: settings.shutdown_grace,
            notifier,
        })
    }

    /// A token for the first start of a database that has none and for which none is fixed.
    pub(super) async fn first_token(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let failed = |error| Failure::because("The first access token cannot be made", &error);
        let organisation = self.hooks.default_organisation();
        let first = PageRequest::first(1, Order::Ascending);
        let tokens =
            self.hooks.token_list(organisation, TokenFilter::Organisation, first).await.map_err(failed)?;
        // A revoked one counts: who revoked it does not want another to appear by itself.
        if !tokens.items.is_empty() {
            return Ok(None);
        }
        let settings = TokenSettings::new("made at the first start", Scope::Organisation(organisation));
        let made = self.hooks.token_create(settings).await.map_err(failed)?;
        Ok(Some(made.text))
    }

    /// The URL of a new link that opens the page once.
    pub(super) async fn login_link(&self) -> Result<String, Failure> {
        let failed = |error| Failure::because("The link that opens the page cannot be made", &error);
        Ok(format!("{}{}", self.url, login_link(&self.hooks).await.map_err(failed)?))
    }

    /// Serves until the process is asked to stop, then ends what is under way within the grace period.
    pub(super) async fn serve(self, settings: Settings, conduct: Conduct) -> Result<(), Failure> {
        let Instance { hooks, listener, metrics, stop, grace, public_url, notifier, .. } = self;
        let options = ServerOptions {
            api_token: conduct.api_token,
            jwt_secret: settings.jwt_secret,
            public_url,
            payload_limit: settings.payload_limit,
            inbound_body_limit: settings.inbound_body_limit,
            refuse_unregistered: settings.refuse_unregistered,
            rest_hooks_verify_url: settings.rest_hooks_verify_url,
            extra_ca_pem: settings.extra_ca_pem,
            sent: conduct.sent,
            metrics: Some(metrics),
            target_hints: conduct.for_development,
        };
        let router = server::router(hooks.clone(), options)
            .map_err(|error| Failure::because("The server cannot be set up", &error))?;
        let router = if conduct.for_development { server::for_this_machine_only(router) } else { router };
        let mut served = tokio::spawn(server::run(listener, router, stop.clone()));
        let ended = tokio::select! {
            ended = &mut served => Some(ended),
            () = stop.cancelled() => None,
        };
        let stopping = Instant::now();
        tracing::info!("stopping: no more requests are taken");
        if ended.is_none() && tokio::time::timeout(grace, &mut served).await.is_err() {
            tracing::warn!("requests under way did not end within the grace period");
            served.abort();
        }
        let report = hooks.shutdown(grace.saturating_sub(stopping.elapsed())).await;
        if let Some(notifier) = notifier {
            notifier.shutdown(grace.saturating_sub(stopping.elapsed())).await;
        }
        match report {
            Ok(report) => tracing::info!(
                attempts.finished = report.finished,
                attempts.called_off = report.called_off,
                "stopped; what is pending goes on at the next start"
            ),
            Err(unwritten) => tracing::error!(error = %unwritten, "stopped"),
        }
        match ended {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(Failure::because("The server ended by itself", &error)),
            Some(Err(error)) => Err(Failure::because("The server ended by itself", &error)),
        }
    }
}

fn not_bound(settings: &Settings, error: &std::io::Error) -> Failure {
    let failure = Failure::because(&format!("The server cannot listen on {}", settings.listen), error);
    failure.advise(match error.kind() {
        ErrorKind::AddrInUse => {
            "Another program listens there: stop that one, or choose another address with HOOKWRIGHT_LISTEN."
        }
        ErrorKind::PermissionDenied => "Choose a port above 1023 with HOOKWRIGHT_LISTEN.",
        _ => "Set HOOKWRIGHT_LISTEN to an address of this machine, or to 0.0.0.0:8071 for all of them.",
    })
}
