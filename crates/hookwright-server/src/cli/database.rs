//! Opens the database for commands that work on it directly, with or without a server running.

use std::path::PathBuf;

use clap::Args;
use hookwright::Admin;
use hookwright::config::DatabaseUrl;

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
    /// Opens it; a database that is not there is made.
    pub(super) async fn open(self, config: Option<PathBuf>) -> Result<Admin, Failure> {
        let settings = Settings::load(&SettingFlags::database(self.database_url), config, Profile::Serve)?;
        let DatabaseUrl::Sqlite(path) = &settings.database;
        Admin::open(&settings.database).await.map_err(|error| {
            Failure::because(&format!("The database {} cannot be used", path.display()), &error)
        })
    }
}
