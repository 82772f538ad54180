//! Sources and their endpoints, over the API.

use std::time::Duration;

use hookwright::Clock;
use hookwright::domain::time::Timestamp;
use hookwright_testkit::http::{Client, Method};
use serde_json::{Value, json};

use super::{PATH, Provider, SECRET, github};
use crate::api::rig::{Rig, column, text, wrong_place};

#[tokio::test]
async fn a_source_is_made_read_replaced_patched_and_deleted() {
    let rig = Rig::start().await;
    let mut body = github();
    body["uid"] = json!("code");
    body["metadata"] = json!({"team": "tools"});
    let made = rig.client.post(PATH, &body).await.expect(201).json();
    assert!(text(&made["id"]).starts_with("src_") && text(&made["id"]).len() == 26);
    assert_eq!((&made["type"], &made["kind"]), (&json!("github"), &Value::Null));
    assert!(!made.to_string().contains(SECRET), "secrets never come back: {made}");
    let url = text(&made["ingestUrl"]);
    assert!(url.starts_with(&format!("{}/in/{}/", rig.base, text(&made["id"]))), "{url}");
    assert!(url.rsplit('/').next().unwrap().len() >= 20);
    for name in ["code", &text(&made["id"])] {
        assert_eq!(rig.client.get(&format!("{PATH}/{name}")).await.expect(200).json(), made);
    }
    rig.client.post(PATH, &body).await.expect(409);
    let replaced = json!({"name": "Shop", "type": "shopify", "config": {"secret": "s"}, "throttleRate": 5, "retention": "2d"});
    let replaced = rig.client.put(&format!("{PATH}/code"), &replaced).await.expect(200).json();
    assert_eq!((&replaced["ingestUrl"], &replaced["uid"]), (&made["ingestUrl"], &made["uid"]));
    assert_eq!((&replaced["throttleRate"], &replaced["retention"]), (&json!(5), &json!("2d")));
    assert_eq!(replaced["metadata"], json!({}));
    let put = rig.client.put(&format!("{PATH}/second"), &github()).await.expect(201).json();
    assert_eq!(put["uid"], "second");
    rig.client.put(&format!("{PATH}/src_0000000000000000000000"), &github()).await.expect(404);
    let patch = json!({"name": "Renamed", "uid": null, "methods": ["POST", "PUT"]});
    let patched = rig.client.patch(&format!("{PATH}/second"), &patch).await.expect(200).json();
    assert_eq!((&patched["name"], &patched["uid"]), (&json!("Renamed"), &Value::Null));
    assert_eq!(patched["methods"], json!(["POST", "PUT"]));
    let list = rig.client.get(&format!("{PATH}?limit=1")).await.expect(200);
    assert_eq!(column(&list, "uid"), ["code"]);
    assert_eq!(column(&list, "ingestUrl"), [json!(url)]);
    rig.client.delete(&format!("{PATH}/code")).await.expect(204);
    rig.client.get(&format!("{PATH}/code")).await.expect(404);
    rig.client.delete(&format!("{PATH}/code")).await.expect(404);
    let unknown = Client::anonymous(&rig.base)
        .request(Method::POST, url.strip_prefix(&rig.base).unwrap(), &[], "")
        .await;
    unknown.expect(404);
}

#[tokio::test]
async fn our_own_kinds_are_answered_as_one_that_clients_know() {
    let rig = Rig::start().await;
    let config = json!({"header": "X-Shop-Token", "token": "abcdefghijklmnop"});
    let made = rig.client.post(PATH, &json!({"name": "Shop", "type": "token", "config": config})).await;
    let made = made.expect(201).json();
    assert_eq!((&made["type"], &made["kind"]), (&json!("generic-webhook"), &json!("token")));
    assert_eq!(made["config"], json!({"header": "X-Shop-Token"}));
}

#[tokio::test]
async fn what_a_kind_does_not_take_is_refused_by_its_name() {
    let rig = Rig::start().await;
    for (kind, config, place) in [
        ("github", json!({}), "body.config.secret"),
        ("github", json!({"secret": ""}), "body.config.secret"),
        ("github", json!({"secret": [1]}), "body.config.secret"),
        ("github", json!({"secret": 1}), "body.config.secret"),
        ("github", json!({"secret": "s", "sekret": "s"}), "body.config.sekret"),
        ("token", json!({"header": "X-A", "token": 1_234_567_890}), "body.config.token"),
        (
            "hmac",
            json!({"header": "X-A", "secret": "s", "signed": "{body}{header:x-b}"}),
            "body.config.signed",
        ),
        ("no-such-kind", json!({}), "body.type"),
        ("token", json!({"header": "X-A"}), "body.config.token"),
    ] {
        let refused = rig.client.post(PATH, &json!({"name": "A", "type": kind, "config": config})).await;
        assert_eq!(wrong_place(&refused.expect(422)), place, "{kind} {config}");
    }
    let unknown = hookwright_signature::provider::SourceKind::all()
        .filter(|kind| kind.evidence() == hookwright_signature::provider::Evidence::None);
    for kind in unknown {
        let refused = rig
            .client
            .post(PATH, &json!({"name": "A", "type": kind.as_str(), "config": {"secret": "s"}}))
            .await;
        let refused = refused.expect(422);
        assert!(refused.text().contains("not verifiable yet"), "{kind}: {}", refused.text());
    }
    assert!(column(&rig.client.get(PATH).await.expect(200), "id").is_empty());
}

