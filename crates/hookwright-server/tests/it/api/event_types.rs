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
