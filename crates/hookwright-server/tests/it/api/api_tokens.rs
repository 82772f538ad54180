//! `/api/v1/management/authentication/{env_id}/api-token`: tokens are made, listed, changed and ended.

use hookwright::domain::ids::OrganisationId;
use hookwright_testkit::http::Client;
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

fn list(rig: &Rig) -> String {
    format!("/api/v1/management/authentication/{}/api-token", rig.hooks.default_organisation())
}

/// Makes a token; gives its id and a client with it.
async fn make(rig: &Rig, body: Value) -> (String, Client) {
    let made = rig.client.post(&list(rig), &body).await.expect(200).json();
    (text(&made["id"]), Client::new(&rig.base, text(&made["token"])))
}

#[tokio::test]
async fn a_token_is_shown_once_listed_by_pages_and_ended() {
    let rig = Rig::start().await;
    let made = rig.client.post(&list(&rig), &json!({"name": "shop"})).await.expect(200).json();
    assert_eq!(
        (&made["name"], &made["scopes"], &made["expiresAt"]),
        (&json!("shop"), &json!(null), &json!(null))
    );
    let (id, token) = (text(&made["id"]), text(&made["token"]));
    let client = Client::new(&rig.base, token.as_str());
    client.get("/api/v1/app").await.expect(200);
    let (second, _) = make(&rig, json!({"name": "second"})).await;
    let (third, _) = make(&rig, json!({"name": "third"})).await;

    let first = client.get(&format!("{}?limit=2", list(&rig))).await.expect(200);
    assert!(!first.text().contains(&token[3..]), "{}", first.text());
    assert_eq!(column(&first, "id"), [json!(id), json!(second)]);
    let shown = rig.client.get(&format!("{}/{id}", list(&rig))).await.expect(200).json();
    assert_eq!(shown, first.json()["data"][0]);
    assert_eq!(shown["censoredToken"], "hw_***");
    let iterator = text(&first.json()["iterator"]);
    let rest = rig.client.get(&format!("{}?limit=2&iterator={iterator}", list(&rig))).await.expect(200);
    assert_eq!((column(&rest, "id"), &rest.json()["done"]), (vec![json!(third)], &json!(true)));
    let newest = rig.client.get(&format!("{}?order=descending", list(&rig))).await.expect(200);
    assert_eq!(column(&newest, "id"), [json!(third), json!(second), json!(id)]);

    let expire = format!("{}/{id}/expire", list(&rig));
    rig.client.post(&expire, &json!({"expiry": 3_600})).await.expect(204);
    client.get("/api/v1/app").await.expect(200);
    rig.client.post(&expire, &json!({})).await.expect(204);
    client.get("/api/v1/app").await.expect(401);
    let ended = rig.client.get(&format!("{}/{id}", list(&rig))).await.expect(200).json();
    assert!(ended["expiresAt"].is_string(), "{ended}");
}

#[tokio::test]
async fn a_token_is_renamed_and_its_scopes_are_changed() {
    let rig = Rig::start().await;
    let (id, client) = make(&rig, json!({"name": "reader", "scopes": ["ViewBase"]})).await;
    let path = format!("{}/{id}", list(&rig));
    client.get("/api/v1/app").await.expect(200);
    client.post("/api/v1/app", &json!({"name": "x"})).await.expect(403);
    let renamed = rig.client.put(&path, &json!({"name": "new"})).await.expect(200).json();
    assert_eq!((&renamed["name"], &renamed["scopes"]), (&json!("new"), &json!(["ViewBase"])));
    let widened = rig.client.patch(&path, &json!({"scopes": null})).await.expect(200).json();
    assert_eq!((&widened["name"], &widened["scopes"]), (&json!("new"), &json!(null)));
    client.post("/api/v1/app", &json!({"name": "x"})).await.expect(201);
    rig.client.patch(&path, &json!({"scopes": ["ViewBase", "CreateAttempts"]})).await.expect(200);
    client.post("/api/v1/app", &json!({"name": "x"})).await.expect(403);
}

#[tokio::test]
async fn tokens_of_an_application_are_listed_apart_and_ended_one_by_one() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.application("bob").await;
    let access = json!({"capabilities": ["ViewBase", "CreateAttempts"]});
    let made = rig.client.post("/api/v1/auth/app-portal-access/ann", &access).await.expect(200).json();
    let tenant = Client::new(&rig.base, text(&made["token"]));
    assert_eq!(column(&rig.client.get(&list(&rig)).await.expect(200), "id"), [] as [Value; 0]);
    assert_eq!(
        column(&rig.client.get(&format!("{}?app_id=bob", list(&rig))).await.expect(200), "id").len(),
        0
    );
    let of_ann = rig.client.get(&format!("{}?app_id=ann", list(&rig))).await.expect(200);
    assert_eq!(column(&of_ann, "scopes"), [access["capabilities"].clone()]);
    rig.client.get(&format!("{}?app_id=nobody", list(&rig))).await.expect(404);
    let path = format!("{}/{}", list(&rig), text(&column(&of_ann, "id")[0]));
    // It can be given everything that an application's token can do, and no more.
    rig.client.patch(&path, &json!({"scopes": null})).await.expect(200);
    tenant.post("/api/v1/app/ann/endpoint", &json!({"url": "http://127.0.0.1:9/"})).await.expect(201);
    tenant.get("/api/v1/app").await.expect(403);
    rig.client.post(&format!("{path}/expire"), &json!({})).await.expect(204);
    tenant.get("/api/v1/app/ann").await.expect(401);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_is_somebody_elses_is_not_there() {
    let rig = Rig::start().await;
    let (id, _) = make(&rig, json!({"name": "x"})).await;
    let one = format!("{}/{id}", list(&rig));
    for (body, place) in [
        (json!({}), "body.name"),
        (json!({"name": ""}), "body.name"),
        (json!({"name": "x", "scopes": []}), "body.scopes"),
        (json!({"name": "x", "scopes": ["CreateAttempts"]}), "body.scopes"),
        (json!({"name": "x", "scopes": ["ViewBase", "ManageOrganisation"]}), "body.scopes"),
        (json!({"name": "x", "readOnly": true}), "body.readOnly"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(&list(&rig), &body).await.expect(422)), place, "{body}");
    }
    let late = rig.client.post(&format!("{one}/expire"), &json!({"expiry": 259_201})).await.expect(422);
    assert_eq!(wrong_place(&late), "body.expiry");
    for gone in ["tok_aWgEPTl1tmebfsQzFP4bxwgy80V", "nothing"] {
        let path = format!("{}/{gone}", list(&rig));
        rig.client.get(&path).await.expect(404);
        rig.client.put(&path, &json!({"name": "y"})).await.expect(404);
        rig.client.patch(&path, &json!({"scopes": null})).await.expect(404);
        rig.client.post(&format!("{path}/expire"), &json!({})).await.expect(404);
    }
    let other = OrganisationId::from_bytes([5; 20]);
    for environment in [other.to_string(), "default".to_owned()] {
        let path = format!("/api/v1/management/authentication/{environment}/api-token");
        rig.client.get(&path).await.expect(404);
        rig.client.post(&path, &json!({"name": "x"})).await.expect(404);
        rig.client.get(&format!("{path}/{id}")).await.expect(404);
    }
}
