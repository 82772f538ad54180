//! Deliveries that wait in the database before the server starts.

use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::ids::IdGenerator;
use hookwright::domain::message::Message;
use hookwright::domain::names::{EventTypeName, Uid};

use super::args::BenchArgs;
use super::database::Database;
use super::progress::Progress;
use super::{BenchError, payload};

/// The application that they are of, by uid.
const APPLICATION: &str = "pending";
/// Nobody listens there.
const URL: &str = "http://127.0.0.1:9/";
/// Messages that are written together.
const TOGETHER: u64 = 1_000;

/// Fills the database with `args.pending` messages, each with a delivery that is ready, to an endpoint that is not there.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &Database,
    progress: &Progress,
) -> Result<(), BenchError> {
    let admin = database.admin().await?;
    let application = ApplicationSettings {
        uid: Some(Uid::parse(APPLICATION)?),
        name: "Pending".to_owned(),
        ..ApplicationSettings::default()
    };
    let endpoint = EndpointSettings { url: URL.to_owned(), ..EndpointSettings::default() };
    let made = admin.import_applications(vec![(application, vec![endpoint])]).await?;
    let (ids, event_type) = (IdGenerator::new(0), EventTypeName::parse("bench.pending")?);
    let bar = progress.bar("pending", args.pending);
    for (application, endpoints) in made {
        let mut number = 0;
        while number < args.pending {
            let mut together = Vec::new();
            for _ in 0..TOGETHER.min(args.pending - number) {
                let now = admin.clock().now();
                let message = Message {
                    id: ids.next(now).into(),
                    application,
                    event_type: event_type.clone(),
                    event_id: None,
                    channels: Vec::new(),
                    tags: Vec::new(),
                    payload: payload::write("", number, args.size, "").into(),
                    created_at: now,
                };
                together.push((message, endpoints.clone()));
                number += 1;
                bar.step();
            }
            admin.import_pending(together).await?;
        }
    }
    admin.close().await;
    Ok(())
}
