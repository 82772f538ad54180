//! Endpoints: made, put, patched, with secrets; which URLs are refused, and what is said about it.

use hookwright_testkit::Receiver;
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[tokio::test]
async fn an_endpoint_is_made_with_all_its_settings_under_old_and_new_names() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.client.post("/api/v1/event-type", &json!({"name": "a.b", "description": ""})).await.expect(201);
    let body = json!({
        "url": "http://127.0.0.1:9/hook?x=1", "description": "d", "uid": "e1", "version": 1, "disabled": true,
        "filterTypes": ["a.b"], "channels": ["c:1"], "rateLimit": 3, "secret": SECRET, "metadata": {"k": "v"},
        "headers": {"X-Tenant": "t"},
    });
    let made = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201).json();
    for (field, value) in [
        ("eventTypes", json!(["a.b"])),
        ("filterTypes", json!(["a.b"])),
        ("channels", json!(["c:1"])),
        ("throttleRate", json!(3)),
        ("rateLimit", json!(3)),
        ("disabled", json!(true)),
        ("version", json!(1)),
        ("url", json!("http://127.0.0.1:9/hook?x=1")),
        ("uid", json!("e1")),
        ("metadata", json!({"k": "v"})),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!(!made.to_string().contains(SECRET) && made.get("headers").is_none());
    for name in [text(&made["id"]), "e1".to_owned()] {
        assert_eq!(
            rig.client.get(&format!("/api/v1/app/ann/endpoint/{name}")).await.expect(200).json(),
            made
        );
    }
    let key = rig.client.get("/api/v1/app/ann/endpoint/e1/secret").await.expect(200).json();
    assert_eq!(key, json!({"key": SECRET}));
    let list = rig.client.get("/api/v1/app/ann/endpoint").await.expect(200);
    assert_eq!(column(&list, "uid"), [json!("e1")]);
}

#[tokio::test]
async fn a_filter_may_stand_for_all_event_types_under_a_name_and_has_no_other_wildcard() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url("/"), "eventTypes": ["book.*"]});
    let made = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201).json();
    assert_eq!((&made["eventTypes"], &made["filterTypes"]), (&json!(["book.*"]), &json!(["book.*"])));
    let wanted = rig.send("ann", "book.page.torn", json!({})).await;
    rig.send("ann", "bookshop.opened", json!({})).await;
    let last = rig.send("ann", "book.added", json!({})).await;
    let got: Vec<String> = receiver.wait_for(2).await.iter().map(|got| got.id().to_owned()).collect();
    assert!(got.contains(&wanted) && got.contains(&last), "{got:?}");
    for filter in ["*", "book*", "*.added", "book.*.torn", "book.**"] {
        let body = json!({"url": "http://127.0.0.1:9/", "eventTypes": ["book.*", filter]});
        let refused = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(422);
        assert_eq!(wrong_place(&refused), "body.eventTypes.1", "{filter}");
        assert!(refused.text().contains("as in book.*"), "{}", refused.text());
    }
}

#[tokio::test]
async fn a_put_resets_what_it_omits_but_not_the_secret_nor_the_headers() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let path = "/api/v1/app/ann/endpoint/e1";
    let body = json!({"url": "http://127.0.0.1:9/", "secret": SECRET, "description": "d", "throttleRate": 2,
        "disabled": true, "headers": {"X-A": "1"}});
    let made = rig.client.put(path, &body).await.expect(201).json();
    assert_eq!((&made["uid"], &made["disabled"]), (&json!("e1"), &json!(true)));
    let put = rig.client.put(path, &json!({"url": "http://127.0.0.2:9/"})).await.expect(200).json();
    assert_eq!(put["id"], made["id"]);
    assert_eq!((&put["description"], &put["throttleRate"]), (&json!(""), &Value::Null));
    assert_eq!((&put["disabled"], &put["uid"]), (&json!(false), &json!("e1")));
    assert_eq!(rig.client.get(&format!("{path}/secret")).await.json()["key"], SECRET);
    assert_eq!(rig.client.get(&format!("{path}/headers")).await.json()["headers"], json!({"X-A": "1"}));
    rig.client.delete(path).await.expect(204);
    rig.client.get(path).await.expect(404);
}

