//! What an endpoint is made of, and what of it can be changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::{given, secret};

/// An endpoint that is made, or put in the place of another.
#[derive(Debug, Clone, Args)]
pub(super) struct SettingArgs {
    /// Where its webhooks go
    target: String,
    /// Only this event type; may be repeated [default: all]
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
    /// Only messages of this channel; may be repeated [default: all]
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
    /// At most so many attempts a second
    #[arg(long, value_name = "N")]
    throttle_rate: Option<u16>,
    /// Make it disabled
    #[arg(long)]
    disabled: bool,
    /// A free pair, such as plan=gold; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

/// What to change; what is left out stays.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub(super) struct ChangeArgs {
    /// Where its webhooks go
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Only these event types; may be repeated; an empty one lifts the filter
    #[arg(long, value_name = "NAME")]
    event_type: Vec<String>,
    /// Only messages of these channels; may be repeated; an empty one lifts the filter
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Your own id for it; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    uid: Option<String>,
    /// At most so many attempts a second; 0 lifts the limit
    #[arg(long, value_name = "N")]
    throttle_rate: Option<u16>,
    /// A free pair, in the place of all that are there; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

/// An endpoint as the API takes it. It may hold a secret, so it cannot be printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointIn {
    url: String,
    event_types: Vec<String>,
    channels: Vec<String>,
    description: String,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle_rate: Option<u16>,
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    secret: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
}

/// A change as the API takes it; a null takes something away.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttle_rate: Option<Option<u16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, String>>,
}

impl SettingArgs {
    pub(super) fn document(self) -> Result<EndpointIn, Failure> {
        Ok(EndpointIn {
            url: self.target,
            event_types: self.event_type,
            channels: self.channel,
            description: self.description,
            disabled: self.disabled,
            throttle_rate: self.throttle_rate,
            metadata: given::metadata(&self.metadata)?,
            uid: None,
            secret: None,
            headers: BTreeMap::new(),
        })
    }
}

impl EndpointIn {
    pub(super) fn with_uid(mut self, uid: Option<String>) -> Result<EndpointIn, Failure> {
        self.uid = uid;
        Ok(self)
    }

    pub(super) fn with_secret(mut self, file: Option<PathBuf>) -> Result<EndpointIn, Failure> {
        self.secret = file.map(|path| secret::from_file(&path)).transpose()?;
        Ok(self)
    }

    pub(super) fn with_headers(mut self, lines: &[String]) -> Result<EndpointIn, Failure> {
        self.headers = given::headers(lines)?;
        Ok(self)
    }
}

impl ChangeArgs {
    pub(super) fn document(self) -> Result<EndpointPatch, Failure> {
        let metadata = match self.metadata.is_empty() {
            true => None,
            false => Some(given::metadata(&self.metadata)?),
        };
        Ok(EndpointPatch {
            url: self.target,
            event_types: filter(self.event_type),
            channels: filter(self.channel),
            description: self.description,
            uid: self.uid.map(|uid| (!uid.is_empty()).then_some(uid)),
            throttle_rate: self.throttle_rate.map(|rate| (rate > 0).then_some(rate)),
            metadata,
        })
    }
}

/// What was named; an empty list, which filters nothing, if only an empty name was.
fn filter(names: Vec<String>) -> Option<Vec<String>> {
    (!names.is_empty()).then(|| names.into_iter().filter(|name| !name.is_empty()).collect())
}

fn exposed<S: serde::Serializer>(secret: &Option<Zeroizing<String>>, to: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|secret| secret.as_str()).serialize(to)
}
