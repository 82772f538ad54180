//! Every field of every operation that the OpenAPI file describes, with every value that cannot be used: a 422 that names it.

use std::fmt::Write;

use hookwright_testkit::Receiver;
use hookwright_testkit::http::{Answer, Method};
use serde_json::{Map, Value, json};

use super::rig::Rig;

pub(super) const DOCUMENT: &str = include_str!("../../../openapi.json");

/// What the paths of the table name.
pub(super) struct Named {
    organisation: String,
    message: String,
    attempt: String,
    request: String,
    task: String,
    token: String,
}

impl Named {
    pub(super) async fn in_a(rig: &Rig) -> Named {
        let receiver = Receiver::start().await;
        rig.application("ann").await;
        let endpoint = json!({"url": receiver.url("/"), "uid": "main"});
        rig.client.post("/api/v1/app/ann/endpoint", &endpoint).await.expect(201);
        let example = json!({"name": "a.b", "description": "", "schemas": {"1": {"examples": [{}]}}});
        rig.client.post("/api/v1/event-type", &example).await.expect(201);
        let source = json!({"name": "GitHub", "type": "github", "uid": "orders", "config": {"secret": "s"}});
        rig.client.post("/ingest/api/v1/source", &source).await.expect(201);
        let forwarded = json!({"url": receiver.url("/"), "uid": "main"});
        rig.client.post("/ingest/api/v1/source/orders/endpoint", &forwarded).await.expect(201);
        // What has never been is looked for only once everything else is right.
        let unknown = "2lbJh8YRbTq7vM3y0v1cPq4Zk1s";
        Named {
            organisation: rig.hooks.default_organisation().to_string(),
            message: rig.send("ann", "a.b", json!({"x": 1})).await,
            attempt: format!("atmpt_{unknown}"),
            request: format!("log{}", &unknown[..22]),
            task: format!("qtask_{unknown}"),
            token: format!("tok_{unknown}"),
        }
    }

    pub(super) fn path(&self, path: &str) -> String {
        [
            ("{app_id}", "ann"),
            ("{endpoint_id}", "main"),
            ("{source_id}", "orders"),
            ("{log_id}", "log2lbJh8YRbTq7vM3y0v1cPq"),
            ("{event_type_name}", "a.b"),
            ("{msg_id}", &self.message),
            ("{attempt_id}", &self.attempt),
            ("{log_id}", &self.request),
            ("{task_id}", &self.task),
            ("{env_id}", &self.organisation),
            ("{key_id}", &self.token),
        ]
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    }
}

/// A body that an operation takes, with nothing in it that it can do without.
pub(super) fn least(document: &Value, schema: &Value) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.map(|name| (name.to_owned(), good(document, name, &schema["properties"][name]))).collect()
}

fn good(document: &Value, name: &str, schema: &Value) -> Value {
    match (name, kinds(schema).first().map(String::as_str)) {
        ("url", _) => json!("http://127.0.0.1:9/"),
        ("payload" | "headers", _) => json!({}),
        ("eventType", _) => json!("a.b"),
        ("type", _) => json!("generic-webhook"),
        ("since", _) => json!("2020-01-01T00:00:00Z"),
        (_, Some("string")) => json!("x"),
        (_, Some("array")) => json!([]),
        (_, Some("integer")) => json!(1),
        (_, Some("boolean")) => json!(true),
        _ => Value::Object(least(document, resolved(document, schema))),
    }
}

/// Longer than any word may be, and shorter than any limit of a body.
fn too_long() -> String {
    "x".repeat(20_000)
}

