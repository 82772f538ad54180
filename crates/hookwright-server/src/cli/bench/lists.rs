//! Lists and searches over many messages, one request after the other.

use std::time::{Duration, Instant};

use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::names::{EventTypeName, Uid};
use serde_json::Value;

use super::super::rig::{Api, RigError};
use super::args::BenchArgs;
use super::database::Database;
use super::history::History;
use super::progress::Progress;
use super::report::{ListFigures, rounded};
use super::{BenchError, payload};

/// The application and its endpoint, by uid.
const APPLICATION: &str = "lists";
const ENDPOINT: &str = "lists";
/// The messages were accepted within this time, up to now; less than a server keeps them.
const SPAN: Duration = Duration::from_secs(7 * 86_400);
/// They are of so many event types, in turn.
const EVENT_TYPES: u64 = 10;
/// Each request is made so often.
const TIMES: usize = 7;

/// Fills the database with `args.lists` messages of one application.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &Database,
    progress: &Progress,
) -> Result<(), BenchError> {
    let admin = database.admin().await?;
    let application = ApplicationSettings {
        uid: Some(Uid::parse(APPLICATION)?),
        name: "Lists".to_owned(),
        ..ApplicationSettings::default()
    };
    let endpoint = EndpointSettings {
        uid: Some(Uid::parse(ENDPOINT)?),
        url: "http://127.0.0.1:9/".to_owned(),
        ..EndpointSettings::default()
    };
    let made = admin.import_applications(vec![(application, vec![endpoint])]).await?;
    for (application, endpoints) in made {
        let event_types = (0..EVENT_TYPES).map(|number| EventTypeName::parse(&event_type(number)));
        let Some(&endpoint) = endpoints.first() else { continue };
        let history = History {
            messages: args.lists,
            applications: vec![application],
            endpoint,
            event_types: event_types.collect::<Result<_, _>>()?,
            is_searched: true,
            size: args.size.max(payload::SIZE_MIN),
            from: admin.clock().now().before(SPAN),
            span: SPAN,
        };
        history.write(&admin, progress).await?;
    }
    admin.close().await;
    Ok(())
}

fn event_type(number: u64) -> String {
    format!("bench.list-{number}")
}

/// Asks for every list, and says how long each took.
pub(super) async fn ask(args: &BenchArgs, api: &Api) -> Result<Vec<ListFigures>, RigError> {
    let newest: Value = api.read("/api/v1/app/lists/msg?limit=1").await?;
    let message = newest["data"][0]["id"].as_str().unwrap_or_default().to_owned();
    let sources: Value = api.read("/ingest/api/v1/source?limit=1").await?;
    let me: Value = api.read("/api/v1/auth/whoami").await?;
    let organisation = me["envId"].as_str().unwrap_or_default();
    let mut middle: Value = api.read("/api/v1/app/lists/msg?limit=1&event_id=order-0").await?;
    if args.lists > 1 {
        middle =
            api.read(&format!("/api/v1/app/lists/msg?limit=1&event_id=order-{}", args.lists / 2)).await?;
    }
    let at = middle["data"][0]["timestamp"].as_str().unwrap_or_default().replace('+', "%2B");

    let messages = |filter: &str| format!("/api/v1/app/lists/msg?limit=250{filter}");
    let of_endpoint = |filter: &str| format!("/api/v1/app/lists/attempt/endpoint/lists?limit=250{filter}");
    let endpoint_messages = |filter: &str| format!("/api/v1/app/lists/endpoint/lists/msg?limit=250{filter}");
    let mut lists = vec![
        ("messages, newest", messages("")),
        ("messages, without payloads", messages("&with_content=false")),
        ("messages, oldest", messages("&order=ascending")),
        ("messages, from the middle", messages(&format!("&before={at}"))),
        ("messages of an event type", messages("&event_types=bench.list-3")),
        ("messages of no event type that there is", messages("&event_types=bench.nothing")),
        ("messages in a channel", messages("&channel=c42")),
        ("messages with a tag", messages("&tag=t42")),
        ("messages by eventId", messages(&format!("&event_id=order-{}", args.lists / 3))),
        ("messages by text, found", messages("&payload_text=%22n%22%3A42%2C")),
        ("messages by text, nowhere", messages("&payload_text=nowhere-at-all")),
        ("attempts of an endpoint", of_endpoint("")),
        ("attempts of an endpoint, with messages", of_endpoint("&with_msg=true")),
        ("attempts of an endpoint, failed", of_endpoint("&status=2")),
        ("attempts of an endpoint, 5xx", of_endpoint("&status_code_class=500")),
        ("attempts of an endpoint, 4xx: none", of_endpoint("&status_code_class=400")),
        ("attempts of an endpoint, by tag", of_endpoint("&tag=t42")),
        ("attempts of a message", format!("/api/v1/app/lists/attempt/msg/{message}?limit=250")),
        ("messages of an endpoint", endpoint_messages("")),
        ("messages of an endpoint, failed", endpoint_messages("&status=2")),
        ("messages of an endpoint, pending: none", endpoint_messages("&status=1")),
        ("endpoints of a message", format!("/api/v1/app/lists/msg/{message}/endpoint?limit=250")),
        ("statistics of an endpoint", "/api/v1/app/lists/endpoint/lists/stats".to_owned()),
        ("endpoints", "/api/v1/app/lists/endpoint?limit=250".to_owned()),
        ("applications", "/api/v1/app?limit=250".to_owned()),
        (
            "applications without endpoints left out",
            "/api/v1/app?limit=250&exclude_apps_with_no_endpoints=true".to_owned(),
        ),
        ("event types", "/api/v1/event-type?limit=250".to_owned()),
        ("background tasks", "/api/v1/background-task?limit=250".to_owned()),
        ("operational endpoints", "/api/v1/operational-webhook/endpoint?limit=250".to_owned()),
        ("access tokens", format!("/api/v1/management/authentication/{organisation}/api-token?limit=250")),
        ("sources", "/ingest/api/v1/source?limit=250".to_owned()),
    ];
    if let Some(source) = sources["data"][0]["id"].as_str() {
        lists.push(("log of a source", format!("/ingest/api/v1/source/{source}/log?limit=250")));
    }
    let mut figures = Vec::with_capacity(lists.len());
    for (what, path) in lists {
        figures.push(time(api, what, &path).await?);
    }
    Ok(figures)
}

async fn time(api: &Api, what: &'static str, path: &str) -> Result<ListFigures, RigError> {
    let (mut times, mut items) = (Vec::with_capacity(TIMES), 0);
    for _ in 0..TIMES {
        let started = Instant::now();
        let page: Value = api.read(path).await?;
        times.push(started.elapsed());
        items = page["data"].as_array().map_or(0, Vec::len);
    }
    times.sort_unstable();
    let milliseconds = |time: Option<&Duration>| rounded(time.map_or(0.0, Duration::as_secs_f64) * 1e3);
    Ok(ListFigures {
        what,
        items,
        median_ms: milliseconds(times.get(TIMES / 2)),
        slowest_ms: milliseconds(times.last()),
    })
}
