//! Event types from the webhooks of an OpenAPI document.

use serde_json::{Value, json};

use super::rig::{Rig, column};

const IMPORT: &str = "/api/v1/event-type/import/openapi";
const LIST: &str = "/api/v1/event-type";

const PETS: &str = r##"
openapi: 3.1.0
info: {title: Pets, version: "1"}
webhooks:
  pet.new:
    post:
      description: A pet came
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Pet"}
  pet.gone:
    post: {summary: A pet went, deprecated: true}
components:
  schemas:
    Pet:
      required: [id]
      properties: {id: {type: integer}, friend: {$ref: "#/components/schemas/Pet"}}
"##;

fn modified(answer: &Value) -> Vec<&str> {
    let names = answer["data"]["modified"].as_array().unwrap().iter();
    let mut names: Vec<_> = names.map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_document_makes_and_changes_event_types_once() {
    let rig = Rig::start().await;
    let import = async |body: Value| rig.client.post(IMPORT, &body).await.expect(200).json();
    let tried = import(json!({"specRaw": PETS, "dryRun": true})).await;
    assert_eq!(modified(&tried), ["pet.gone", "pet.new"]);
    assert_eq!(tried["data"]["to_modify"].as_array().unwrap().len(), 2);
    assert_eq!(column(&rig.client.get(LIST).await, "name"), [] as [Value; 0], "a dry run changes nothing");

    let done = import(json!({"specRaw": PETS})).await;
    assert_eq!(modified(&done), ["pet.gone", "pet.new"]);
    assert!(done["data"].get("to_modify").is_none(), "{done}");
    let pet = rig.client.get("/api/v1/event-type/pet.new").await.expect(200).json();
    assert_eq!(pet["description"], "A pet came");
    assert_eq!(pet["schemas"]["1"]["$defs"]["Pet"]["required"], json!(["id"]));
    assert_eq!(rig.client.get("/api/v1/event-type/pet.gone").await.expect(200).json()["deprecated"], true);
    assert_eq!(
        modified(&import(json!({"specRaw": PETS})).await),
        [] as [&str; 0],
        "nothing is left to change"
    );

    // What was imported can be checked against, references and all.
    rig.client.patch("/api/v1/event-type/pet.new", &json!({"validatePayload": true})).await.expect(200);
    rig.application("ann").await;
    let send = async |payload: Value| {
        let message = json!({"eventType": "pet.new", "payload": payload});
        rig.client.post("/api/v1/app/ann/msg", &message).await.status
    };
    assert_eq!(send(json!({"id": 1, "friend": {"id": 2}})).await, 202);
    assert_eq!(send(json!({"id": 1, "friend": {"id": "2"}})).await, 422);
}

#[tokio::test]
async fn what_is_not_in_the_document_is_archived_only_if_asked_for() {
    let rig = Rig::start().await;
    rig.client.post(LIST, &json!({"name": "old.one", "description": ""})).await.expect(201);
    let spec = json!({"webhooks": {"new.one": {"post": {}}}});
    rig.client.post(IMPORT, &json!({"spec": spec})).await.expect(200);
    assert_eq!(column(&rig.client.get(LIST).await, "name"), [json!("new.one"), json!("old.one")]);
    let done = rig.client.post(IMPORT, &json!({"spec": spec, "replaceAll": true})).await.expect(200).json();
    assert_eq!(modified(&done), ["old.one"]);
    assert_eq!(column(&rig.client.get(LIST).await, "name"), [json!("new.one")]);
    // An archived one comes back with the document that has it.
    let both = json!({"webhooks": {"new.one": {"post": {}}, "old.one": {"post": {}}}});
    let done = rig.client.post(IMPORT, &json!({"spec": both})).await.expect(200).json();
    assert_eq!(modified(&done), ["old.one"]);
}

#[tokio::test]
async fn a_document_that_cannot_be_used_changes_nothing() {
    let rig = Rig::start().await;
    for body in [json!({}), json!({"spec": {}, "specRaw": "{}"})] {
        let refused = rig.client.post(IMPORT, &body).await.expect(400).json();
        assert_eq!(refused["code"], "invalid_spec");
    }
    let at = |reference: &str| {
        let schema = json!({"schema": {"$ref": reference}});
        json!({"good.one": {"post": {}}, "a.b": {"post": {"requestBody": {"content": {"application/json": schema}}}}})
    };
    for (spec, loc, part) in [
        (json!({"openapi": "3.1.0"}), json!(["body", "spec"]), "has no webhooks"),
        (
            json!({"webhooks": {"a b": {"post": {}}}}),
            json!(["body", "spec", "webhooks", "a b"]),
            "The webhook's name",
        ),
        (
            json!({"x-webhooks": {"a.b": {}}}),
            json!(["body", "spec", "x-webhooks", "a.b"]),
            "has no operation",
        ),
        (
            json!({"webhooks": at("#/components/schemas/None")}),
            json!(["body", "spec", "webhooks", "a.b"]),
            "There is no schema",
        ),
        (
            json!({"webhooks": at("file:///etc/passwd")}),
            json!(["body", "spec", "webhooks", "a.b"]),
            "The schema refers to",
        ),
    ] {
        let refused = rig.client.post(IMPORT, &json!({"spec": spec})).await.expect(422).json();
        assert_eq!(refused["detail"][0]["loc"], loc, "{refused}");
        assert!(refused["detail"][0]["msg"].as_str().unwrap().contains(part), "{refused}");
    }
    let bomb = format!(
        "a: &a [x,x]\n{}",
        (0..9)
            .map(|n| format!("b{n}: &b{n} [*a,*a,*a,*a,*a,*a]\n")
                .replace("*a", &if n == 0 { "*a".to_owned() } else { format!("*b{}", n - 1) }))
            .collect::<String>()
    );
    for raw in ["a: [", "\u{0}", "- - - -", &bomb, &"[".repeat(100_000)] {
        let refused = rig.client.post(IMPORT, &json!({"specRaw": raw})).await.expect(422).json();
        let said = refused["detail"][0]["msg"].as_str().unwrap();
        // One sentence, and no drawing.
        assert!(!said.contains(['\n', '|', '^']) && said.chars().count() < 400, "{said}");
    }
    for (raw, why) in [
        ("openapi: 3.1.0\nwebhooks: [\n  a: b\n", "line 2, column 11"),
        ("webhooks:\n  a.b: {post: {}}\n bad: 1\n", "line 3, column 2"),
        ("webhooks: {}\nwebhooks: {}\n", "line 2, column 1"),
        ("{\"webhooks\": {\"a.b\": }", "line 1, column"),
        ("a: *nobody\n", "line 1, column 4"),
        ("--- 1\n--- 2\n", "line 2"),
        (&format!("{0}: 1\n{0}: 2\n", "long".repeat(250)), "… at line 2, column 1"),
    ] {
        let refused = rig.client.post(IMPORT, &json!({"specRaw": raw})).await.expect(422).json();
        assert_eq!(refused["detail"][0]["loc"], json!(["body", "specRaw"]));
        let said = refused["detail"][0]["msg"].as_str().unwrap();
        assert!(said.starts_with("specRaw is neither YAML nor JSON that can be read: "), "{said}");
        assert!(said.contains(why) && said.ends_with('.') && !said.contains("Options"), "{raw}: {said}");
        assert!(!said.contains(['\n', '|', '^']) && said.chars().count() < 400, "{said}");
    }
    assert_eq!(column(&rig.client.get(LIST).await, "name"), [] as [Value; 0]);
}