/// Values that no operation can use where this is described.
fn bad(document: &Value, schema: &Value) -> Vec<Value> {
    let kinds = kinds(schema);
    let mut values = match kinds.first().map(String::as_str) {
        Some("string") => vec![json!(7), json!({}), json!(["x"]), json!(true)],
        Some("integer") => vec![json!("x"), json!(1.5), json!([]), json!(1e30)],
        Some("boolean") => vec![json!("yes"), json!(1), json!({})],
        Some("array") => vec![json!("x"), json!(7), json!({}), json!([[]])],
        Some("object") => vec![json!("x"), json!(7), json!([])],
        // Anything may be there.
        None if schema.get("$ref").is_none() && schema.get("oneOf").is_none() => return Vec::new(),
        _ => vec![json!(7), json!("x")],
    };
    let may_be_null = kinds.iter().any(|kind| kind == "null")
        || schema["oneOf"].as_array().is_some_and(|any| any.iter().any(|one| one["type"] == "null"));
    if !may_be_null {
        values.push(Value::Null);
    }
    if let Some(low) = schema["minimum"].as_i64() {
        values.push(json!(low - 1));
    }
    if let Some(high) = schema["maximum"].as_i64() {
        values.push(json!(high + 1));
    }
    if kinds.iter().any(|kind| kind == "string") {
        let most = schema["maxLength"].as_u64().map(|most| usize::try_from(most).unwrap());
        values.push(most.map_or_else(|| json!(too_long()), |most| json!("x".repeat(most + 1))));
    }
    if schema["items"]["type"] == "string" {
        values.extend([json!([7]), json!([null]), json!([""]), json!([too_long()])]);
    }
    if schema["additionalProperties"]["type"].as_str() == Some("string") {
        values.extend([
            json!({"a": 7}),
            json!({"a": null}),
            json!({ too_long(): "x" }),
            json!({"a": too_long()}),
        ]);
    }
    // What is in it, and has fields of its own.
    let inner = resolved(document, schema);
    for (field, schema) in inner["properties"].as_object().into_iter().flatten() {
        values.extend(bad(document, schema).into_iter().map(|value| {
            let mut object = least(document, inner);
            object.insert(field.clone(), value);
            Value::Object(object)
        }));
    }
    if inner.get("properties").is_some() {
        let mut object = least(document, inner);
        object.insert("nonsense".to_owned(), json!(1));
        values.push(Value::Object(object));
    }
    if schema["minLength"].as_u64().is_some_and(|least| least > 0) {
        values.push(json!(""));
    }
    if let Some(most) = schema["maxItems"].as_u64() {
        values.push((0..=most).map(|number| json!(format!("x{number}"))).collect());
    }
    if schema["format"] == "date-time" {
        values.extend([json!("yesterday"), json!(""), json!("2024-13-01T00:00:00Z")]);
    }
    if resolved(document, schema).get("enum").is_some() {
        values.push(json!("no-such-word"));
    }
    values
}

/// The same for what is written in a query.
fn bad_words(schema: &Value, name: &str) -> Vec<String> {
    let mut words: Vec<String> = match kinds(schema).first().map(String::as_str) {
        Some("integer") => vec!["x".into(), "1.5".into(), "-1".into(), "99999999999999999999".into()],
        Some("boolean") => vec!["maybe".into(), "2".into()],
        _ => Vec::new(),
    };
    // Without a value it would be as if it were not there. What is no text can be no value, whatever the parameter.
    words.extend(["".into(), "%ff".into(), "abc%C3%28".into()]);
    if name == "limit" {
        words.extend(["0".into(), "251".into(), "0&limit=1".into(), "1&limit=1".into()]);
    }
    if name == "iterator" {
        words.extend(["garbage".into(), "bTw".into(), "%00".into()]);
    }
    if schema["format"] == "date-time" {
        words.extend(["yesterday".into(), "2024-13-01T00:00:00Z".into()]);
    }
    if schema.get("enum").is_some() {
        words.push("no-such-word".into());
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        words.push("x".repeat(usize::try_from(most).unwrap() + 1));
    }
    words
}

pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let inner = || schema["oneOf"].as_array()?.iter().find(|one| one.get("$ref").is_some());
    let schema = inner().unwrap_or(schema);
    schema["$ref"].as_str().map_or(schema, |reference| document.pointer(&reference[1..]).unwrap())
}

