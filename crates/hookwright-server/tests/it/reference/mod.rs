//! `docs/api.md` is what the OpenAPI file says, in words: written with `HOOKWRIGHT_UPDATE_REFERENCE=1`, compared without.

mod errors; // docs/errors.md
mod schema; // a shape in words

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../openapi.json");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md");

const HEAD: &str = "# The API

Every operation that this version has, from its OpenAPI document, which a server also gives at `/api/openapi.json`.
Paths and shapes are those of the Svix API, so its SDKs work; [Coming from Svix](coming-from-svix.md) says what differs.

- Each request carries `Authorization: Bearer TOKEN`, but for those under `/api/v1/health`.
- Bodies are JSON. A field or query parameter that an operation does not know is refused with a 422 that names it, at every depth; so is a query parameter without a value.
- An iterator is good for the list that it came from, at the same path.
- A path works with and without a slash at its end. `{app_id}` and `{endpoint_id}` take an id or a uid.
- A POST may carry an `idempotency-key`: sent again with the same key it is answered as the first time.
- A list answers `data`, `iterator`, `prevIterator` and `done`; go on with `?iterator=` until `done`.
- What can go wrong, and the `code` it comes with, is in [Errors](errors.md).
";

#[test]
fn the_reference_says_what_the_openapi_file_says() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let written = reference(&document);
    if std::env::var_os("HOOKWRIGHT_UPDATE_REFERENCE").is_some() {
        std::fs::write(PATH, &written).unwrap();
    }
    let there = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(there == written, "docs/api.md is old: run this test with HOOKWRIGHT_UPDATE_REFERENCE=1");
}

fn reference(document: &Value) -> String {
    let mut by_tag: BTreeMap<&str, Vec<(&str, &str, &Value)>> = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap();
            by_tag.entry(tag).or_default().push((path, method, operation));
        }
    }
    let mut text = HEAD.to_owned();
    for (tag, operations) in by_tag {
        writeln!(text, "\n## {tag}").unwrap();
        for (path, method, operation) in operations {
            one(&mut text, document, path, method, operation);
        }
    }
    text
}

fn one(text: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    writeln!(text, "\n### {} `{path}`\n", method.to_uppercase()).unwrap();
    for part in ["summary", "description"] {
        if let Some(said) = operation[part].as_str() {
            writeln!(text, "{}\n", said.trim()).unwrap();
        }
    }
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let rows: Vec<String> = parameters
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap();
            let place = parameter["in"].as_str().unwrap();
            let kind = schema::in_words(&parameter["schema"]);
            format!("| `{name}` | {place} | {kind} | {} |", schema::cell(parameter["description"].as_str()))
        })
        .collect();
    table(text, "| Parameter | In | Is | |", "|---|---|---|---|", &rows);
    if let Some(body) = operation.pointer("/requestBody/content/application~1json/schema") {
        table(text, "| Body | Is | |", "|---|---|---|", &schema::fields(document, body));
    }
    for (status, answer) in operation["responses"].as_object().unwrap() {
        let said = answer["description"].as_str().unwrap_or_default();
        let shape = answer.pointer("/content/application~1json/schema").map(schema::name);
        let shape = shape.map(|shape| format!(" `{shape}`")).unwrap_or_default();
        writeln!(text, "- **{status}**{shape} {said}",).unwrap();
    }
    let succeeded =
        operation["responses"].as_object().unwrap().iter().find(|(status, _)| status.starts_with('2'));
    let shape = succeeded.and_then(|(_, answer)| answer.pointer("/content/application~1json/schema"));
    if let Some(shape) = shape {
        text.push('\n');
        table(text, "| Answer | Is | |", "|---|---|---|", &schema::fields(document, shape));
    }
}

fn table(text: &mut String, head: &str, line: &str, rows: &[String]) {
    if !rows.is_empty() {
        writeln!(text, "{head}\n{line}\n{}\n", rows.join("\n")).unwrap();
    }
}
