//! Sending many messages once more, and the background tasks that do it.

use std::time::{Duration, SystemTime};

use hookwright_testkit::http::{Answer, Client};
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::rig::{Rig, column, text, wrong_place};

const DAY: u64 = 24 * 3_600;

/// RFC 3339 of a point in time so many seconds ago.
fn ago(seconds: u64) -> String {
    rfc3339(SystemTime::now() - Duration::from_secs(seconds))
}

fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap().to_string()
}

/// Waits until a task is over, and gives it.
async fn over(client: &Client, started: &Answer) -> Value {
    let path = format!("/api/v1/background-task/{}", text(&started.json()["id"]));
    eventually("the end of a task", async || {
        let task = client.get(&path).await.expect(200).json();
        if task["status"] == "running" { Err(task) } else { Ok(task) }
    })
    .await
}

/// An application `ann` with an endpoint `e` whose first message fails for good, and that message.
async fn failed(rig: &Rig, receiver: &Receiver) -> String {
    receiver.script([Reply::status(500).header("webhook-delivery", "abort-message"), Reply::ok()]);
    rig.application("ann").await;
    let body = json!({"url": receiver.url("/"), "uid": "e"});
    rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201);
    let message = rig.send("ann", "a.b", json!({"x": 1})).await;
    wait_attempts(rig, &message, 1).await;
    message
}

async fn wait_attempts(rig: &Rig, message: &str, count: usize) {
    let path = format!("/api/v1/app/ann/attempt/msg/{message}");
    eventually(&format!("{count} attempts"), async || {
        let list = rig.client.get(&path).await.expect(200);
        if column(&list, "id").len() == count { Ok(()) } else { Err(list.text()) }
    })
    .await;
}

#[tokio::test]
async fn recover_is_a_task_that_sends_what_failed() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let message = failed(&rig, &receiver).await;
    let path = "/api/v1/app/ann/endpoint/e/recover";
    let started = rig.client.post(path, &json!({"since": ago(60)})).await.expect(202);
    assert!(text(&started.json()["id"]).starts_with("qtask_"));
    assert_eq!(
        (&started.json()["status"], &started.json()["task"]),
        (&json!("running"), &json!("endpoint.recover"))
    );
    let task = over(&rig.client, &started).await;
    assert_eq!((&task["status"], &task["data"]), (&json!("finished"), &json!({"messagesSent": 1})));
    assert!(task["updatedAt"].is_string() && task["id"] == started.json()["id"]);
    wait_attempts(&rig, &message, 2).await;
    let again = rig.client.post(path, &json!({"since": ago(60), "until": null})).await.expect(202);
    assert_eq!(over(&rig.client, &again).await["data"]["messagesSent"], 0);
}

#[tokio::test]
async fn replays_send_what_is_missing_or_all_that_is_asked_for() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let message = failed(&rig, &receiver).await;
    let body = json!({"url": receiver.url("/later"), "uid": "later"});
    rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201);
    let replay = async |path: &str, body: Value| {
        let path = format!("/api/v1/app/ann/endpoint/{path}");
        let task = over(&rig.client, &rig.client.post(&path, &body).await.expect(202)).await;
        (text(&task["task"]), task["data"]["messagesSent"].as_u64().unwrap())
    };
    let missing = replay("later/replay-missing", json!({"since": ago(60)})).await;
    assert_eq!(missing, ("endpoint.replay".to_owned(), 1));
    wait_attempts(&rig, &message, 2).await;
    for (filter, sent) in [
        (json!({"eventTypes": ["other"]}), 0),
        (json!({"channel": "red"}), 0),
        (json!({"tag": "t"}), 0),
        (json!({"status": 2}), 0),
        (json!({"statusCodeClass": 500}), 0),
        (json!({"until": ago(30)}), 0),
        (json!({"eventTypes": [], "channel": null, "tag": null, "status": 0, "statusCodeClass": 200}), 1),
    ] {
        let mut body = json!({"since": ago(60)});
        body.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let found = replay("later/bulk-replay", body).await;
        assert_eq!(found, ("endpoint.bulk-replay".to_owned(), sent), "{filter}");
    }
    wait_attempts(&rig, &message, 3).await;
}

#[tokio::test]
async fn a_disabled_endpoint_is_refused_and_says_what_to_do() {
    let rig = Rig::start().await;
    rig.application("ann").await;
    let body = json!({"url": "http://127.0.0.1:9/", "uid": "e", "disabled": true});
    rig.client.post("/api/v1/app/ann/endpoint", &body).await.expect(201);
    for operation in ["recover", "replay-missing", "bulk-replay"] {
        let path = format!("/api/v1/app/ann/endpoint/e/{operation}");
        let refused = rig.client.post(&path, &json!({"since": ago(60)})).await.expect(409).json();
        assert_eq!(refused["code"], "endpoint_disabled");
        assert!(text(&refused["detail"]).contains("Enable it first"));
    }
}

