//! A database with very many applications, of which only a few are used.

use hookwright::domain::application::ApplicationSettings;
use hookwright::domain::endpoint::EndpointSettings;
use hookwright::domain::event_filter::EventFilter;
use hookwright::domain::names::Uid;

use super::BenchError;
use super::args::BenchArgs;
use super::database::Database;
use super::progress::Progress;

/// Endpoints of each of them.
const ENDPOINTS: u32 = 2;
/// Applications that are written together.
const TOGETHER: u64 = 1_000;

/// Makes `args.applications` applications with two endpoints each, which want what nobody sends.
pub(super) async fn fill(
    args: &BenchArgs,
    database: &Database,
    progress: &Progress,
) -> Result<(), BenchError> {
    let admin = database.admin().await?;
    let bar = progress.bar("applications", args.applications);
    let wanted = vec![EventFilter::parse("bench.nothing")?];
    let mut number = 0;
    while number < args.applications {
        let mut together = Vec::new();
        for _ in 0..TOGETHER.min(args.applications - number) {
            let application = ApplicationSettings {
                uid: Some(Uid::parse(&format!("customer-{number}"))?),
                name: format!("Customer {number}"),
                ..ApplicationSettings::default()
            };
            let endpoint = |number| EndpointSettings {
                url: format!("http://127.0.0.1:9/{number}"),
                event_types: wanted.clone(),
                ..EndpointSettings::default()
            };
            together.push((application, (0..ENDPOINTS).map(endpoint).collect()));
            number += 1;
            bar.step();
        }
        admin.import_applications(together).await?;
    }
    admin.close().await;
    Ok(())
}
