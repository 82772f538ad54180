//! `hookwright profile`: servers and their tokens by name.

pub(super) mod file;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::Output;
use super::{client, secret};
use file::{Profile, Profiles};

/// Keep servers and their tokens by name, for --profile
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright profile set production --url https://hooks.example.com --token-file token.txt
  hookwright profile list
  hookwright application list --profile production
  hookwright profile remove production

They are kept in hookwright/profiles.toml in XDG_CONFIG_HOME or ~/.config, readable by you alone.
The profile named default is used when nothing else says which server.")]
pub(super) struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Clone, Subcommand)]
enum ProfileCommand {
    /// List the profiles; tokens are not shown
    #[command(after_help = "Example:\n  hookwright profile list")]
    List,
    /// Keep a server and its token under a name
    #[command(after_help = "Examples:
  hookwright profile set production --url https://hooks.example.com --token-file token.txt
  pass show hookwright | hookwright profile set production --url https://hooks.example.com --token-file -")]
    Set {
        /// What to call it
        name: String,
        /// The server
        #[arg(long, value_name = "URL")]
        url: String,
        /// The access token; others on this machine can see it here, so prefer a file
        #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
        token: Option<String>,
        /// File with the access token; - is standard input
        #[arg(long, value_name = "PATH")]
        token_file: Option<PathBuf>,
    },
    /// Forget a profile
    #[command(after_help = "Example:\n  hookwright profile remove production")]
    Remove {
        /// Its name
        name: String,
    },
}

pub(super) fn run(args: ProfileArgs, output: Output) -> Result<(), Failure> {
    match args.command {
        ProfileCommand::List => list(output),
        ProfileCommand::Set { name, url, token, token_file } => {
            let token = match (token, token_file) {
                (Some(token), _) => Some(token.trim().to_owned()),
                (None, Some(path)) => Some(secret::from_file(&path)?.as_str().to_owned()),
                (None, None) => None,
            };
            set(&name, Profile { url: client::base(&url)?, token }, output)
        }
        ProfileCommand::Remove { name } => {
            let mut profiles = Profiles::read()?;
            profiles.remove(&name)?;
            profiles.write()?;
            output.done(&format!("Removed the profile {name}."), &json!({ "name": name, "removed": true }))
        }
    }
}

fn list(output: Output) -> Result<(), Failure> {
    let profiles = Profiles::read()?;
    let all = profiles.all();
    if output.is_json() {
        let document = |(name, profile): (&String, &Profile)| json!({ "name": name, "url": profile.url, "hasToken": profile.token.is_some() });
        return output.json(&all.iter().map(document).collect::<Vec<Value>>());
    }
    let row = |(name, profile): (&String, &Profile)| {
        let token = if profile.token.is_some() { "kept" } else { "none" };
        vec![name.clone(), profile.url.clone(), token.to_owned()]
    };
    output.table(&["NAME", "URL", "TOKEN"], &all.iter().map(row).collect::<Vec<Vec<String>>>())
}

fn set(name: &str, profile: Profile, output: Output) -> Result<(), Failure> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Err(Failure::new(format!("{name:?} cannot be a profile's name."))
            .advise("Use letters, digits, dots, hyphens and underscores."));
    }
    let mut profiles = Profiles::read()?;
    let url = profile.url.clone();
    profiles.set(name, profile);
    profiles.write()?;
    output.done(&format!("Kept the profile {name} for {url}."), &json!({ "name": name, "url": url }))
}