fn kinds(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(kind) => vec![kind.clone()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Whether the answer is a 422 that names this field of this part of the request.
fn names(answer: &Answer, part: &str, field: &str) -> bool {
    answer.status == 422
        && answer.json()["detail"].as_array().into_iter().flatten().any(|one| {
            one["loc"][0] == part
                && one["loc"][1] == field
                && one["msg"].as_str().is_some_and(|msg| msg.len() > 5)
        })
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named() {
    let rig = Rig::start().await;
    let named = Named::in_a(&rig).await;
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let (mut asked, mut wrong) = (0, String::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = named.path(path);
            let method: Method = method.to_uppercase().parse().unwrap();
            let schema = operation.pointer("/requestBody/content/application~1json/schema");
            let body = schema.map(|schema| resolved(&document, schema));
            let base = body.map(|schema| least(&document, schema)).unwrap_or_default();
            let ask = async |target: &str, body: &Value| {
                let headers = [("content-type", "application/json")];
                rig.client.request(method.clone(), target, &headers, body.to_string()).await
            };
            for (field, schema) in body.and_then(|body| body["properties"].as_object()).into_iter().flatten()
            {
                // A payload is whatever JSON its sender likes.
                let values = if field == "payload" { Vec::new() } else { bad(&document, schema) };
                for value in values {
                    let mut body = base.clone();
                    body.insert(field.clone(), value.clone());
                    let answer = ask(&at, &Value::Object(body)).await;
                    asked += 1;
                    if !names(&answer, "body", field) {
                        let value: String = value.to_string().chars().take(40).collect();
                        writeln!(
                            wrong,
                            "{method} {path} {field}={value}: {} {}",
                            answer.status,
                            answer.text()
                        )
                        .unwrap();
                    }
                }
            }
            // Of an operation without a body nobody reads one.
            if body.is_some() {
                for (unknown, value) in [("nonsense", json!(1)), ("", json!("x")), ("Name", json!(null))] {
                    let mut body = base.clone();
                    body.insert(unknown.to_owned(), value);
                    let answer = ask(&at, &Value::Object(body)).await;
                    asked += 1;
                    if !names(&answer, "body", unknown) {
                        writeln!(wrong, "{method} {path} {unknown:?}: {} {}", answer.status, answer.text())
                            .unwrap();
                    }
                }
            }
            let public = operation["security"].as_array().is_some_and(|any| any.contains(&json!({})));
            if !public {
                let answer = ask(&format!("{at}?nonsense=1"), &Value::Object(base.clone())).await;
                asked += 1;
                if !names(&answer, "query", "nonsense") {
                    writeln!(wrong, "{method} {path}?nonsense=1: {} {}", answer.status, answer.text())
                        .unwrap();
                }
            }
            let required = body.map(|body| body["required"].clone()).unwrap_or_default();
            for field in required.as_array().into_iter().flatten().filter_map(Value::as_str) {
                let mut body = base.clone();
                body.remove(field);
                let answer = ask(&at, &Value::Object(body)).await;
                asked += 1;
                if !names(&answer, "body", field) {
                    writeln!(wrong, "{method} {path} without {field}: {} {}", answer.status, answer.text())
                        .unwrap();
                }
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] != "query" {
                    continue;
                }
                let name = parameter["name"].as_str().unwrap();
                let others = match (name, path.ends_with("/stats")) {
                    ("since", true) => "&until=2020-01-02T00:00:00Z",
                    _ => "",
                };
                for word in bad_words(resolved(&document, &parameter["schema"]), name) {
                    let answer =
                        ask(&format!("{at}?{name}={word}{others}"), &Value::Object(base.clone())).await;
                    asked += 1;
                    if !names(&answer, "query", name) {
                        writeln!(wrong, "{method} {path}?{name}={word}: {} {}", answer.status, answer.text())
                            .unwrap();
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{wrong}", wrong.lines().count());
    assert!(asked > 1_500, "the table has only {asked} rows");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_json() {
    let rig = Rig::start().await;
    for path in
        ["/", "/api", "/api/v1", "/api/v1/apps", "/api/v1/app/ann/nothing", "/api/v2/app", "/favicon.ico"]
    {
        let answer = rig.client.post(path, &json!({})).await;
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
        assert!(answer.json()["code"].is_string(), "{path}: {}", answer.text());
    }
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{app_id}", "ann");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if methods.get(method.to_lowercase()).is_some() {
                continue;
            }
            let answer = rig.client.request(method.parse().unwrap(), &path, &[], "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.json()["code"], "method_not_allowed", "{method} {path}");
            assert!(answer.header("allow").is_some(), "{method} {path}");
        }
    }
}
