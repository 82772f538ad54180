//! The list of applications with some left out: a walk that looks at each with its endpoints, and ends in time.

use rusqlite::{Connection, named_params};
use url::Url;

use crate::domain::application::Application;
use crate::domain::ids::{ApplicationId, OrganisationId};
use crate::domain::page::{BYTES_MAX, Page, PageRequest, Searched};
use crate::store::error::StoreError;
use crate::store::read::{ApplicationFilter, SearchBudget};
use crate::store::sqlite::{Sqlite, application, value};

/// Where Svix Play takes webhooks.
const PLAY_HOSTS: [&str; 3] = ["play.svix.com", "api.play.svix.com", "api.relay.svix.com"];

impl Sqlite {
    pub(crate) async fn application_search(
        &self,
        organisation: OrganisationId,
        filter: ApplicationFilter,
        budget: SearchBudget,
        page: PageRequest<ApplicationId>,
    ) -> Result<Searched<Application, ApplicationId>, StoreError> {
        self.read(move |connection| {
            // One transaction: the endpoints are those of the applications as they are read.
            let snapshot = connection.unchecked_transaction()?;
            search(&snapshot, organisation, filter, budget, &page)
        })
        .await
    }
}

fn search(
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
         WHERE organisation = :organisation AND id {beyond} :beyond AND operational = 0 AND source = 0
         ORDER BY id {order}",
        application::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {
        ":organisation": organisation.as_bytes(),
        ":beyond": scan.beyond.as_ref().unwrap_or(&edge).as_bytes(),
    })?;
    let (mut found, mut held) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let application = application::from_row(row)?;
        let id = application.id;
        if stays(connection, id, filter, &mut budget.endpoints)? {
            let is_full = held >= BYTES_MAX;
            held = held.saturating_add(application.weight());
            found.push(application);
            if is_full || found.len() == scan.count as usize {
                break;
            }
        }
        budget.applications = budget.applications.saturating_sub(1);
        if budget.applications == 0 || budget.endpoints == 0 {
            // Whoever stops here does not know what comes.
            let page = Page { done: false, ..request.gather(found, Application::weight) };
            return Ok(Searched { page, reached: Some(id) });
        }
    }
    Ok(Searched { page: request.gather(found, Application::weight), reached: None })
}

/// Whether the filter leaves this application. Reads its endpoints only as far as it must, and counts them against `budget`.
fn stays(
    connection: &Connection,
    application: ApplicationId,
    filter: ApplicationFilter,
    budget: &mut u32,
) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT disabled IS NOT NULL, url FROM endpoint WHERE application = ?1")?;
    let mut endpoints = statement.query([application.as_bytes()])?;
    let (mut any, mut all_disabled, mut all_play) = (false, true, true);
    while let Some(endpoint) = endpoints.next()? {
        *budget = budget.saturating_sub(1);
        any = true;
        all_disabled &= value::get::<bool>(endpoint, 0)?;
        all_play &= is_play(value::text(endpoint, 1)?);
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
