//! Event types as an OpenAPI document describes them: its webhooks, with their payloads' schemas.
//!
//! Read are `webhooks` (OpenAPI 3.1, section 4.8.1) and `x-webhooks`, as documents of 3.0 call them.

use std::borrow::Cow;

use hookwright::domain::event_type::EventTypeSettings;
use hookwright::domain::names::{EventTypeName, FeatureFlag};
use serde_json::{Map, Value, json};

use crate::api::error::{ApiError, FieldError};
use crate::api::fields::DESCRIPTION_MAX;

/// At most so many webhooks are imported at once.
const WEBHOOKS_MAX: usize = 1_000;
/// Where shared schemas are in an OpenAPI document, and where they are in a schema by itself.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";
/// The schema of an import is the event type's first version.
const VERSION: &str = "1";

/// One webhook of a document.
pub(super) struct Webhook {
    pub(super) name: EventTypeName,
    pub(super) description: String,
    /// A schema by itself: what it refers to in the document came along.
    pub(super) schema: Option<Value>,
    pub(super) deprecated: bool,
    pub(super) group_name: Option<EventTypeName>,
    pub(super) feature_flags: Vec<FeatureFlag>,
}

impl Webhook {
    /// What an event type is set to by it.
    pub(super) fn apply(&self, settings: &mut EventTypeSettings) {
        settings.description.clone_from(&self.description);
        settings.schemas = self.schema.as_ref().map(|schema| json!({ VERSION: schema }).to_string());
        settings.archived = false;
        settings.deprecated = self.deprecated;
        settings.group_name.clone_from(&self.group_name);
        settings.feature_flags.clone_from(&self.feature_flags);
        // Whoever asked for payloads to be checked goes on having them checked, as long as there is something to check against.
        settings.validated &= settings.schemas.is_some();
    }
}

