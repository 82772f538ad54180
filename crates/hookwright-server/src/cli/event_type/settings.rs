//! What an event type is made of, and what of it can be changed.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::cli::failure::Failure;
use crate::cli::given;

/// An event type that is made, or put in the place of another.
#[derive(Debug, Clone, Args)]
pub(super) struct SettingArgs {
    /// What happens, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
    /// The group it is shown in
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// JSON Schemas by version: JSON, @ and a file, or - for standard input
    #[arg(long, value_name = "JSON")]
    schemas: Option<String>,
    /// An application must hold one of these to see it; may be repeated
    #[arg(long, value_name = "NAME")]
    feature_flag: Vec<String>,
    /// Offer it with a warning
    #[arg(long)]
    deprecated: bool,
    /// Refuse messages whose payload does not fit the newest schema
    #[arg(long)]
    validate: bool,
}

/// What to change; what is left out stays.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub(super) struct ChangeArgs {
    /// What happens, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The group it is shown in; an empty one takes it out of its group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// JSON Schemas by version: JSON, @ and a file, or - for standard input; null takes them away
    #[arg(long, value_name = "JSON")]
    schemas: Option<String>,
    /// An application must hold one of these to see it; may be repeated; an empty one shows it to all
    #[arg(long, value_name = "NAME")]
    feature_flag: Vec<String>,
    /// Whether it is offered with a warning
    #[arg(long)]
    deprecated: Option<bool>,
    /// Whether messages are refused whose payload does not fit the newest schema
    #[arg(long)]
    validate: Option<bool>,
    /// Whether it is no longer offered
    #[arg(long)]
    archived: Option<bool>,
}

/// The members of a JSON object, each word for word: schemas are sent as they were written.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Members(BTreeMap<&'static str, Box<RawValue>>);

impl Members {
    pub(super) fn insert(&mut self, name: &'static str, json: String) -> Result<(), Failure> {
        let json = RawValue::from_string(json)
            .map_err(|error| Failure::because(&format!("The {name} cannot be written as JSON"), &error))?;
        self.0.insert(name, json);
        Ok(())
    }
}

impl SettingArgs {
    pub(super) fn document(&self) -> Result<Members, Failure> {
        let mut members = Members::default();
        members.insert("description", json!(self.description).to_string())?;
        members.insert("deprecated", json!(self.deprecated).to_string())?;
        members.insert("validatePayload", json!(self.validate).to_string())?;
        members.insert("featureFlags", json!(self.feature_flag).to_string())?;
        if let Some(group) = &self.group {
            members.insert("groupName", json!(group).to_string())?;
        }
        if let Some(schemas) = &self.schemas {
            members.0.insert("schemas", given::json("schemas", schemas)?);
        }
        Ok(members)
    }
}

impl ChangeArgs {
    pub(super) fn document(&self) -> Result<Members, Failure> {
        let mut members = Members::default();
        if let Some(description) = &self.description {
            members.insert("description", json!(description).to_string())?;
        }
        if let Some(group) = &self.group {
            members.insert("groupName", json!((!group.is_empty()).then_some(group)).to_string())?;
        }
        if let Some(schemas) = &self.schemas {
            members.0.insert("schemas", given::json("schemas", schemas)?);
        }
        if !self.feature_flag.is_empty() {
            let flags: Vec<&String> = self.feature_flag.iter().filter(|flag| !flag.is_empty()).collect();
            members.insert("featureFlags", json!(flags).to_string())?;
        }
        let (deprecated, archived, validate) = (self.deprecated, self.archived, self.validate);
        for (name, value) in
            [("deprecated", deprecated), ("archived", archived), ("validatePayload", validate)]
        {
            if let Some(value) = value {
                members.insert(name, value.to_string())?;
            }
        }
        Ok(members)
    }
}
