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
        let Settings { database, master_keys, .. } = self.settings(config)?;
        let opened = Admin::open(&database, master_keys.as_ref()).await;
        opened.map_err(|error| unusable(&database, &error))
    }

    /// Opens it; a database that is not there is made.
    pub(super) async fn open_or_make(self, config: Option<PathBuf>) -> Result<Admin, Failure> {
        let Settings { database, master_keys, .. } = self.settings(config)?;
        let opened = Admin::open_or_make(&database, master_keys.as_ref()).await;
        opened.map_err(|error| unusable(&database, &error))
    }

    fn settings(self, config: Option<PathBuf>) -> Result<Settings, Failure> {
        Ok(Settings::load(&SettingFlags::database(self.database_url), config, Profile::Serve)?)
    }
}

fn unusable(url: &DatabaseUrl, error: &StartError) -> Failure {
    Failure::because(&format!("The database {url} cannot be used"), error)
}
