//! The endpoints for operational webhooks, over the API.

use hookwright_testkit::Receiver;
use hookwright_testkit::http::Method;
use serde_json::{Value, json};

use super::{PATH, SECRET, listen};
use crate::api::rig::{Rig, column, text, wrong_place};

#[tokio::test]
async fn an_endpoint_is_made_read_replaced_and_deleted() {
    let rig = Rig::start().await;
    let body = json!({"url": "http://127.0.0.1:9/", "uid": "ops", "description": "The on-call", "throttleRate": 5,
                      "eventTypes": ["endpoint.disabled"], "metadata": {"team": "ops"}});
    let made = rig.client.post(PATH, &body).await.expect(201).json();
    assert!(text(&made["id"]).starts_with("ep_"));
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    assert_eq!(made["disabled"], json!(false));
    for name in ["ops", &text(&made["id"])] {
        assert_eq!(rig.client.get(&format!("{PATH}/{name}")).await.expect(200).json(), made);
    }
    rig.client.post(PATH, &body).await.expect(409);
    let replaced = json!({"url": "http://127.0.0.1:9/new", "eventTypes": ["endpoint.*"]});
    let replaced = rig.client.put(&format!("{PATH}/ops"), &replaced).await.expect(200).json();
    assert_eq!((&replaced["id"], &replaced["uid"]), (&made["id"], &made["uid"]));
    assert_eq!((&replaced["description"], &replaced["throttleRate"]), (&json!(""), &Value::Null));
    assert_eq!(replaced["eventTypes"], json!(["endpoint.*"]));
    let put = rig.client.put(&format!("{PATH}/second"), &json!({"url": "http://127.0.0.1:9/"})).await;
    assert_eq!(put.expect(201).json()["uid"], "second");
    let list = rig.client.get(&format!("{PATH}?limit=1")).await.expect(200);
    assert_eq!(column(&list, "uid"), ["ops"]);
    let next = text(&list.json()["iterator"]);
    let rest = rig.client.get(&format!("{PATH}?limit=1&iterator={next}")).await.expect(200);
    assert_eq!((column(&rest, "uid"), &rest.json()["done"]), (vec![json!("second")], &json!(true)));
    rig.client.delete(&format!("{PATH}/ops")).await.expect(204);
    rig.client.get(&format!("{PATH}/ops")).await.expect(404);
    rig.client.delete(&format!("{PATH}/ops")).await.expect(404);
}

#[tokio::test]
async fn before_there_is_one_the_list_is_empty_and_none_is_found() {
    let rig = Rig::start().await;
    let list = rig.client.get(PATH).await.expect(200).json();
    assert_eq!((&list["data"], &list["done"]), (&json!([]), &json!(true)));
    rig.client.get(&format!("{PATH}/ops")).await.expect(404);
    rig.client.get(&format!("{PATH}/ops/secret")).await.expect(404);
    rig.client.put(&format!("{PATH}/ops/headers"), &json!({"headers": {}})).await.expect(404);
}

#[tokio::test]
async fn secrets_are_read_and_rotated_and_headers_set() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let id = text(&listen(&rig, &receiver, &[]).await["id"]);
    let secret =
        async || rig.client.get(&format!("{PATH}/{id}/secret")).await.expect(200).json()["key"].clone();
    assert_eq!(secret().await, SECRET);
    let rotate = rig.client.post(&format!("{PATH}/{id}/secret/rotate"), &json!({})).await.expect(204);
    assert_eq!(rotate.text(), "");
    assert_ne!(secret().await, SECRET);
    let key = json!({"key": SECRET, "gracePeriodSeconds": 0});
    rig.client.post(&format!("{PATH}/{id}/secret/rotate"), &key).await.expect(204);
    assert_eq!(secret().await, SECRET);
    let headers = json!({"headers": {"x-team": "ops", "authorization": "Basic hidden"}});
    rig.client.put(&format!("{PATH}/{id}/headers"), &headers).await.expect(204);
    let shown = rig.client.get(&format!("{PATH}/{id}/headers")).await.expect(200).json();
    assert_eq!(shown, json!({"headers": {"x-team": "ops"}, "sensitive": ["authorization"]}));
    rig.application("ann").await;
    rig.endpoint("ann", "http://127.0.0.1:9/").await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].header("x-team"), Some("ops"));
    assert_eq!(received[0].header("authorization"), Some("Basic hidden"));
}

#[tokio::test]
async fn what_is_no_operational_event_type_or_no_url_is_refused() {
    let rig = Rig::start().await;
    // One of the organisation's own is none of those.
    rig.client
        .post("/api/v1/event-type", &json!({"name": "book.added", "description": ""}))
        .await
        .expect(201);
    for name in ["book.added", "endpoint.burned", "book.*"] {
        let body = json!({"url": "http://127.0.0.1:9/", "eventTypes": [name]});
        let refused = rig.client.post(PATH, &body).await.expect(422);
        assert_eq!(wrong_place(&refused), "body.eventTypes");
        assert!(refused.text().contains("endpoint.disabled"), "it says which there are: {}", refused.text());
    }
    for url in ["ftp://example.com/", "http://10.0.0.1/", "nonsense"] {
        let refused = rig.client.post(PATH, &json!({"url": url})).await.expect(422);
        assert_eq!(wrong_place(&refused), "body.url", "{url}");
    }
    assert!(column(&rig.client.get(PATH).await.expect(200), "id").is_empty());
}

#[tokio::test]
async fn a_repeated_request_with_a_key_makes_one() {
    let rig = Rig::start().await;
    let (key, body) = ([("idempotency-key", "auto_1")], json!({"url": "http://127.0.0.1:9/"}).to_string());
    let first = rig.client.request(Method::POST, PATH, &key, body.clone()).await.expect(201);
    let again = rig.client.request(Method::POST, PATH, &key, body).await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(column(&rig.client.get(PATH).await.expect(200), "id").len(), 1);
}
