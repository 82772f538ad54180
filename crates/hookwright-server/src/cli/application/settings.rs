//! What an application is made of, and what of it can be changed.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;
use crate::cli::given;

/// An application that is made, or put in the place of another.
#[derive(Debug, Clone, Args)]
pub(super) struct SettingArgs {
    /// A name for people [default: the uid]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// At most so many attempts a second, over all its endpoints
    #[arg(long, value_name = "N")]
    throttle_rate: Option<u16>,
    /// A free pair, such as plan=gold; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

/// What to change; what is left out stays.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub(super) struct ChangeArgs {
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
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

impl SettingArgs {
    pub(super) fn document(&self, uid: Option<&str>) -> Result<Value, Failure> {
        let mut document = json!({ "uid": uid, "name": self.name.as_deref().or(uid) });
        if let Some(rate) = self.throttle_rate {
            document["throttleRate"] = rate.into();
        }
        document["metadata"] = json!(given::metadata(&self.metadata)?);
        Ok(document)
    }
}

impl ChangeArgs {
    pub(super) fn document(&self) -> Result<Value, Failure> {
        let mut document = Map::new();
        if let Some(name) = &self.name {
            document.insert("name".to_owned(), json!(name));
        }
        if let Some(uid) = &self.uid {
            document.insert("uid".to_owned(), json!((!uid.is_empty()).then_some(uid)));
        }
        if let Some(rate) = self.throttle_rate {
            document.insert("throttleRate".to_owned(), json!((rate > 0).then_some(rate)));
        }
        if !self.metadata.is_empty() {
            document.insert("metadata".to_owned(), json!(given::metadata(&self.metadata)?));
        }
        Ok(Value::Object(document))
    }
}