#[tokio::test]
async fn a_replaced_url_is_good_for_its_grace_period_and_no_longer() {
    let start = Timestamp::from_micros(1_700_000_000_000_000);
    let rig = Rig::start_at(Clock::manual(start)).await;
    let provider = Provider::of(&rig, json!({"name": "Any", "type": "generic-webhook"})).await;
    let rotate = format!("{PATH}/{}/token/rotate", provider.id);
    let rotated = rig.client.request(Method::POST, &rotate, &[], "").await.expect(200).json();
    let second = text(&rotated["ingestUrl"]).strip_prefix(&rig.base).unwrap().to_owned();
    assert_ne!(second, provider.path);
    let send = async |path: &str| provider.client.request(Method::POST, path, &[], "{}").await.status;
    assert_eq!((send(&provider.path).await, send(&second).await), (200, 200));
    rig.hooks.clock().advance(Duration::from_secs(48 * 3_600 - 1));
    assert_eq!((send(&provider.path).await, send(&second).await), (200, 200));
    rig.hooks.clock().advance(Duration::from_secs(1));
    assert_eq!((send(&provider.path).await, send(&second).await), (404, 200));
    let rotated = rig.client.post(&rotate, &json!({"gracePeriodSeconds": 0})).await.expect(200).json();
    let third = text(&rotated["ingestUrl"]).strip_prefix(&rig.base).unwrap().to_owned();
    assert_eq!((send(&second).await, send(&third).await), (404, 200));
    let shown = rig.client.get(&format!("{PATH}/{}", provider.id)).await.expect(200).json();
    assert_eq!(shown["ingestUrl"], rotated["ingestUrl"]);
}

#[tokio::test]
async fn a_new_secret_is_in_force_at_once() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    provider.send("1", "{}").await.expect(200);
    rig.client
        .patch(&format!("{PATH}/{}", provider.id), &json!({"config": {"secret": "other"}}))
        .await
        .expect(200);
    provider.send("2", "{}").await.expect(401);
}

#[tokio::test]
async fn endpoints_have_headers_and_secrets_of_their_own() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    let path = format!("{PATH}/{}/endpoint", provider.id);
    let body = json!({"url": "http://127.0.0.1:9/", "uid": "main", "description": "Ours", "throttleRate": 3,
                      "metadata": {"a": "b"}, "eventTypes": ["push"]});
    let made = rig.client.post(&path, &body).await.expect(201).json();
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    assert_eq!(rig.client.get(&format!("{path}/main")).await.expect(200).json(), made);
    let put = json!({"url": "http://127.0.0.1:9/new"});
    assert_eq!(rig.client.put(&format!("{path}/main"), &put).await.expect(200).json()["id"], made["id"]);
    rig.client.put(&format!("{path}/second"), &put).await.expect(201);
    assert_eq!(column(&rig.client.get(&path).await.expect(200), "uid"), ["main", "second"]);
    let key = async || rig.client.get(&format!("{path}/main/secret")).await.expect(200).json()["key"].clone();
    let before = key().await;
    rig.client.post(&format!("{path}/main/secret/rotate"), &json!({})).await.expect(204);
    assert_ne!(key().await, before);
    let headers = json!({"headers": {"x-team": "ops", "authorization": "Basic hidden"}});
    rig.client.put(&format!("{path}/main/headers"), &headers).await.expect(204);
    let shown = rig.client.get(&format!("{path}/main/headers")).await.expect(200).json();
    assert_eq!(shown, json!({"headers": {"x-team": "ops"}, "sensitive": ["authorization"]}));
    rig.client.delete(&format!("{path}/main")).await.expect(204);
    rig.client.get(&format!("{path}/main")).await.expect(404);
    let refused = rig.client.post(&path, &json!({"url": "http://10.0.0.1/"})).await.expect(422);
    assert_eq!(wrong_place(&refused), "body.url");
    rig.client.get(&format!("{path}/second/transformation")).await.expect(501);
}

#[tokio::test]
async fn nobody_but_the_organisation_sees_its_sources_or_what_is_behind_them() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    let ann = rig.application("ann").await;
    let tenant = rig.tenant(&ann).await;
    for path in [PATH.to_owned(), format!("{PATH}/{}", provider.id), format!("{PATH}/{}/log", provider.id)] {
        tenant.get(&path).await.expect(403);
        Client::anonymous(&rig.base).get(&path).await.expect(401);
    }
    provider.send("1", "{}").await.expect(200);
    assert_eq!(column(&rig.client.get("/api/v1/app").await.expect(200), "uid"), ["ann"]);
    assert_eq!(rig.hooks.message_recent(rig.hooks.default_organisation(), 10).await.unwrap().len(), 0);
}
