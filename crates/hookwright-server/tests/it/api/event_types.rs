//! Event types: made, archived, removed, shown with and without their schemas.

use serde_json::{Value, json};

use super::rig::{Rig, column, wrong_place};

const LIST: &str = "/api/v1/event-type";

#[tokio::test]
async fn an_event_type_keeps_its_schemas_byte_for_byte() {
    let rig = Rig::start().await;
    let body =
        r#"{"name":"book.added","description":"A book","schemas":{ "1": {"maximum": 1e400, "z":1, "a":2} }}"#;
    let headers = [("content-type", "application/json")];
    let made =
        rig.client.request(hookwright_testkit::http::Method::POST, LIST, &headers, body).await.expect(201);
    assert!(made.text().contains(r#"{ "1": {"maximum": 1e400, "z":1, "a":2} }"#), "{}", made.text());
    let listed = rig.client.get(LIST).await.expect(200);
    assert_eq!(column(&listed, "schemas"), [Value::Null]);
    let listed = rig.client.get("/api/v1/event-type?with_content=true").await.expect(200);
    assert!(listed.text().contains("1e400"));
    assert_eq!(rig.client.get("/api/v1/event-type/book.added").await.expect(200).body, made.body);
}

#[tokio::test]
async fn deleting_archives_and_expunging_removes() {
    let rig = Rig::start().await;
    for name in ["b.two", "a.one"] {
        rig.client.post(LIST, &json!({"name": name, "description": ""})).await.expect(201);
    }
    rig.client.delete("/api/v1/event-type/a.one").await.expect(204);
    assert_eq!(column(&rig.client.get(LIST).await, "name"), [json!("b.two")]);
    let all = rig.client.get("/api/v1/event-type?include_archived=true").await.expect(200);
    assert_eq!(column(&all, "name"), [json!("a.one"), json!("b.two")]);
    assert_eq!(rig.client.get("/api/v1/event-type/a.one").await.expect(200).json()["archived"], true);
    rig.client.delete("/api/v1/event-type/a.one?expunge=true").await.expect(204);
    rig.client.get("/api/v1/event-type/a.one").await.expect(404);
}

#[tokio::test]
async fn put_and_patch_change_what_they_say() {
    let rig = Rig::start().await;
    let path = "/api/v1/event-type/book.read";
    let full = json!({"description": "d", "deprecated": true, "featureFlags": ["beta", "alpha"], "groupName": "book"});
    let made = rig.client.put(path, &full).await.expect(201).json();
    assert_eq!((&made["featureFlag"], &made["groupName"]), (&json!("beta"), &json!("book")));
    let patched =
        rig.client.patch(path, &json!({"groupName": null, "featureFlag": "one"})).await.expect(200).json();
    assert_eq!((&patched["featureFlags"], &patched["groupName"]), (&json!(["one"]), &Value::Null));
    assert_eq!(patched["deprecated"], true);
    let put = rig.client.put(path, &json!({"description": "e"})).await.expect(200).json();
    assert_eq!((&put["deprecated"], &put["featureFlags"]), (&json!(false), &Value::Null));
    let conflict = rig.client.post(LIST, &json!({"name": "book.read", "description": ""})).await.expect(409);
    assert_eq!(conflict.json()["code"], "conflict");
}

#[tokio::test]
async fn what_cannot_be_an_event_type_is_refused_with_the_field() {
    let rig = Rig::start().await;
    for (body, place) in [
        (json!({"name": "no spaces", "description": ""}), "body.name"),
        (json!({"name": "a.b"}), "body.description"),
        (json!({"name": "a.b", "description": "", "schemas": [1]}), "body.schemas"),
        (json!({"name": "a.b", "description": "", "featureFlags": ["ok", "not ok"]}), "body.featureFlags.1"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(LIST, &body).await.expect(422)), place, "{body}");
    }
}

#[tokio::test]
async fn payloads_are_checked_against_the_newest_schema_if_that_is_asked_for() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let schema = |kind: &str| json!({"type": "object", "properties": {"pages": {"type": kind}}});
    let book = json!({
        "name": "book.added", "description": "", "validatePayload": true,
        "schemas": {"9": schema("string"), "10": schema("integer")},
    });
    let made = rig.client.post(LIST, &book).await.expect(201).json();
    assert_eq!(made["validatePayload"], true);
    let message = |pages: Value| json!({"eventType": "book.added", "payload": {"pages": pages}});
    let send = "/api/v1/app/ann/msg";
    rig.client.post(send, &message(json!(7))).await.expect(202);
    let refused = rig.client.post(send, &message(json!("hunter2"))).await.expect(422);
    let detail = &refused.json()["detail"][0];
    assert_eq!(detail["loc"], json!(["body", "payload", "pages"]), "{detail}");
    assert_eq!(detail["type"], "schema_violation");
    assert!(!refused.text().contains("hunter2"), "{}", refused.text());
    assert_eq!(rig.client.get(send).await.expect(200).json()["data"].as_array().unwrap().len(), 1);
    // Other types are not looked into.
    rig.client.post(send, &json!({"eventType": "book.lent", "payload": {"pages": "x"}})).await.expect(202);

    let at = "/api/v1/event-type/book.added";
    rig.client.patch(at, &json!({"description": "A book"})).await.expect(200);
    rig.client.post(send, &message(json!("x"))).await.expect(422);
    rig.client.patch(at, &json!({"schemas": {"11": schema("string")}})).await.expect(200);
    rig.client.post(send, &message(json!("x"))).await.expect(202);
    rig.client.patch(at, &json!({"validatePayload": false})).await.expect(200);
    rig.client.post(send, &message(json!(7))).await.expect(202);
    rig.client.put(at, &json!({"description": ""})).await.expect(200);
    assert_eq!(rig.client.get(at).await.expect(200).json()["validatePayload"], false);
}

#[tokio::test]
async fn schemas_that_payloads_cannot_be_checked_against_are_refused() {
    let rig = Rig::start().await;
    for (schemas, place, part) in [
        (json!(null), "validatePayload", "only against a schema"),
        (json!({}), "validatePayload", "only against a schema"),
        (json!({"1": {"type": "strings"}}), "schemas", "the schema of version 1 cannot be used"),
        (
            json!({"1": {"$ref": "http://127.0.0.1:1/x.json"}}),
            "schemas",
            "the schema of version 1 cannot be used",
        ),
        (json!({"2": {"pattern": "(?=x)"}}), "schemas", "the schema of version 2 cannot be used"),
    ] {
        let body = json!({"name": "a.b", "description": "", "schemas": schemas, "validatePayload": true});
        let refused = rig.client.post(LIST, &body).await.expect(422).json();
        let detail = &refused["detail"][0];
        assert_eq!(detail["loc"], json!(["body", place]), "{refused}");
        assert!(detail["msg"].as_str().unwrap().contains(part), "{refused}");
    }
    rig.client
        .post(LIST, &json!({"name": "a.b", "description": "", "schemas": {"1": {"type": "strings"}}}))
        .await
        .expect(201);
    rig.client.patch("/api/v1/event-type/a.b", &json!({"validatePayload": true})).await.expect(422);
}
