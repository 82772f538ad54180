//! `hookwright endpoint headers`: what is sent with each attempt.

use std::collections::BTreeMap;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::EndpointName;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::given;

/// Show or change the headers that are sent with each attempt
#[derive(Clone, Args)]
#[command(after_help = "Examples:
  hookwright endpoint headers --app acme main
  hookwright endpoint headers --app acme main --set 'X-Team: books' --remove X-Old
  hookwright endpoint headers --app acme main --set 'Authorization: @token.txt'

Values that may be credentials are not shown.")]
pub(super) struct HeadersArgs {
    #[command(flatten)]
    name: EndpointName,
    /// A header to set, such as 'X-Team: books'; a value of @ and a file is read from there; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    set: Vec<String>,
    /// A header to take away; may be repeated
    #[arg(long, value_name = "NAME")]
    remove: Vec<String>,
}

#[derive(Deserialize)]
struct HeadersOut {
    headers: BTreeMap<String, String>,
    sensitive: Vec<String>,
}

pub(super) async fn run(args: HeadersArgs, console: &Console) -> Result<(), Failure> {
    let path = args.name.path().then("headers");
    if !args.set.is_empty() || !args.remove.is_empty() {
        let body = json!({ "headers": given::headers(&args.set)?, "deleteHeaders": args.remove });
        console.client.patch(&path, &body).await?;
    }
    let answer = console.client.get(&path).await?;
    let headers: HeadersOut = answer.read("an endpoint's headers")?;
    if console.output.is_json() {
        return console.output.json(&json!({ "headers": headers.headers, "sensitive": headers.sensitive }));
    }
    let open = headers.headers.into_iter().map(|(name, value)| vec![name, value, "no".to_owned()]);
    let hidden = headers.sensitive.into_iter().map(|name| vec![name, String::new(), "yes".to_owned()]);
    console.output.table(&["NAME", "VALUE", "HIDDEN"], &open.chain(hidden).collect::<Vec<Vec<String>>>())
}
