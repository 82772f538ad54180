//! Shapes of the OpenAPI file in words.

use serde_json::Value;

/// What a value of this shape is.
pub(super) fn in_words(schema: &Value) -> String {
    let kinds = kinds(schema);
    let mut words = match kinds.first().map(String::as_str) {
        Some("array") => match &schema["items"] {
            items if items.is_object() => format!("list of {}", in_words(items)),
            _ => "list".to_owned(),
        },
        Some("string") => match schema["format"].as_str() {
            Some("date-time") => "point in time".to_owned(),
            _ => "text".to_owned(),
        },
        Some("integer") => "whole number".to_owned(),
        Some(kind) => kind.to_owned(),
        None => format!("`{}`", name(schema)),
    };
    let number = |name: &str| schema[name].as_u64();
    match (number("minimum"), number("maximum")) {
        (Some(low), Some(high)) => words.push_str(&format!(", {low} to {high}")),
        (Some(low), None) => words.push_str(&format!(", at least {low}")),
        (None, Some(high)) => words.push_str(&format!(", at most {high}")),
        (None, None) => {}
    }
    match (number("minLength"), number("maxLength")) {
        (Some(low), Some(high)) => words.push_str(&format!(", {low} to {high} characters")),
        (None, Some(high)) => words.push_str(&format!(", at most {high} characters")),
        _ => {}
    }
    if let Some(most) = number("maxItems") {
        words.push_str(&format!(", at most {most}"));
    }
    if let Some(words_there_are) = schema["enum"].as_array() {
        let listed: Vec<String> = words_there_are
            .iter()
            .map(|word| format!("`{}`", word.as_str().map_or(word.to_string(), str::to_owned)))
            .collect();
        words.push_str(&format!(": {}", listed.join(", ")));
    }
    if kinds.iter().any(|kind| kind == "null") {
        words.push_str(", or null");
    }
    words
}

/// The name of a shape.
pub(super) fn name(schema: &Value) -> String {
    let one_of = || schema["oneOf"].as_array()?.iter().find(|one| one.get("$ref").is_some()).map(name);
    let named = |reference: &str| reference.rsplit('/').next().unwrap_or_default().to_owned();
    schema["$ref"].as_str().map(named).or_else(one_of).unwrap_or_else(|| "any".to_owned())
}

/// The fields of a shape, a row of a table each.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, field)| {
            let must = if required.contains(&name.as_str()) { ", required" } else { "" };
            let old = if field["deprecated"] == true { " (older name)" } else { "" };
            format!("| `{name}` | {}{must}{old} | {} |", in_words(field), cell(field["description"].as_str()))
        })
        .collect()
}

/// A text in a table's cell.
pub(super) fn cell(text: Option<&str>) -> String {
    text.unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn kinds(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(kind) => vec![kind.clone()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
