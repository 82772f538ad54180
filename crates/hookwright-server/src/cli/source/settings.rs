//! What a source is made of, and what of it can be changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use hookwright_signature::provider::SourceKind;
use serde::Serialize;
use zeroize::Zeroizing;

use super::handling::{HandlingArgs, HandlingIn};
use super::secret_field;
use crate::cli::failure::Failure;
use crate::cli::{given, secret};

/// A source that is made.
#[derive(Debug, Clone, Args)]
pub(super) struct SettingArgs {
    /// Whose requests it takes, such as github; `hookwright source kinds` lists them
    kind: String,
    /// Your own id for it, unique among your sources
    #[arg(long, value_name = "TEXT")]
    uid: Option<String>,
    /// What it is for, for people [default: its uid, or its kind]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    taking: TakingArgs,
    #[command(flatten)]
    handling: HandlingArgs,
}

/// What to change; what is left out stays.
#[derive(Debug, Clone, Args)]
pub(super) struct ChangeArgs {
    /// What it is for, for people
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Your own id for it; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    uid: Option<String>,
    #[command(flatten)]
    proof: ProofArgs,
    #[command(flatten)]
    taking: TakingArgs,
    #[command(flatten)]
    handling: HandlingArgs,
}

/// What proves a request: all of it, also where it is changed.
#[derive(Debug, Clone, Args)]
struct ProofArgs {
    /// File with what proves a request: the secret, or the token, password, public key or client id of kinds with one
    #[arg(long, value_name = "PATH")]
    secret_file: Option<PathBuf>,
    /// Another field of the kind, such as header=x-token; a value of @ and a file is read from there; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    field: Vec<String>,
    /// Send at these times, as cron has them: '0 3 * * *' is 3 o'clock UTC each day; of the kind cron
    #[arg(long, value_name = "CRON", requires = "payload")]
    schedule: Option<String>,
    /// Send this, or what is in the file after an @; of the kind cron
    #[arg(long, value_name = "TEXT", requires = "schedule")]
    payload: Option<String>,
    /// Send it as this content type; of the kind cron [default: application/json]
    #[arg(long, value_name = "TYPE", requires = "schedule")]
    payload_type: Option<String>,
}

/// What is taken, and how it is answered.
#[derive(Debug, Clone, Args)]
struct TakingArgs {
    /// Take this method; may be repeated [default: POST, and what its provider uses]
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// Take any body, or only json
    #[arg(long, value_name = "any|json")]
    body: Option<String>,
    /// How a request that comes again is known: by the provider's id, by that or its body, or not at all
    #[arg(long, value_name = "id|body|none")]
    dedupe: Option<String>,
    /// At most so many requests a second; 0 lifts the limit
    #[arg(long, value_name = "N")]
    throttle_rate: Option<u16>,
    /// How long its requests are kept, such as 7d; an empty one means as long as those of others
    #[arg(long, value_name = "DURATION")]
    retention: Option<String>,
    /// A free pair, such as team=books, in the place of all that are there; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

/// A source, or a change of one, as the API takes it. It may hold a secret, so it cannot be printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceIn {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    config: Option<BTreeMap<String, Zeroizing<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedupe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle_rate: Option<Option<u16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    handling: HandlingIn,
}

impl SettingArgs {
    pub(super) fn document(self) -> Result<SourceIn, Failure> {
        let name = self.name.or_else(|| self.uid.clone()).unwrap_or_else(|| self.kind.clone());
        let config = self.proof.config(&self.kind)?;
        let mut document = self.taking.document()?;
        document.handling = self.handling.document()?;
        document.uid = self.uid.map(Some);
        document.name = Some(name);
        document.kind = Some(self.kind);
        document.config = config;
        Ok(document)
    }
}

impl ChangeArgs {
    /// Whether something of what proves its requests is changed, for which its kind must be known.
    pub(super) fn changes_proof(&self) -> bool {
        self.proof.secret_file.is_some() || !self.proof.field.is_empty() || self.proof.schedule.is_some()
    }

    /// The change of a source of this kind.
    pub(super) fn document(self, kind: &str) -> Result<SourceIn, Failure> {
        let config = self.proof.config(kind)?;
        let mut document = self.taking.document()?;
        document.handling = self.handling.document()?;
        document.uid = self.uid.map(|uid| (!uid.is_empty()).then_some(uid));
        document.name = self.name;
        document.config = config;
        if document.is_empty() {
            return Err(Failure::new("Nothing to change was named.")
                .advise("`hookwright source update --help` shows what can be."));
        }
        Ok(document)
    }
}

impl ProofArgs {
    /// The fields of the kind, if any were given.
    fn config(&self, kind: &str) -> Result<Option<BTreeMap<String, Zeroizing<String>>>, Failure> {
        let mut fields = BTreeMap::new();
        if let Some(path) = &self.secret_file {
            let name = SourceKind::parse(kind).map_or("secret", secret_field);
            fields.insert(name.to_owned(), secret::from_file(path)?);
        }
        for field in &self.field {
            let Some((name, value)) = field.split_once('=') else {
                // It may be a secret, so it is not repeated.
                return Err(Failure::new("A --field has no equals sign.")
                    .advise("Examples are --field header=x-token and --field verifyToken=@token.txt."));
            };
            let value = Zeroizing::new(given::text(value)?);
            // A file ends with a line break that belongs to none of its words.
            let value = Zeroizing::new(value.trim_end_matches(['\r', '\n']).to_owned());
            fields.insert(name.to_owned(), value);
        }
        let schedule = [("schedule", &self.schedule), ("contentType", &self.payload_type)];
        for (name, value) in schedule {
            if let Some(value) = value {
                fields.insert(name.to_owned(), Zeroizing::new(value.clone()));
            }
        }
        if let Some(payload) = &self.payload {
            fields.insert("payload".to_owned(), Zeroizing::new(given::text(payload)?));
        }
        Ok((!fields.is_empty()).then_some(fields))
    }
}

impl TakingArgs {
    fn document(self) -> Result<SourceIn, Failure> {
        let metadata = match self.metadata.is_empty() {
            true => None,
            false => Some(given::metadata(&self.metadata)?),
        };
        Ok(SourceIn {
            kind: None,
            name: None,
            uid: None,
            config: None,
            methods: (!self.method.is_empty()).then_some(self.method),
            body: self.body,
            dedupe: self.dedupe,
            throttle_rate: self.throttle_rate.map(|rate| (rate > 0).then_some(rate)),
            retention: self.retention.map(|text| (!text.is_empty()).then_some(text)),
            metadata,
            handling: HandlingIn::default(),
        })
    }
}

impl SourceIn {
    /// Whether it names nothing.
    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.uid.is_none()
            && self.config.is_none()
            && self.methods.is_none()
            && self.body.is_none()
            && self.dedupe.is_none()
            && self.throttle_rate.is_none()
            && self.retention.is_none()
            && self.metadata.is_none()
            && self.handling.is_empty()
    }
}

fn exposed<S: serde::Serializer>(
    config: &Option<BTreeMap<String, Zeroizing<String>>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(config.iter().flatten().map(|(name, value)| (name, value.as_str())))
}
