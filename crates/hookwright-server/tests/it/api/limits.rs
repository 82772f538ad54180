//! How much one caller may store, and have answered at once.

use hookwright_testkit::http::Answer;
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

const URL: &str = "http://127.0.0.1:9/";

#[tokio::test]
async fn what_is_set_has_limits_which_are_told() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let letters = |count: usize| "\u{e9}".repeat(count);
    let pairs = |count: usize| (0..count).map(|n| (n.to_string(), json!("v"))).collect::<Value>();
    let headers = |value: usize| json!({"X-A": "v".repeat(value), "X-B": "v".repeat(value)});
    let endpoint = |field: &str, value: Value| json!({"url": URL, field: value});
    let (app, ep, types) = ("/api/v1/app", "/api/v1/app/ann/endpoint", "/api/v1/event-type");
    for (path, fits, breaks, place, limit) in [
        (app, json!({"name": letters(256)}), json!({"name": letters(257)}), "name", "256"),
        (
            app,
            json!({"name": "a", "metadata": pairs(100)}),
            json!({"name": "a", "metadata": pairs(101)}),
            "metadata",
            "100 pairs",
        ),
        (
            app,
            json!({"name": "a", "metadata": {letters(256): ""}}),
            json!({"name": "a", "metadata": {letters(257): ""}}),
            "metadata",
            "256 characters",
        ),
        (
            ep,
            endpoint("metadata", json!({"a": "v".repeat(16_383)})),
            endpoint("metadata", json!({"a": "v".repeat(16_384)})),
            "metadata",
            "16384 bytes",
        ),
        (
            ep,
            endpoint("description", json!(letters(10_000))),
            endpoint("description", json!(letters(10_001))),
            "description",
            "10000 characters",
        ),
        (
            ep,
            endpoint("headers", headers(8_189)),
            endpoint("headers", headers(8_190)),
            "headers",
            "16384 bytes",
        ),
        (
            types,
            json!({"name": "a", "description": letters(10_000)}),
            json!({"name": "b", "description": letters(10_001)}),
            "description",
            "10000 characters",
        ),
    ] {
        let refused = rig.client.post(path, &breaks).await.expect(422);
        assert_eq!(wrong_place(&refused), format!("body.{place}"));
        let msg = text(&refused.json()["detail"][0]["msg"]);
        assert!(msg.contains(limit), "{msg}");
        rig.client.post(path, &fits).await.expect(201);
    }
    let one = rig.endpoint("ann", URL).await;
    for (path, body) in [
        ("/api/v1/app/ann".to_owned(), json!({"name": letters(257)})),
        ("/api/v1/app/ann".to_owned(), json!({"metadata": pairs(101)})),
        (format!("{ep}/{one}"), json!({"description": letters(10_001)})),
        (format!("{ep}/{one}"), json!({"metadata": pairs(101)})),
        (format!("{ep}/{one}/headers"), json!({"headers": headers(8_190)})),
        ("/api/v1/event-type/a".to_owned(), json!({"description": letters(10_001)})),
    ] {
        rig.client.patch(&path, &body).await.expect(422);
    }
}

#[tokio::test]
async fn an_application_has_room_for_so_many_endpoints() {
    let rig = Rig::start_configured(|config| config.endpoints_max = 2).await;
    rig.application("ann").await;
    rig.application("bob").await;
    let first = rig.endpoint("ann", URL).await;
    rig.endpoint("ann", URL).await;
    for answer in [
        rig.client.post("/api/v1/app/ann/endpoint", &json!({"url": URL})).await,
        rig.client.put("/api/v1/app/ann/endpoint/new", &json!({"url": URL})).await,
    ] {
        let refused = answer.expect(409).json();
        assert_eq!(refused["code"], "too_many_endpoints");
        assert!(text(&refused["detail"]).contains("has 2 endpoints"), "{refused}");
    }
    rig.endpoint("bob", URL).await;
    let path = format!("/api/v1/app/ann/endpoint/{first}");
    rig.client.patch(&path, &json!({"description": "d"})).await.expect(200);
    rig.client.delete(&path).await.expect(204);
    rig.endpoint("ann", URL).await;
}

