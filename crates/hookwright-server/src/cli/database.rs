//! Opens the database for commands that work on it directly, with or without a server running.

use std::path::PathBuf;

use clap::Args;
use hookwright::config::DatabaseUrl;
use hookwright::{Admin, StartError};

use super::failure::Failure;
use crate::config::{Profile, SettingFlags, Settings};

/// Which database.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DatabaseArgs {
    /// Database [default: what the server's configuration says]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl DatabaseArgs {
    /// Opens it; there must be one.
    pub(super) async fn open(self, config: Option<PathBuf>) -> Result<Admin, Failure> {
        let url = self.url(config)?;
        Admin::open(&url).await.map_err(|error| unusable(&url, &error))
    }

    /// Opens it; a database that is not there is made.
    pub(super) async fn open_or_make(self, config: Option<PathBuf>) -> Result<Admin, Failure> {
        let url = self.url(config)?;
        Admin::open_or_make(&url).await.map_err(|error| unusable(&url, &error))
    }

    fn url(self, config: Option<PathBuf>) -> Result<DatabaseUrl, Failure> {
        Ok(Settings::load(&SettingFlags::database(self.database_url), config, Profile::Serve)?.database)
    }
}

fn unusable(url: &DatabaseUrl, error: &StartError) -> Failure {
    Failure::because(&format!("The database {url} cannot be used"), error)
}
