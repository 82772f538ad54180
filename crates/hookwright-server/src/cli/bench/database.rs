//! The database that a measurement runs on: a new one each time where that can be, which is gone afterwards.

use std::path::Path;

use hookwright::config::{DatabaseUrl, MasterKeys};
use hookwright::{Admin, Footprint, ScratchSchema};

use super::super::rig::{DATABASE_FILE, RigError, ServerSetup};
use super::BenchError;
use super::args::BenchArgs;
use super::postgres::Postmaster;

/// Where the server keeps what it knows.
pub(super) struct Database {
    url: DatabaseUrl,
    /// As `HOOKWRIGHT_DATABASE_URL` has it.
    text: String,
    /// What secrets in it are encrypted with, also as `HOOKWRIGHT_MASTER_KEY` has it; `None`: what the file beside it says.
    master_keys: Option<(MasterKeys, String)>,
    /// Of PostgreSQL: the schema that it is.
    schema: Option<ScratchSchema>,
    /// The PostgreSQL server, if it is on this machine.
    postmaster: Option<Postmaster>,
}

impl Database {
    /// A file in `directory`, or what was asked for: of PostgreSQL a new schema of the database that was named.
    ///
    /// Blocks until a server has answered.
    ///
    /// # Errors
    ///
    /// If the URL is none, or the server cannot be reached.
    pub(super) fn make(args: &BenchArgs, directory: &Path) -> Result<Database, BenchError> {
        let given = match args.database_url() {
            None => DatabaseUrl::Sqlite(directory.join(DATABASE_FILE)),
            Some(url) => url.parse().map_err(|_| BenchError::Database)?,
        };
        match given {
            DatabaseUrl::Postgres(url) => {
                let schema = ScratchSchema::make(&url)?;
                let postmaster = Postmaster::of(schema.session()?);
                let mut random = [0; 32];
                getrandom::fill(&mut random).map_err(RigError::Random)?;
                let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
                let key = format!("bench:{digits}");
                let master_keys = key.parse().map_err(|_| BenchError::MasterKey)?;
                Ok(Database {
                    url: DatabaseUrl::Postgres(schema.url().clone()),
                    text: schema.url().expose().to_owned(),
                    master_keys: Some((master_keys, key)),
                    schema: Some(schema),
                    postmaster,
                })
            }
            DatabaseUrl::Sqlite(path) => {
                // The server runs in a directory of its own, where a relative path would lead elsewhere.
                let path = std::path::absolute(path)
                    .map_err(|source| RigError::Io { what: "find the database's directory", source })?;
                let text = format!("sqlite://{}", path.display());
                let url = DatabaseUrl::Sqlite(path);
                Ok(Database { url, text, master_keys: None, schema: None, postmaster: None })
            }
            _ => Err(BenchError::Database),
        }
    }

    /// Where it is.
    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// What its secrets are encrypted with, if that is not in a file beside it.
    pub(super) fn master_keys(&self) -> Option<&MasterKeys> {
        self.master_keys.as_ref().map(|(keys, _)| keys)
    }

    /// The server with this database.
    pub(super) fn given_to(&self, setup: ServerSetup) -> ServerSetup {
        let setup = setup.with("HOOKWRIGHT_DATABASE_URL", &self.text);
        match &self.master_keys {
            Some((_, key)) => setup.with("HOOKWRIGHT_MASTER_KEY", key),
            None => setup,
        }
    }

    /// Opens it before the server does, to fill it.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(super) async fn admin(&self) -> Result<Admin, BenchError> {
        Ok(Admin::open_or_make(&self.url, self.master_keys()).await?)
    }

    /// The PostgreSQL server, if it is one on this machine.
    pub(super) fn postmaster(&self) -> Option<Postmaster> {
        self.postmaster
    }

    /// Whether PostgreSQL's CPU time is counted in; `None` if this is no PostgreSQL database.
    pub(super) fn is_postgres_counted(&self) -> Option<bool> {
        self.schema.as_ref().map(|_| self.postmaster.is_some())
    }

    /// What is stored by now and was logged; `None` if this is no PostgreSQL database.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached.
    pub(super) fn footprint(&self) -> Result<Option<Footprint>, BenchError> {
        Ok(self.schema.as_ref().map(ScratchSchema::footprint).transpose()?)
    }

    /// From now on a transaction stands idle that has a snapshot of the database.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached.
    pub(super) fn hold_snapshot(&mut self) -> Result<(), BenchError> {
        Ok(self.schema.as_mut().map_or(Ok(()), ScratchSchema::hold_snapshot)?)
    }

    /// Until now.
    pub(super) fn release_snapshot(&mut self) {
        if let Some(schema) = &mut self.schema {
            schema.release_snapshot();
        }
    }
}