#[tokio::test]
async fn patch_tells_null_from_nothing_and_an_empty_filter_is_none() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    rig.client.post("/api/v1/event-type", &json!({"name": "a.b", "description": ""})).await.expect(201);
    let path = "/api/v1/app/ann/endpoint/e1";
    let body =
        json!({"url": "http://127.0.0.1:9/", "eventTypes": ["a.b"], "channels": ["c"], "throttleRate": 2});
    rig.client.put(path, &body).await.expect(201);
    let same = rig.client.patch(path, &json!({"description": "new"})).await.expect(200).json();
    assert_eq!((&same["eventTypes"], &same["channels"]), (&json!(["a.b"]), &json!(["c"])));
    let open = rig.client.patch(path, &json!({"filterTypes": [], "channels": null, "rateLimit": null})).await;
    let open = open.expect(200).json();
    assert_eq!(
        (&open["eventTypes"], &open["channels"], &open["throttleRate"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(rig.client.patch(path, &json!({"disabled": true})).await.expect(200).json()["disabled"], true);
    assert_eq!(
        rig.client.patch(path, &json!({"disabled": false})).await.expect(200).json()["disabled"],
        false
    );
}

#[tokio::test]
async fn rotating_answers_with_the_new_secret() {
    let rig = Rig::start().await;
    let application = rig.application("ann").await;
    let endpoint = rig.endpoint(&application, "http://127.0.0.1:9/").await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}/secret");
    let first = text(&rig.client.get(&path).await.expect(200).json()["key"]);
    let rotate = format!("{path}/rotate");
    let second = text(&rig.client.post(&rotate, &json!({})).await.expect(200).json()["key"]);
    assert_ne!(first, second);
    assert_eq!(text(&rig.client.get(&path).await.json()["key"]), second);
    let chosen = json!({"key": SECRET, "gracePeriodSeconds": 60});
    assert_eq!(rig.client.post(&rotate, &chosen).await.expect(200).json(), json!({"key": SECRET}));
    for (body, place) in [
        (json!({"key": "whsec_c2hvcnQ="}), "body.key"),
        (json!({"gracePeriodSeconds": 604_801}), "body.gracePeriodSeconds"),
    ] {
        assert_eq!(wrong_place(&rig.client.post(&rotate, &body).await.expect(422)), place);
    }
}

#[tokio::test]
async fn a_refused_url_is_explained_to_the_operator_and_not_to_a_tenant() {
    let rig = Rig::start_with("192.0.2.0/24").await;
    let application = rig.application("ann").await;
    let path = format!("/api/v1/app/{application}/endpoint");
    let body = json!({"url": "http://localhost:9000/"});
    let to_operator = rig.client.post(&path, &body).await.expect(422);
    assert_eq!(wrong_place(&to_operator), "body.url");
    assert!(
        to_operator.text().contains("HOOKWRIGHT_ALLOW_TARGET_NETWORKS=127.0.0.0/8"),
        "{}",
        to_operator.text()
    );
    let to_tenant = rig.tenant(&application).await.post(&path, &body).await.expect(422);
    assert_eq!(wrong_place(&to_tenant), "body.url");
    let said = text(&to_tenant.json()["detail"][0]["msg"]);
    assert!(said.starts_with("The endpoint URL points at this machine"), "{said}");
    assert!(!said.contains("HOOKWRIGHT"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_refused_with_the_field() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let url = "http://127.0.0.1:9/";
    for (body, place) in [
        (json!({}), "body.url"),
        (json!({"url": "ftp://127.0.0.1/"}), "body.url"),
        (json!({"url": "not a url"}), "body.url"),
        (json!({"url": "http:///127.0.0.1/"}), "body.url"),
        (json!({"url": "http:127.0.0.1"}), "body.url"),
        (json!({"url": "http://127.0.\t0.1/"}), "body.url"),
        (json!({"url": 5}), "body.url"),
        (json!({"url": url, "uid": "a b"}), "body.uid"),
        (json!({"url": url, "eventTypes": ["not.registered"]}), "body.eventTypes"),
        (json!({"url": url, "eventTypes": ["a b"]}), "body.eventTypes.0"),
        (json!({"url": url, "channels": vec!["c"; 11]}), "body.channels"),
        (json!({"url": url, "secret": "whsec_dG9vIHNob3J0"}), "body.secret"),
        (json!({"url": url, "throttleRate": 0}), "body.throttleRate"),
        (json!({"url": url, "throttleRate": 70_000}), "body.throttleRate"),
        (json!({"url": url, "disabled": "yes"}), "body.disabled"),
        (json!({"url": url, "metadata": {"a": 1}}), "body.metadata.a"),
        (json!({"url": url, "headers": {"webhook-id": "1"}}), "body.headers"),
    ] {
        let refused = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(422);
        assert_eq!(wrong_place(&refused), place, "{body}: {}", refused.text());
    }
}

#[tokio::test]
async fn space_around_a_url_is_no_part_of_it() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body = json!({"url": " http://127.0.0.1:9/a \n"});
    let made = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201).json();
    assert_eq!(made["url"], "http://127.0.0.1:9/a");
    let path = format!("/api/v1/app/ann/endpoint/{}", text(&made["id"]));
    let patched =
        rig.client.patch(&path, &json!({"url": "\thttp://127.0.0.1:9/b "})).await.expect(200).json();
    assert_eq!(patched["url"], "http://127.0.0.1:9/b");
}
