//! Changes of sources, and how the token in a URL finds its source.

use std::sync::Arc;
use std::time::Duration;

use hookwright_signature::provider::{SourceConfig, SourceKind};
use http::HeaderValue;
use serde_json::Value;

use crate::catalog::cache::Cache;
use crate::catalog::token::{hash, random_text};
use crate::catalog::{Catalog, TRIES};
use crate::domain::application::{Application, ApplicationSettings, Purpose};
use crate::domain::event_type_place::EventTypePlace;
use crate::domain::ids::OrganisationId;
use crate::domain::redacted_query::is_parameter;
use crate::domain::schedule::Schedule;
use crate::domain::short_ids::SourceId;
use crate::domain::source::{Source, SourceRef, SourceSettings, SourceToken, SourceWithToken};
use crate::error::{Error, Thing};
use crate::store::write::{CatalogWrite, Changed, NewSource, NewSourceToken};

const MISSING: Error = Error::NotFound(Thing::Source);
const TAKEN: Error = Error::Taken { thing: Thing::Source, field: "uid" };
/// The kind of those that send on a schedule.
const CRON: &str = "cron";
/// What it is called where names of applications are shown.
const APPLICATION_NAME: &str = "forwarded by a source";

/// A source with what its requests need.
pub(crate) struct SourceEntry {
    pub(crate) source: Source,
    /// What verifies its requests; what it cannot be read as any more is told to the log.
    pub(crate) proof: Option<SourceConfig>,
}

impl SourceEntry {
    pub(crate) fn new(source: Source) -> SourceEntry {
        let settings = &source.settings;
        let proof = proof(&settings.kind, &settings.config.0).map_err(|error| {
            tracing::error!(
                source.id = %source.id, %error,
                "a source's requests cannot be verified as it is configured, and are refused"
            );
        });
        SourceEntry { proof: proof.ok(), source }
    }
}

/// What verifies the requests of a source of this kind.
///
/// Fails with [`Error::SourceKind`] if there is no such kind or its scheme is not known for sure, with [`Error::SourceConfig`] if it
/// does not take this configuration.
pub(crate) fn proof(kind: &str, config: &Value) -> Result<SourceConfig, Error> {
    let unusable = |why: String| Error::SourceKind { kind: kind.to_owned(), why };
    if let Value::Array(all) = config {
        // The secret of now, and then those of before.
        let Some((current, older)) = all.split_first() else {
            return Err(unusable("nothing is set of it".to_owned()));
        };
        let current = proof(kind, current)?;
        return older.iter().try_fold(current, |current, older| Ok(current.or(proof(kind, older)?)));
    }
    let found =
        SourceKind::parse(kind).ok_or_else(|| unusable("there is no such kind of source".to_owned()))?;
    let mut fields = Vec::new();
    for (name, value) in config.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => fields.push((name.as_str(), text.clone())),
            // What is null is not set.
            Value::Null => {}
            _ => {
                let why = "it must be a text, in quotation marks".to_owned();
                return Err(Error::SourceConfig { field: name.clone(), why });
            }
        }
    }
    SourceConfig::parse(found, fields).map_err(|error| match error.field.as_str() {
        "type" => unusable(error.why),
        _ => Error::SourceConfig { field: error.field, why: error.why },
    })
}

/// Whether a source can be set so.
fn check(settings: &SourceSettings) -> Result<(), Error> {
    proof(&settings.kind, &settings.config.0)?;
    if settings.kind == CRON {
        check_cron(&settings.config.0)?;
    }
    let asked_about = settings.confirm.iter().flat_map(|confirm| confirm.url.pointers());
    let event_type = match &settings.event_type {
        Some(EventTypePlace::Pointer(pointer)) => Some(pointer),
        Some(EventTypePlace::Header(_)) | None => None,
    };
    let needed = asked_about.chain(event_type);
    for pointer in needed {
        if let Some(redacted) = settings.redact.iter().find(|redacted| redacted.overlaps(pointer)) {
            let (redacted, pointer) = (redacted.as_str(), pointer.as_str());
            let why = format!(
                "{redacted} is not kept then, and confirm or eventType needs {pointer}: redact something else, or use another place"
            );
            return Err(Error::SourceSetting { field: "redact", why });
        }
    }
    let parameters = settings.confirm.iter().flat_map(|confirm| confirm.url.parameters());
    for name in parameters.filter(|_| settings.takes_get()) {
        if let Some(redacted) = settings.redact.iter().find(|redacted| is_parameter(redacted, name)) {
            let redacted = redacted.as_str();
            let why = format!(
                "{redacted} is not kept then, and confirm needs the query's {name}: redact something else, or use another place"
            );
            return Err(Error::SourceSetting { field: "redact", why });
        }
    }
    Ok(())
}

