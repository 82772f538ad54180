//! Deliveries that wait in the database before the server starts, left by an engine that ran before it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use hookwright::config::Config;
use hookwright::domain::application::{ApplicationRef, ApplicationSettings};
use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::endpoint_edit::NewEndpoint;
use hookwright::domain::names::{EventTypeName, Uid};
use hookwright::{Builder, Error, NewMessage};

use super::args::BenchArgs;
use super::database::Database;
use super::progress::Progress;
use super::{BenchError, payload};

/// The application that they are of, by uid.
const APPLICATION: &str = "pending";
/// Nobody listens there.
const URL: &str = "http://127.0.0.1:9/";
/// Messages that are under way together.
const TOGETHER: usize = 1_000;
/// How long the attempts may take to end that are under way at the end.
const GRACE: Duration = Duration::from_secs(10);

/// Has an engine take `args.pending` messages for an endpoint that is not there, and stops it.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &Database,
    progress: &Progress,
) -> Result<(), BenchError> {
    let mut config = Config::new(database.url().clone());
    config.master_keys = database.master_keys().cloned();
    config.allow_target_networks = vec![std::net::IpAddr::from([127, 0, 0, 1]).into()];
    let hooks = Builder::new(config).start().await?;
    let settings = ApplicationSettings {
        uid: Some(Uid::parse(APPLICATION)?),
        name: "Pending".to_owned(),
        ..ApplicationSettings::default()
    };
    let organisation = hooks.default_organisation();
    let application = hooks.application_create(organisation, settings).await?.id;
    let settings = EndpointSettings { url: URL.to_owned(), ..EndpointSettings::default() };
    let new = NewEndpoint { settings, secret: None, headers: Vec::new(), disabled: None };
    hooks.endpoint_create(application, new).await?;
    let to = ApplicationRef::Id(application);
    let event_type = EventTypeName::parse("bench.pending")?;
    let bar = progress.bar("pending", args.pending);
    let sends = futures_util::stream::iter(0..args.pending).map(|number| {
        let message = NewMessage {
            event_type: event_type.clone(),
            event_id: None,
            channels: Vec::new(),
            tags: Vec::new(),
            payload: Bytes::from(payload::write("", number, args.size, "")),
            payload_retention: None,
        };
        let (hooks, to, bar) = (&hooks, &to, &bar);
        async move {
            hooks.send(organisation, to, message, None).await?;
            bar.step();
            Ok::<(), Error>(())
        }
    });
    sends.buffer_unordered(TOGETHER).try_collect::<()>().await?;
    hooks.shutdown(GRACE).await?;
    Ok(())
}