#[tokio::test]
async fn ranges_and_filters_that_cannot_be_used_are_refused() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    failed(&rig, &receiver).await;
    let later = rfc3339(SystemTime::now() + Duration::from_secs(3_600));
    for operation in ["recover", "replay-missing", "bulk-replay"] {
        let path = format!("/api/v1/app/ann/endpoint/e/{operation}");
        for (body, place) in [
            (json!({}), "body.since"),
            (json!({"since": null}), "body.since"),
            (json!({"since": 5}), "body.since"),
            (json!({"since": "yesterday"}), "body.since"),
            (json!({"since": ago(14 * DAY + 3_600)}), "body.since"),
            (json!({"since": later}), "body.since"),
            (json!({"since": ago(60), "until": "soon"}), "body.until"),
            (json!({"since": ago(60), "until": ago(120)}), "body.until"),
        ] {
            let refused = rig.client.post(&path, &body).await.expect(422);
            assert_eq!(wrong_place(&refused), place, "{operation} {body}");
        }
        rig.client.post(&path, &json!({"since": ago(14 * DAY)})).await.expect(202);
        let unknown = format!("/api/v1/app/ann/endpoint/nobody/{operation}");
        rig.client.post(&unknown, &json!({"since": ago(60)})).await.expect(404);
    }
    for (field, value) in [
        ("eventTypes", json!(["no no"])),
        ("channel", json!("no no")),
        ("tag", json!("no no")),
        ("status", json!(4)),
        ("statusCodeClass", json!(250)),
    ] {
        let body = json!({"since": ago(60), field: value});
        let refused = rig.client.post("/api/v1/app/ann/endpoint/e/bulk-replay", &body).await.expect(422);
        assert!(wrong_place(&refused).starts_with(&format!("body.{field}")), "{body}");
    }
}

#[tokio::test]
async fn tasks_are_listed_newest_first_by_status_and_kind() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    failed(&rig, &receiver).await;
    let mut started = Vec::new();
    for operation in ["recover", "replay-missing", "bulk-replay", "recover"] {
        let path = format!("/api/v1/app/ann/endpoint/e/{operation}");
        let answer = rig.client.post(&path, &json!({"since": ago(60)})).await.expect(202);
        over(&rig.client, &answer).await;
        started.push(answer.json()["id"].clone());
    }
    let ids = async |query: &str| {
        column(&rig.client.get(&format!("/api/v1/background-task?{query}")).await.expect(200), "id")
    };
    let newest_first: Vec<Value> = started.iter().rev().cloned().collect();
    assert_eq!(ids("").await, newest_first);
    assert_eq!(ids("order=ascending").await, started);
    assert_eq!(ids("task=endpoint.recover&status=finished").await, [started[3].clone(), started[0].clone()]);
    assert_eq!(ids("status=running").await, Vec::<Value>::new());
    assert_eq!(ids("status=failed").await, Vec::<Value>::new());
    assert_eq!(ids("task=message.broadcast").await, Vec::<Value>::new());
    let first = rig.client.get("/api/v1/background-task?limit=3").await.expect(200).json();
    assert_eq!((&first["data"][2]["id"], &first["done"]), (&started[1], &json!(false)));
    assert_eq!(ids(&format!("iterator={}", text(&first["iterator"]))).await, started[..1]);
    for (query, place) in [
        ("status=over", "query.status"),
        ("task=nothing", "query.task"),
        ("limit=0", "query.limit"),
        ("iterator=garbage", "query.iterator"),
    ] {
        let refused = rig.client.get(&format!("/api/v1/background-task?{query}")).await.expect(422);
        assert_eq!(wrong_place(&refused), place);
    }
}

#[tokio::test]
async fn a_tenant_sees_the_tasks_of_its_own_application_alone() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    failed(&rig, &receiver).await;
    let ann = rig.client.get("/api/v1/app/ann").await.expect(200).json()["id"].clone();
    let (ann, bob) = (rig.tenant(&text(&ann)).await, rig.tenant(&rig.application("bob").await).await);
    let path = "/api/v1/app/ann/endpoint/e/recover";
    bob.post(path, &json!({"since": ago(60)})).await.expect(404);
    let started = ann.post(path, &json!({"since": ago(60)})).await.expect(202);
    assert_eq!(over(&ann, &started).await["status"], "finished");
    let one = format!("/api/v1/background-task/{}", text(&started.json()["id"]));
    bob.get(&one).await.expect(404);
    assert_eq!(column(&bob.get("/api/v1/background-task").await.expect(200), "id"), Vec::<Value>::new());
    assert_eq!(column(&ann.get("/api/v1/background-task").await.expect(200), "id").len(), 1);
    for unknown in ["nothing", &format!("qtask_{}", "0".repeat(27))] {
        rig.client.get(&format!("/api/v1/background-task/{unknown}")).await.expect(404);
    }
}
