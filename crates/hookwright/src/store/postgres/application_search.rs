//! The list of applications with some left out: a walk that looks at each with its endpoints, and ends in time.

use url::Url;

use crate::domain::application::Application;
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::page::{BYTES_MAX, Page, PageRequest, Searched};
use crate::store::error::StoreError;
use crate::store::postgres::connection::{Connection, Param};
use crate::store::postgres::{Postgres, application, value};
use crate::store::read::{ApplicationFilter, SearchBudget};

/// Where Svix Play takes webhooks.
const PLAY_HOSTS: [&str; 3] = ["play.svix.com", "api.play.svix.com", "api.relay.svix.com"];
/// Applications that are read together: the server answers all rows of a statement at once.
const PIECE: u32 = 100;

impl Postgres {
    pub(crate) async fn application_search(
        &self,
        organisation: OrganisationId,
        filter: ApplicationFilter,
        budget: SearchBudget,
        page: PageRequest<ApplicationId>,
    ) -> Result<Searched<Application, ApplicationId>, StoreError> {
        // One transaction: the endpoints are those of the applications as they are read.
        let connection = self.reader().await?;
        connection.snapshot().await?;
        let found = search(&connection, organisation, filter, budget, &page).await?;
        connection.end().await?;
        Ok(found)
    }
}

async fn search(
    connection: &Connection,
    organisation: OrganisationId,
    filter: ApplicationFilter,
    mut budget: SearchBudget,
    request: &PageRequest<ApplicationId>,
) -> Result<Searched<Application, ApplicationId>, StoreError> {
    let scan = request.scan();
    // No row has one of the outermost ids: a list without a mark begins beyond it.
    let (beyond, order, edge) =
        if scan.ascending { (">", "ASC", ApplicationId::MIN) } else { ("<", "DESC", ApplicationId::MAX) };
    let sql = format!(
        "SELECT {} FROM application
         WHERE organisation = $1 AND id {beyond} $2 AND NOT operational AND NOT source
         ORDER BY id {order} LIMIT $3",
        application::COLUMNS
    );
    let (mut found, mut held) = (Vec::new(), 0_usize);
    let mut reached = scan.beyond.unwrap_or(edge);
    loop {
        let params: [Param<'_>; 3] = [organisation.as_bytes(), reached.as_bytes(), &value::limit(PIECE)];
        let rows = connection.query(&sql, &params).await?;
        for row in &rows {
            let application = application::from_row(row)?;
            let id = application.id;
            reached = id;
            if stays(connection, id, filter, &mut budget.endpoints).await? {
                let is_full = held >= BYTES_MAX;
                held = held.saturating_add(application.weight());
                found.push(application);
                if is_full || found.len() == scan.count as usize {
                    return Ok(Searched { page: request.gather(found, Application::weight), reached: None });
                }
            }
            budget.applications = budget.applications.saturating_sub(1);
            if budget.applications == 0 || budget.endpoints == 0 {
                // Whoever stops here does not know what comes.
                let page = Page { done: false, ..request.gather(found, Application::weight) };
                return Ok(Searched { page, reached: Some(id) });
            }
        }
        if rows.len() < PIECE as usize {
            return Ok(Searched { page: request.gather(found, Application::weight), reached: None });
        }
    }
}

/// Whether the filter leaves this application. Counts the endpoints that it had to look at against `budget`.
async fn stays(
    connection: &Connection,
    application: ApplicationId,
    filter: ApplicationFilter,
    budget: &mut u32,
) -> Result<bool, StoreError> {
    let sql = "SELECT disabled IS NOT NULL, url FROM endpoint WHERE application = $1 LIMIT $2";
    let params: [Param<'_>; 2] = [application.as_bytes(), &value::limit(*budget)];
    let endpoints = connection.query(sql, &params).await?;
    let (mut any, mut all_disabled, mut all_play) = (false, true, true);
    for endpoint in &endpoints {
        *budget = budget.saturating_sub(1);
        any = true;
        all_disabled &= value::get::<bool>(endpoint, 0)?;
        all_play &= is_play(&value::text(endpoint, 1)?);
        let undecided =
            (filter.exclude_all_disabled && all_disabled) || (filter.exclude_all_play && all_play);
        if !undecided {
            break;
        }
    }
    Ok(if any {
        !(filter.exclude_all_disabled && all_disabled || filter.exclude_all_play && all_play)
    } else {
        !filter.exclude_without_endpoints
    })
}

fn is_play(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| PLAY_HOSTS.contains(&host)))
}