/// Whether something can be sent on a schedule so.
fn check_cron(config: &Value) -> Result<(), Error> {
    let wrong = |field: &str, why: String| Error::SourceConfig { field: field.to_owned(), why };
    let text = |field: &str| config[field].as_str();
    let schedule = text("schedule").ok_or_else(|| wrong("schedule", "it must be a text".to_owned()))?;
    Schedule::parse(schedule).map_err(|error| wrong("schedule", format!("it {error}")))?;
    if text("payload").is_none_or(str::is_empty) {
        return Err(wrong("payload", "it must be a text that is not empty".to_owned()));
    }
    let content_type = config.get("contentType").filter(|given| !given.is_null());
    let is_sendable = |given: &Value| given.as_str().is_some_and(|text| HeaderValue::try_from(text).is_ok());
    if content_type.is_some_and(|given| !is_sendable(given)) {
        return Err(wrong("contentType", "it must be a text that can be sent as a header".to_owned()));
    }
    Ok(())
}

impl Catalog {
    pub(crate) async fn source_create(
        &self,
        organisation: OrganisationId,
        settings: SourceSettings,
    ) -> Result<SourceWithToken, Error> {
        check(&settings)?;
        let now = self.clock.now();
        let application = Application {
            id: self.ids.next(now).into(),
            organisation,
            purpose: Purpose::Source,
            settings: ApplicationSettings { name: APPLICATION_NAME.to_owned(), ..Default::default() },
            created_at: now,
            updated_at: now,
        };
        let source = Source {
            id: self.ids.next(now).into(),
            organisation,
            application: application.id,
            settings,
            created_at: now,
            updated_at: now,
        };
        let token = new_token(source.id)?;
        let made = SourceWithToken { source: source.clone(), token: token.token.clone() };
        let new = NewSource { source, application, token };
        match self.change(CatalogWrite::SourceInsert(Box::new(new)), self.forgetting(made.source.id)).await? {
            Changed::Yes => Ok(made),
            _ => Err(TAKEN),
        }
    }

    pub(crate) async fn source_get(
        &self,
        organisation: OrganisationId,
        named: &SourceRef,
    ) -> Result<SourceWithToken, Error> {
        self.store.source_get(organisation, named.clone()).await?.ok_or(MISSING)
    }

    pub(crate) async fn source_update(
        &self,
        organisation: OrganisationId,
        named: &SourceRef,
        mut change: impl FnMut(&mut SourceSettings) + Send,
    ) -> Result<SourceWithToken, Error> {
        let _turn = self.turn().await?;
        for _ in 0..TRIES {
            let SourceWithToken { source: before, token } = self.source_get(organisation, named).await?;
            let unless_changed_since = before.updated_at;
            let mut after = before;
            change(&mut after.settings);
            check(&after.settings)?;
            after.updated_at = self.change_time(unless_changed_since);
            let write = CatalogWrite::SourceUpdate { source: Box::new(after.clone()), unless_changed_since };
            match self.change(write, self.forgetting(after.id)).await? {
                Changed::Yes => return Ok(SourceWithToken { source: after, token }),
                Changed::Taken => return Err(TAKEN),
                Changed::Missing | Changed::Stale | Changed::IdentifierTaken => {}
            }
        }
        Err(Error::Busy(Thing::Source))
    }

    pub(crate) async fn source_delete(
        &self,
        organisation: OrganisationId,
        named: &SourceRef,
    ) -> Result<(), Error> {
        let source = self.source_get(organisation, named).await?.source;
        let write = CatalogWrite::SourceDelete(source.id, self.clock.now());
        let forget_source = self.forgetting(source.id);
        let forget = move |cache: &Cache| {
            forget_source(cache);
            cache.forget_application(source.application);
        };
        match self.change(write, forget).await? {
            Changed::Yes => Ok(()),
            _ => Err(MISSING),
        }
    }

    /// Gives a source another token; the one it had is good for `grace`.
    pub(crate) async fn source_rotate_token(
        &self,
        organisation: OrganisationId,
        named: &SourceRef,
        grace: Duration,
    ) -> Result<SourceWithToken, Error> {
        let source = self.source_get(organisation, named).await?.source;
        let (new, now) = (new_token(source.id)?, self.clock.now());
        let token = new.token.clone();
        let write = CatalogWrite::SourceTokenRotate { new, now, old_ends_at: now.after(grace) };
        match self.change(write, self.forgetting(source.id)).await? {
            Changed::Yes => Ok(SourceWithToken { source, token }),
            _ => Err(MISSING),
        }
    }

    /// Forgets a source that has changed, and tells those who go by all of them.
    fn forgetting(&self, id: SourceId) -> impl FnOnce(&Cache) + Send + 'static {
        let changed = Arc::clone(&self.sources_changed);
        move |cache| {
            cache.forget_source(id);
            changed.notify_one();
        }
    }

    /// The source with this id, if `token` is one of its own and good now.
    pub(crate) async fn source_by_token(
        &self,
        id: &str,
        token: &str,
    ) -> Result<Option<Arc<SourceEntry>>, Error> {
        let Ok(id) = id.parse::<SourceId>() else { return Ok(None) };
        let now = self.clock.now();
        let found = self.cache.source(&self.store, hash(token), now).await?;
        let good = found
            .filter(|(entry, ends_at)| entry.source.id == id && ends_at.is_none_or(|ends_at| now < ends_at));
        Ok(good.map(|(entry, _)| entry))
    }
}

fn new_token(source: SourceId) -> Result<NewSourceToken, Error> {
    let text = random_text("")?;
    Ok(NewSourceToken { source, hash: hash(&text), token: SourceToken::new(text.as_str()) })
}
