//! What stands in a path where a name should: every parameter of every operation that the OpenAPI file describes.

use std::fmt::Write;

use hookwright_testkit::http::Client;
use serde_json::{Map, Value, json};

use super::bad_input::{DOCUMENT, Named, least, resolved};
use super::rig::Rig;

#[tokio::test]
async fn what_cannot_be_a_name_in_a_path_is_not_found_or_told() {
    let rig = Rig::start().await;
    let named = Named::in_a(&rig).await;
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let long = "x".repeat(5_000);
    let (mut asked, mut wrong) = (0, String::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for name in parameters.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap())
            {
                for bad in ["%ff", "a%C3%28b", "%ed%a0%80", "%00", "a%00", "%20", "a%2fb", "%0a", &long] {
                    // The others are good names.
                    let at = named.path(&path.replace(&format!("{{{name}}}"), bad));
                    let schema = operation.pointer("/requestBody/content/application~1json/schema");
                    let body = schema.map(|schema| least(&document, resolved(&document, schema)));
                    let body = Value::Object(body.unwrap_or_default()).to_string();
                    let answer =
                        rig.client.request(method.to_uppercase().parse().unwrap(), &at, &[], body).await;
                    asked += 1;
                    let is_told = match answer.status {
                        404 => answer.json()["code"] == "not_found",
                        422 => answer.json()["detail"][0]["loc"][0] == "path" && method == "put",
                        _ => false,
                    };
                    if !is_told {
                        let at: String = at.chars().take(150).collect();
                        writeln!(wrong, "{method} {at}: {} {}", answer.status, answer.text()).unwrap();
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{wrong}", wrong.lines().count());
    assert!(asked > 700, "the table has only {asked} rows");
}

#[tokio::test]
async fn a_name_that_is_no_text_is_told_by_its_place() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    for (path, thing) in [
        ("/api/v1/app/%ff", "application"),
        ("/api/v1/app/%ff/endpoint/%ff", "application"),
        ("/api/v1/app/ann/endpoint/%ff", "endpoint"),
        ("/api/v1/app/ann/endpoint/%ff/secret", "endpoint"),
        ("/api/v1/app/ann/endpoint/%ff/secret/", "endpoint"),
        ("/api/v1/app/ann/msg/%ff", "message"),
        ("/api/v1/event-type/%ff", "event type"),
        ("/ingest/api/v1/source/%ff", "source"),
    ] {
        let missing = rig.client.get(path).await.expect(404).json();
        let expected = json!({"code": "not_found", "detail": format!("There is no such {thing}.")});
        assert_eq!(missing, expected, "{path}");
    }
    let body =
        json!({"name": "a", "url": "http://127.0.0.1:9/", "description": "", "type": "generic-webhook"});
    for (path, keys, field) in [
        ("/api/v1/app/%ff", &["name"][..], "uid"),
        ("/api/v1/app/ann/endpoint/%ff", &["url"], "uid"),
        ("/api/v1/event-type/%ff", &["description"], "event_type_name"),
        ("/ingest/api/v1/source/%ff", &["name", "type"], "uid"),
    ] {
        let body: Map<String, Value> =
            keys.iter().map(|key| ((*key).to_owned(), body[key].clone())).collect();
        let refused = rig.client.put(path, &Value::Object(body)).await.expect(422).json();
        assert_eq!(refused["detail"][0]["loc"], json!(["path", field]), "{path}");
        let said = refused["detail"][0]["msg"].as_str().unwrap();
        assert!(
            said.starts_with(&format!("{field} is not UTF-8 once its escapes are read. Such a")),
            "{said}"
        );
    }
    // Without a token nothing is learnt of it.
    Client::anonymous(&rig.base).get("/api/v1/app/%ff").await.expect(401);
}
