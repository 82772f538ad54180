//! Which server a command speaks to, and with which token: flags, else a profile, else the environment.

use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use super::client::Client;
use super::failure::Failure;
use super::profile::file::{DEFAULT, Profile, Profiles};
use super::{dev, secret};

/// Where `dev` and `serve` listen when nobody says otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:8071";

/// Flags of every command that calls a server.
#[derive(Clone, Args)]
pub(super) struct ConnectionArgs {
    /// The server [env: HOOKWRIGHT_URL] [default: http://127.0.0.1:8071]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "profile", help_heading = "Server")]
    url: Option<String>,
    /// The access token; others on this machine can see it here, so prefer the variable or a profile
    /// [env: HOOKWRIGHT_API_TOKEN] [default: that of `hookwright dev`]
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "token_file", help_heading = "Server")]
    token: Option<String>,
    /// File with the access token [env: HOOKWRIGHT_API_TOKEN_FILE]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Server")]
    token_file: Option<PathBuf>,
    /// A server and its token by name, as `hookwright profile` keeps them [default: the one named default, if there is
    /// one and nothing else says which server]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Server")]
    profile: Option<String>,
}

impl ConnectionArgs {
    /// A client of the server that is meant.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        // A profile's token is for its server, and the environment's may be for another.
        let (url, own) = match self.profile()? {
            Some(Profile { url, token }) => (url, token.map(Zeroizing::new)),
            None => {
                let url = self.url.clone().or_else(|| variable("HOOKWRIGHT_URL"));
                (url.unwrap_or_else(|| URL_DEFAULT.to_owned()), None)
            }
        };
        let mut token = self.given_token()?.or(own);
        if token.is_none() {
            token = token_of_environment()?;
        }
        if url.trim_end_matches('/') == URL_DEFAULT {
            // Known to everybody, and so only for where it was made for.
            token = token.or_else(|| Some(Zeroizing::new(dev::DEV_TOKEN.to_owned())));
        }
        Client::new(&url, needed(token, &url)?)
    }

    fn given_token(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(Zeroizing::new(token.trim().to_owned()))),
            (None, Some(path)) => secret::from_file(path).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The profile that was asked for, or the default one where nothing else says which server.
    fn profile(&self) -> Result<Option<Profile>, Failure> {
        if let Some(name) = &self.profile {
            if self.url.is_some() {
                return Err(
                    Failure::new("--url and --profile both say which server.").advise("Keep one of them.")
                );
            }
            return Profiles::read()?.take(name).map(Some);
        }
        if self.url.is_some() || variable("HOOKWRIGHT_URL").is_some() {
            return Ok(None);
        }
        Ok(Profiles::read_if_there()?.and_then(|profiles| profiles.take(DEFAULT).ok()))
    }
}

fn token_of_environment() -> Result<Option<Zeroizing<String>>, Failure> {
    match (variable("HOOKWRIGHT_API_TOKEN"), variable("HOOKWRIGHT_API_TOKEN_FILE")) {
        (Some(_), Some(_)) => {
            Err(Failure::new("HOOKWRIGHT_API_TOKEN and HOOKWRIGHT_API_TOKEN_FILE are both set.")
                .advise("Keep one of them."))
        }
        (Some(token), None) => Ok(Some(Zeroizing::new(token.trim().to_owned()))),
        (None, Some(path)) => secret::from_file(path.as_ref()).map(Some),
        (None, None) => Ok(None),
    }
}

fn needed(token: Option<Zeroizing<String>>, url: &str) -> Result<Zeroizing<String>, Failure> {
    token.filter(|token| !token.is_empty()).ok_or_else(|| {
        Failure::new(format!("No access token was given for the server at {url}.")).advise(
            "Set HOOKWRIGHT_API_TOKEN, or keep it with `hookwright profile set`; `hookwright token create --name \
             shell` makes one.",
        )
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
