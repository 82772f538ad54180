//! Applications: made, found by id and uid, put, patched, deleted.

use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

#[tokio::test]
async fn an_application_is_found_by_id_and_by_uid_with_and_without_a_final_slash() {
    let rig = Rig::start().await;
    let body = json!({"name": "Ann", "uid": "ann-1", "rateLimit": 7, "metadata": {"plan": "gold"}});
    let made = rig.client.post("/api/v1/app/", &body).await.expect(201).json();
    assert_eq!(made["throttleRate"], 7);
    assert_eq!(made["rateLimit"], 7);
    assert_eq!(made["metadata"], json!({"plan": "gold"}));
    assert!(text(&made["id"]).starts_with("app_"));
    for name in [text(&made["id"]), "ann-1".to_owned()] {
        for slash in ["", "/"] {
            let found = rig.client.get(&format!("/api/v1/app/{name}{slash}")).await.expect(200).json();
            assert_eq!(found, made);
        }
    }
    assert_eq!(rig.client.get("/api/v1/app/nobody").await.expect(404).json()["code"], "not_found");
    assert_eq!(rig.client.get("/api/v1/app/b%C3%BCro").await.expect(404).json()["code"], "not_found");
}

#[tokio::test]
async fn creating_again_conflicts_unless_the_one_that_is_there_will_do() {
    let rig = Rig::start().await;
    let body = json!({"name": "Ann", "uid": "ann"});
    let made = rig.client.post("/api/v1/app?get_if_exists=true", &body).await.expect(201).json();
    assert_eq!(rig.client.post("/api/v1/app", &body).await.expect(409).json()["code"], "conflict");
    let found = rig.client.post("/api/v1/app?get_if_exists=true", &body).await.expect(200).json();
    assert_eq!(found["id"], made["id"]);
    let refused = rig.client.post("/api/v1/app?get_if_exists=perhaps", &body).await.expect(422);
    assert_eq!(wrong_place(&refused), "query.get_if_exists");
}

#[tokio::test]
async fn put_makes_what_is_not_there_and_resets_what_it_omits() {
    let rig = Rig::start().await;
    let full = json!({"name": "Bob", "throttleRate": 5, "metadata": {"a": "b"}});
    let made = rig.client.put("/api/v1/app/bob", &full).await.expect(201).json();
    assert_eq!(made["uid"], "bob");
    let changed = rig.client.put("/api/v1/app/bob", &json!({"name": "Bobby"})).await.expect(200).json();
    assert_eq!(changed["id"], made["id"]);
    assert_eq!(changed["uid"], "bob");
    assert_eq!(changed["throttleRate"], Value::Null);
    assert_eq!(changed["metadata"], json!({}));
}

#[tokio::test]
async fn patch_tells_null_from_nothing() {
    let rig = Rig::start().await;
    let body = json!({"name": "Cat", "uid": "cat", "throttleRate": 5, "metadata": {"a": "b"}});
    let made = rig.client.post("/api/v1/app", &body).await.expect(201).json();
    let path = format!("/api/v1/app/{}", text(&made["id"]));
    let same = rig.client.patch(&path, &json!({})).await.expect(200).json();
    assert_eq!((&same["uid"], &same["throttleRate"]), (&json!("cat"), &json!(5)));
    let patched =
        rig.client.patch(&path, &json!({"uid": null, "throttleRate": null})).await.expect(200).json();
    assert_eq!((&patched["uid"], &patched["throttleRate"]), (&Value::Null, &Value::Null));
    assert_eq!((&patched["name"], &patched["metadata"]), (&json!("Cat"), &json!({"a": "b"})));
    rig.client.get("/api/v1/app/cat").await.expect(404);
    assert_eq!(
        rig.client.patch("/api/v1/app/cat", &json!({"name": "x"})).await.expect(404).json()["code"],
        "not_found"
    );
}

#[tokio::test]
async fn a_deleted_application_is_gone_and_its_uid_free() {
    let rig = Rig::start().await;
    let id = rig.application("dan").await;
    rig.endpoint(&id, "http://127.0.0.1:9/").await;
    let gone = rig.client.delete("/api/v1/app/dan").await.expect(204);
    assert!(gone.body.is_empty());
    rig.client.get(&format!("/api/v1/app/{id}")).await.expect(404);
    rig.client.get(&format!("/api/v1/app/{id}/endpoint")).await.expect(404);
    rig.client.delete("/api/v1/app/dan").await.expect(404);
    rig.application("dan").await;
}

#[tokio::test]
async fn the_newer_of_two_names_wins() {
    let rig = Rig::start().await;
    let body = json!({"name": "Eve", "throttleRate": 9, "rateLimit": 2});
    assert_eq!(rig.client.post("/api/v1/app", &body).await.expect(201).json()["throttleRate"], 9);
    let list = rig.client.get("/api/v1/app").await.expect(200);
    assert_eq!(column(&list, "rateLimit"), [json!(9)]);
}
