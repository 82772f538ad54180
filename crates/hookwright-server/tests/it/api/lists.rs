//! Lists: walked forward and back, in both orders; limits and iterators that cannot be used.

use hookwright_testkit::http::Answer;
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

/// Walks a list forward to its end, then back to its start, and compares with what is expected.
async fn walk(rig: &Rig, path: &str, field: &str, expected: &[Value]) {
    let page = async |iterator: Option<&str>| -> Answer {
        let iterator = iterator.map(|iterator| format!("&iterator={iterator}")).unwrap_or_default();
        rig.client.get(&format!("{path}{iterator}")).await.expect(200)
    };
    let mut pages = vec![page(None).await];
    loop {
        let last = pages[pages.len() - 1].json();
        if last["done"] == true {
            break;
        }
        pages.push(page(Some(&text(&last["iterator"]))).await);
    }
    let forward: Vec<Value> = pages.iter().flat_map(|page| column(page, field)).collect();
    assert_eq!(forward, expected, "{path}");
    for index in (1..pages.len()).rev() {
        let back = page(Some(&text(&pages[index].json()["prevIterator"]))).await;
        assert_eq!(column(&back, field), column(&pages[index - 1], field), "{path}, back to page {index}");
        assert_eq!(back.json()["done"], index == 1, "{path}, back to page {index}");
    }
    let end = pages[pages.len() - 1].json();
    let nothing_new = page(Some(&text(&end["iterator"]))).await.json();
    assert_eq!((&nothing_new["data"], &nothing_new["done"]), (&json!([]), &json!(true)));
    assert_eq!(nothing_new["iterator"], end["iterator"]);
}

#[tokio::test]
async fn every_list_is_walked_forward_and_back_in_both_orders() {
    let rig = Rig::start().await;
    let names: Vec<Value> = (0..5).map(|n| json!(format!("n{n}"))).collect();
    let reversed: Vec<Value> = names.iter().rev().cloned().collect();
    for name in &names {
        rig.application(&text(name)).await;
        let body = json!({"url": "http://127.0.0.1:9/", "uid": name, "disabled": true});
        rig.client.post("/api/v1/app/n0/endpoint", &body).await.expect(201);
        rig.client.post("/api/v1/event-type", &json!({"name": name, "description": ""})).await.expect(201);
        rig.send("n0", &text(name), json!({})).await;
    }
    for limit in [1, 2, 3, 5, 250] {
        for (path, field) in
            [("/api/v1/app", "uid"), ("/api/v1/app/n0/endpoint", "uid"), ("/api/v1/event-type", "name")]
        {
            walk(&rig, &format!("{path}?limit={limit}"), field, &names).await;
            walk(&rig, &format!("{path}?limit={limit}&order=descending"), field, &reversed).await;
        }
        let messages = "/api/v1/app/n0/msg";
        walk(&rig, &format!("{messages}?limit={limit}"), "eventType", &reversed).await;
        walk(&rig, &format!("{messages}?limit={limit}&order=ascending"), "eventType", &names).await;
        let some = format!("{messages}?limit={limit}&event_types=n1,n3,n4&with_content=false");
        walk(&rig, &some, "eventType", &[json!("n4"), json!("n3"), json!("n1")]).await;
    }
}

#[tokio::test]
async fn an_empty_list_is_done_and_has_no_iterators() {
    let rig = Rig::start().await;
    let empty = rig.client.get("/api/v1/app").await.expect(200).json();
    assert_eq!(empty, json!({"data": [], "iterator": null, "prevIterator": null, "done": true}));
}

#[tokio::test]
async fn limits_orders_and_iterators_that_cannot_be_used_are_refused() {
    let rig = Rig::start().await;
    for application in ["ann", "bob"] {
        rig.application(application).await;
        let message = json!({"eventType": "a.b", "payload": {}});
        rig.client.post(&format!("/api/v1/app/{application}/msg"), &message).await.expect(202);
    }
    // Of the same kind, and of somebody else.
    let bobs = text(&rig.client.get("/api/v1/app/bob/msg").await.json()["iterator"]);
    for (application, status) in [("bob", 200), ("ann", 422)] {
        let list = format!("/api/v1/app/{application}/msg?iterator={bobs}");
        rig.client.get(&list).await.expect(status);
    }
    let foreign = text(&rig.client.get("/api/v1/app").await.json()["iterator"]);
    rig.client.get(&format!("/api/v1/app/?iterator={foreign}")).await.expect(200);
    for path in ["/api/v1/app", "/api/v1/app/ann/endpoint", "/api/v1/event-type", "/api/v1/app/ann/msg"] {
        for (query, place) in [
            ("limit=0".to_owned(), "query.limit"),
            ("limit=251".to_owned(), "query.limit"),
            ("limit=-1".to_owned(), "query.limit"),
            ("limit=many".to_owned(), "query.limit"),
            ("limit=99999999999999999999".to_owned(), "query.limit"),
            ("order=sideways".to_owned(), "query.order"),
            ("iterator=garbage".to_owned(), "query.iterator"),
            ("iterator=%00%ff".to_owned(), "query.iterator"),
        ] {
            let refused = rig.client.get(&format!("{path}?{query}")).await.expect(422);
            assert_eq!(wrong_place(&refused), place, "{path}?{query}");
        }
        let of_another_list = rig.client.get(&format!("{path}?iterator={foreign}")).await;
        assert_eq!(of_another_list.status, if path == "/api/v1/app" { 200 } else { 422 }, "{path}");
    }
}

#[tokio::test]
async fn messages_are_found_by_their_event_id_and_by_text_in_their_payload() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let send = async |event_id: &str, title: &str| {
        let body = json!({"eventType": "a.b", "eventId": event_id, "payload": {"title": title}});
        rig.client.post("/api/v1/app/ann/msg", &body).await.expect(202);
    };
    send("order-1", "Emma").await;
    send("order-2", "Persuasion").await;
    let found = async |query: &str| {
        let list = rig.client.get(&format!("/api/v1/app/ann/msg?{query}")).await.expect(200);
        column(&list, "eventId")
    };
    assert_eq!(found("event_id=order-1").await, [json!("order-1")]);
    assert_eq!(found("event_id=order-3").await, [] as [Value; 0]);
    assert_eq!(found("payload_text=Persua").await, [json!("order-2")]);
    assert_eq!(found("payload_text=%22Emma%22").await, [json!("order-1")]);
    assert_eq!(found("payload_text=Emma&event_id=order-2").await, [] as [Value; 0]);
    assert_eq!(found("payload_text=%25mm%25").await, [] as [Value; 0], "no pattern, but text");
    for (query, name) in [("payload_text=ab", "payload_text"), ("event_id=a%20b", "event_id")] {
        let refused = rig.client.get(&format!("/api/v1/app/ann/msg?{query}")).await.expect(422).json();
        assert_eq!(refused["detail"][0]["loc"], json!(["query", name]), "{refused}");
    }
}