#[tokio::test]
async fn an_application_has_room_for_so_much_in_its_endpoints() {
    let rig = Rig::start_configured(|config| config.endpoints_bytes_max = 8_000).await;
    rig.application("ann").await;
    let endpoint = rig.endpoint("ann", URL).await;
    let path = format!("/api/v1/app/ann/endpoint/{endpoint}");
    let large = json!({"url": URL, "description": "d".repeat(8_000)});
    let (made, changed) =
        (rig.client.post("/api/v1/app/ann/endpoint", &large).await, rig.client.patch(&path, &large).await);
    for refused in [made, changed] {
        assert_eq!(refused.expect(409).json()["code"], "endpoints_too_large");
    }
    rig.client.patch(&path, &json!({"description": "d".repeat(5_000)})).await.expect(200);
    rig.client.patch(&path, &json!({"description": ""})).await.expect(200);
}

/// Walks a list forward and back, and gives the sizes of its pages, which hold 20 items in all.
async fn pages(rig: &Rig, path: &str) -> Vec<usize> {
    let page = async |iterator: Option<&str>| -> Answer {
        let iterator = iterator.map(|iterator| format!("&iterator={iterator}")).unwrap_or_default();
        let answer = rig.client.get(&format!("{path}{iterator}")).await.expect(200);
        assert!(answer.body.len() < 10 * 1024 * 1024, "{} bytes at once", answer.body.len());
        answer
    };
    let mut read = vec![page(None).await];
    while read[read.len() - 1].json()["done"] == false {
        let iterator = text(&read[read.len() - 1].json()["iterator"]);
        read.push(page(Some(&iterator)).await);
    }
    let ids: Vec<Value> = read.iter().flat_map(|page| column(page, "id")).collect();
    assert_eq!(ids.len(), 20, "{path}");
    let mut back = column(&read[read.len() - 1], "id");
    let mut iterator = text(&read[read.len() - 1].json()["prevIterator"]);
    loop {
        let before = page(Some(&iterator)).await;
        back.splice(0..0, column(&before, "id"));
        let before = before.json();
        if before["done"] == true {
            break;
        }
        iterator = text(&before["prevIterator"]);
    }
    assert_eq!(back, ids, "{path}");
    read.iter().map(|page| column(page, "id").len()).collect()
}

#[tokio::test]
async fn a_page_of_large_items_ends_early_and_goes_on() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body = json!({"url": URL, "disabled": true});
    let endpoint = rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201).json()["id"].clone();
    let half = json!({"x": "x".repeat(1_000_000)});
    for _ in 0..20 {
        rig.send("ann", "a.b", half.clone()).await;
    }
    let path = "/api/v1/app/ann/msg?limit=250";
    assert_eq!(pages(&rig, path).await, [9, 9, 2]);
    assert_eq!(pages(&rig, &format!("{path}&order=ascending")).await, [9, 9, 2]);
    assert_eq!(pages(&rig, &format!("{path}&with_content=false")).await, [20]);
    rig.client
        .patch(&format!("/api/v1/app/ann/endpoint/{}", text(&endpoint)), &json!({"disabled": false}))
        .await;
    let of_endpoint = format!("/api/v1/app/ann/endpoint/{}/msg?limit=250", text(&endpoint));
    for message in column(&rig.client.get(&format!("{path}&with_content=false")).await, "id") {
        let path = format!("/api/v1/app/ann/msg/{}/endpoint/{}/resend", text(&message), text(&endpoint));
        rig.client.post(&path, &json!({})).await.expect(202);
    }
    assert_eq!(pages(&rig, &of_endpoint).await, [9, 9, 2]);
}
