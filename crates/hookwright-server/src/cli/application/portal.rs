//! `hookwright application portal` and `expire-tokens`: the access of an application's customers.

use clap::Args;
use serde_json::{Map, json};

use crate::cli::client::Path;
use crate::cli::console::{Column, Console};
use crate::cli::failure::Failure;
use crate::cli::given;

const COLUMNS: [Column; 2] = [Column::new("URL", "url"), Column::new("TOKEN", "token")];

/// Make a token for an application's customer, and the address of the portal
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  hookwright application portal acme --expires 12h

The token is shown only now.")]
pub(super) struct PortalArgs {
    /// The application: its uid or id
    app: String,
    /// How long the token is good [default: 7d]
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
}

pub(super) async fn run(args: PortalArgs, console: &Console) -> Result<(), Failure> {
    let mut body = Map::new();
    if let Some(expires) = &args.expires {
        body.insert("expiry".to_owned(), given::seconds("expires", expires)?.into());
    }
    let path = Path::access("app-portal-access", &args.app);
    console.show(&console.client.post(&path, &body).await?, &COLUMNS)
}

pub(super) async fn expire(app: &str, after: Option<&str>, console: &Console) -> Result<(), Failure> {
    let mut body = Map::new();
    if let Some(after) = after {
        body.insert("expiry".to_owned(), given::seconds("in", after)?.into());
    }
    console.client.tell(&Path::access("app", app).then("expire-all"), &body).await?;
    let when = after.map_or_else(|| "have ended".to_owned(), |after| format!("end in {after}"));
    console.output.done(
        &format!("The tokens of the application {app} {when}."),
        &json!({ "application": app, "expired": true }),
    )
}