/// The webhooks of a document that came in `field`. Everything that is wrong with them is told at once.
pub(super) fn webhooks(document: &Value, field: &'static str) -> Result<Vec<Webhook>, ApiError> {
    let place = if document.get("webhooks").is_some() { "webhooks" } else { "x-webhooks" };
    let Some(paths) = document.get(place).and_then(Value::as_object) else {
        return Err(ApiError::field(
            ["body", field],
            "The document has no webhooks: name each of them under webhooks (OpenAPI 3.1) or x-webhooks (3.0).",
            "value_error",
        ));
    };
    if paths.len() > WEBHOOKS_MAX {
        let msg =
            format!("At most {WEBHOOKS_MAX} webhooks are imported at once, and these are {}.", paths.len());
        return Err(ApiError::field(["body", field, place], msg, "value_error"));
    }
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for (name, path) in paths {
        match webhook(document, name, path) {
            Ok(webhook) => read.push(webhook),
            Err(msg) => {
                let loc =
                    ["body", field, place].map(Cow::Borrowed).into_iter().chain([Cow::Owned(name.clone())]);
                wrong.push(FieldError { loc: loc.collect(), msg, kind: "value_error" });
            }
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(ApiError::invalid(wrong)) }
}

fn webhook(document: &Value, name: &str, path: &Value) -> Result<Webhook, String> {
    let operation = ["post", "put", "get", "patch", "delete"].iter().find_map(|method| path.get(method));
    let operation = operation.ok_or("The webhook has no operation: describe its request under post.")?;
    let request = resolved(document, operation.get("requestBody"))?;
    let text = |value: Option<&Value>, field: &str| value?.get(field)?.as_str().map(str::to_owned);
    let description = text(Some(operation), "description")
        .or_else(|| text(Some(operation), "summary"))
        .or_else(|| text(request, "description"))
        .or_else(|| text(Some(path), "description"))
        .unwrap_or_default();
    if description.chars().count() > DESCRIPTION_MAX {
        return Err(format!("The description has more than {DESCRIPTION_MAX} characters."));
    }
    let content = request.and_then(|request| request.get("content")).and_then(Value::as_object);
    let json = content.and_then(|content| {
        content
            .get("application/json")
            .or_else(|| content.iter().find(|(kind, _)| is_json(kind)).map(|(_, it)| it))
    });
    let schema =
        json.and_then(|json| json.get("schema")).map(|schema| by_itself(document, schema)).transpose()?;
    let named = |field: &str| operation.get(field).or_else(|| path.get(field));
    let group_name =
        match named("x-svix-group-name").or_else(|| named("x-group-name")).and_then(Value::as_str) {
            Some(group) => {
                Some(EventTypeName::parse(group).map_err(|error| format!("The group's name {error}."))?)
            }
            None => None,
        };
    let flags = named("x-svix-feature-flags").or_else(|| named("x-feature-flags")).and_then(Value::as_array);
    let flags = flags.into_iter().flatten().filter_map(Value::as_str).map(FeatureFlag::parse);
    Ok(Webhook {
        name: EventTypeName::parse(name).map_err(|error| format!("The webhook's name {error}."))?,
        description,
        schema,
        deprecated: operation.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
        group_name,
        feature_flags: flags.collect::<Result<_, _>>().map_err(|error| format!("A feature flag {error}."))?,
    })
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// What a reference within the document refers to; what is no reference is itself.
fn resolved<'a>(document: &'a Value, value: Option<&'a Value>) -> Result<Option<&'a Value>, String> {
    let Some(reference) = value.and_then(|value| value.get("$ref")).and_then(Value::as_str) else {
        return Ok(value);
    };
    let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
    found.map(Some).ok_or_else(|| format!("The reference {reference} leads to nothing in the document."))
}

/// The schema with all that it refers to in it.
fn by_itself(document: &Value, schema: &Value) -> Result<Value, String> {
    let mut schema = schema.clone();
    let (mut definitions, mut to_come) = (Map::new(), Vec::new());
    rewrite(&mut schema, &mut to_come)?;
    while let Some(name) = to_come.pop() {
        if definitions.contains_key(&name) {
            continue;
        }
        let place = format!("/components/schemas/{name}");
        let shared = document
            .pointer(&place)
            .ok_or_else(|| format!("There is no schema #{place} in the document."))?;
        let mut shared = shared.clone();
        rewrite(&mut shared, &mut to_come)?;
        definitions.insert(name, shared);
    }
    if definitions.is_empty() {
        return Ok(schema);
    }
    // A schema that has definitions of its own keeps them.
    let mut whole = match schema {
        Value::Object(whole) if !whole.contains_key("$defs") => whole,
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    };
    whole.insert("$defs".to_owned(), Value::Object(definitions.into_iter().map(unescaped).collect()));
    Ok(Value::Object(whole))
}

/// A definition stands under its name as it is, not as a pointer writes it (RFC 6901, section 3).
fn unescaped((name, schema): (String, Value)) -> (String, Value) {
    (name.replace("~1", "/").replace("~0", "~"), schema)
}

/// Leads the references to shared schemas to where they will be, and notes which they are.
fn rewrite(value: &mut Value, used: &mut Vec<String>) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(reference) if field == "$ref" => {
                        let Some(name) = reference.strip_prefix(COMPONENTS) else {
                            if reference.starts_with("#/$defs/") || reference == "#" {
                                continue;
                            }
                            return Err(format!(
                                "The schema refers to {reference}; it may refer to {COMPONENTS}… alone."
                            ));
                        };
                        let name = name.to_owned();
                        *reference = format!("{DEFINITIONS}{name}");
                        used.push(name);
                    }
                    value => rewrite(value, used)?,
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| rewrite(item, used)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_brings_along_what_it_refers_to() {
        let document = json!({
            "webhooks": {"pet.new": {"post": {
                "summary": "A pet", "deprecated": true, "x-feature-flags": ["beta"], "x-group-name": "pets",
                "requestBody": {"$ref": "#/components/requestBodies/Pet"},
            }}},
            "components": {
                "requestBodies": {"Pet": {"content": {"application/json; charset=utf-8": {
                    "schema": {"$ref": "#/components/schemas/Pet"},
                }}}},
                "schemas": {
                    "Pet": {"properties": {"friend": {"$ref": "#/components/schemas/Pet"}, "tag": {"$ref": "#/components/schemas/a~1b"}}},
                    "a/b": {"type": "string"},
                    "Unused": {},
                },
            },
        });
        let webhooks = webhooks(&document, "spec").ok().unwrap();
        let [pet] = &webhooks[..] else { panic!("{} webhooks", webhooks.len()) };
        assert_eq!((pet.name.as_str(), pet.description.as_str(), pet.deprecated), ("pet.new", "A pet", true));
        assert_eq!(pet.group_name.as_ref().unwrap().as_str(), "pets");
        assert_eq!(pet.feature_flags.len(), 1);
        let schema = pet.schema.as_ref().unwrap();
        assert_eq!(schema["$ref"], "#/$defs/Pet");
        assert_eq!(schema["$defs"]["a/b"]["type"], "string");
        assert_eq!(schema["$defs"].as_object().unwrap().len(), 2);
        let validator = hookwright::domain::payload_schema::PayloadSchema::compile(Some(
            &json!({"1": schema}).to_string(),
        ));
        let wrong = validator.unwrap().violations(br#"{"friend": {"tag": 7}}"#);
        assert_eq!(wrong[0].path, ["friend", "tag"]);
    }
}
