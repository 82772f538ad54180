//! `hookwright sign --source`: a payload as a provider signs it.

use clap::Args;
use hookwright_signature::provider::{Inbound, SignError, Signed, SourceConfig, SourceKind};
use serde_json::Map;
use zeroize::Zeroizing;

use super::secret_field;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// How the provider signs.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct SourceSignArgs {
    /// Sign as this kind of source's provider does, such as stripe; `hookwright source kinds` lists them
    #[arg(long, value_name = "KIND", conflicts_with = "header_names")]
    pub(in crate::cli) source: Option<String>,
    /// A field of the source besides its secret, as --field header=x-token; may be given several times
    #[arg(long, value_name = "NAME=VALUE", requires = "source")]
    field: Vec<String>,
    /// The URL that is called, for kinds that sign it
    #[arg(long, requires = "source")]
    url: Option<String>,
}

/// What is signed besides.
pub(in crate::cli) struct Moment<'a> {
    pub(in crate::cli) seconds: u64,
    pub(in crate::cli) id: &'a str,
    pub(in crate::cli) payload: &'a [u8],
}

impl SourceSignArgs {
    /// Prints the headers, and the query where the kind signs there.
    pub(in crate::cli) fn run(
        &self,
        kind: &str,
        secret: &str,
        moment: &Moment<'_>,
        output: Output,
    ) -> Result<(), Failure> {
        let kind = SourceKind::parse(kind).ok_or_else(|| {
            Failure::new(format!("There is no kind of source {kind:?}."))
                .advise("`hookwright source kinds` lists them.")
        })?;
        let config = SourceConfig::parse_signing(kind, self.fields(kind, secret)?)
            .map_err(|error| Failure::because("The source cannot be made", &error))?;
        let request = Inbound { url: self.url.as_deref(), body: moment.payload, ..Inbound::POST };
        let now = i64::try_from(moment.seconds).unwrap_or(i64::MAX);
        let signed = config.sign(&request, now, moment.id).map_err(|error| {
            let failure = Failure::because("The payload cannot be signed", &error);
            match error {
                SignError::UnknownUrl => failure.advise("Say which URL is called with --url."),
                _ => failure,
            }
        })?;
        print(signed, output)
    }

    /// The secret under the name that the kind gives it, and what --field says.
    fn fields(&self, kind: SourceKind, secret: &str) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        let name = match secret_field(kind) {
            // Who signs has the other half.
            "publicKey" => "privateKey",
            name => name,
        };
        let mut fields = vec![(name.to_owned(), Zeroizing::new(secret.to_owned()))];
        for field in &self.field {
            let Some((name, value)) = field.split_once('=') else {
                return Err(Failure::new("A --field has no equals sign.")
                    .advise("A field is written as --field header=x-token."));
            };
            fields.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        }
        // Who signs for Meta needs no token of its handshake.
        if kind.fields().contains(&"verifyToken") && !fields.iter().any(|(name, _)| name == "verifyToken") {
            fields.push(("verifyToken".to_owned(), Zeroizing::new("unused".to_owned())));
        }
        Ok(fields)
    }
}

fn print(signed: Signed, output: Output) -> Result<(), Failure> {
    let query = signed.query.into_iter().map(|(name, value)| (format!("?{name}"), value));
    let all: Vec<(String, String)> = signed.headers.into_iter().chain(query).collect();
    if output.is_json() {
        let document: Map<_, _> = all.into_iter().map(|(name, value)| (name, value.into())).collect();
        return output.json(&document);
    }
    all.iter().try_for_each(|(name, value)| match name.strip_prefix('?') {
        Some(name) => output.line(&format!("?{name}={value}")),
        None => output.line(&format!("{name}: {value}")),
    })
}
