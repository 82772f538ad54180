//! What came to a source is sent once more: one request of its log, or many of them to one endpoint.

use std::time::Duration;

use hookwright_testkit::http::Method;
use hookwright_testkit::{Receiver, Reply, eventually};
use serde_json::{Value, json};

use super::{PATH, Provider, forward, github, log};
use crate::api::rig::{Rig, column, text};

fn any() -> Value {
    json!({"name": "Any", "type": "generic-webhook", "eventType": {"pointer": "/type"}})
}

#[tokio::test]
async fn a_request_of_the_log_is_sent_once_more_to_all_that_want_it_or_to_one() {
    let (rig, first, second) = (Rig::start().await, Receiver::start().await, Receiver::start().await);
    let provider = Provider::of(&rig, any()).await;
    let to_first = forward(&rig, &provider.id, &first, &["paid"]).await;
    provider.post(&[], r#"{"type":"paid"}"#).await.expect(200);
    first.wait_for(1).await;
    let to_second = forward(&rig, &provider.id, &second, &[]).await;
    let row = log(&rig, &provider.id).await.remove(0);
    let path = format!("{PATH}/{}/log/{}", provider.id, text(&row["id"]));
    assert_eq!(rig.client.get(&path).await.expect(200).json(), row);
    let resend = format!("{path}/resend");
    let resent = rig.client.request(Method::POST, &resend, &[], "").await.expect(202).json();
    assert_eq!(resent, json!({"endpointIds": [to_first, to_second], "askingAgain": false}));
    let received = first.wait_for(2).await;
    assert_eq!(received[0].id(), received[1].id(), "it is the same message");
    second.wait_for(1).await;
    let resent = rig.client.post(&resend, &json!({"endpointId": to_second})).await.expect(202).json();
    assert_eq!(resent["endpointIds"], json!([to_second]));
    second.wait_for(2).await;
    assert_eq!(first.count(), 2);
    // Attempts are on disk a moment after they were made.
    let attempts = eventually("four attempts", async || {
        let list = rig.client.get(&format!("{path}/attempt")).await.expect(200);
        if column(&list, "id").len() == 4 { Ok(list) } else { Err(list.text()) }
    })
    .await;
    let mut at: Vec<String> = column(&attempts, "endpointId").iter().map(text).collect();
    at.sort();
    let mut expected = vec![to_first.clone(), to_first.clone(), to_second.clone(), to_second.clone()];
    expected.sort();
    assert_eq!(at, expected);
    assert_eq!(column(&attempts, "msgId")[0], row["msg_id"]);

    rig.client.post(&resend, &json!({"endpointId": "nobody"})).await.expect(404);
    rig.client.post(&resend, &json!({"endpointId": "no body"})).await.expect(422);
    let one = format!("{PATH}/{}/endpoint/{to_second}", provider.id);
    rig.client.put(&one, &json!({"url": second.url("/"), "disabled": true})).await.expect(200);
    rig.client.post(&resend, &json!({"endpointId": to_second})).await.expect(409);
    let other = Provider::of(&rig, any()).await;
    let elsewhere = format!("{PATH}/{}/log/{}", other.id, text(&row["id"]));
    rig.client.get(&elsewhere).await.expect(404);
    rig.client.request(Method::POST, &format!("{elsewhere}/resend"), &[], "").await.expect(404);
}

#[tokio::test]
async fn what_nothing_was_made_of_is_not_sent() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    provider.send("1", "{}").await.expect(200);
    provider.send("1", "{}").await.expect(200);
    provider.post(&[], "{}").await.expect(401);
    for row in &log(&rig, &provider.id).await[..2] {
        let path = format!("{PATH}/{}/log/{}", provider.id, text(&row["id"]));
        let refused = rig.client.request(Method::POST, &format!("{path}/resend"), &[], "").await.expect(409);
        assert_eq!(refused.json()["code"], "not_forwarded", "{row}");
        rig.client.get(&format!("{path}/attempt")).await.expect(409);
    }
}

#[tokio::test]
async fn resending_what_is_not_confirmed_asks_its_sender_again() {
    let (sender, receiver) = (Receiver::start().await, Receiver::start().await);
    let rig = Rig::start_configured(|config| config.retry.schedule = Vec::new()).await;
    let mut source = any();
    source["confirm"] = json!({"url": sender.url("/{body:/id}")});
    let provider = Provider::of(&rig, source).await;
    let endpoint = forward(&rig, &provider.id, &receiver, &[]).await;
    sender.script([Reply::status(500), Reply::status(404), Reply::ok()]);
    provider.post(&[], r#"{"type":"paid","id":7}"#).await.expect(200);
    for (verdict, why) in [("unconfirmed", "the sender answered 500"), ("refused", "the sender answered 404")]
    {
        let row = eventually(verdict, async || {
            let row = log(&rig, &provider.id).await.remove(0);
            if text(&row["error_text"]).starts_with(why) { Ok(row) } else { Err(row) }
        })
        .await;
        assert_eq!((&row["verdict"], receiver.count()), (&json!(verdict), 0));
        let resend = format!("{PATH}/{}/log/{}/resend", provider.id, text(&row["id"]));
        // Whichever endpoint is named: nobody gets it before.
        let resent = rig.client.post(&resend, &json!({"endpointId": endpoint})).await.expect(202).json();
        assert_eq!(resent, json!({"endpointIds": [], "askingAgain": true}));
    }
    receiver.wait_for(1).await;
    eventually("confirmed", async || {
        let row = log(&rig, &provider.id).await.remove(0);
        if row["verdict"] == "confirmed" { Ok(()) } else { Err(row) }
    })
    .await;
}

#[tokio::test]
async fn many_are_sent_to_one_endpoint_in_the_background() {
    let (rig, receiver) = (
        Rig::start_configured(|config| config.retry.schedule = vec![Duration::from_secs(3_600)]).await,
        Receiver::start().await,
    );
    let provider = Provider::of(&rig, any()).await;
    for number in 0..3 {
        provider.post(&[], &json!({"type": "paid", "n": number}).to_string()).await.expect(200);
    }
    provider.post(&[], r#"{"type":"other"}"#).await.expect(200);
    let endpoint = forward(&rig, &provider.id, &receiver, &["paid"]).await;
    let since = json!({"since": text(&log(&rig, &provider.id).await[3]["created_at"])});
    let path = format!("{PATH}/{}/endpoint/{endpoint}", provider.id);
    let done = async |operation: &str, body: &Value, count: usize| {
        let begun = rig.client.post(&format!("{path}/{operation}"), body).await.expect(202).json();
        let task = format!("/api/v1/background-task/{}", text(&begun["id"]));
        eventually("the task to be over", async || {
            let task = rig.client.get(&task).await.expect(200).json();
            if task["status"] == "finished" { Ok(task) } else { Err(task) }
        })
        .await;
        receiver.wait_for(count).await;
    };
    done("replay-missing", &since, 3).await;
    // Nothing failed and nothing is missing: what comes next shows that nothing was sent.
    done("recover", &since, 3).await;
    done("bulk-replay", &json!({"since": since["since"], "eventTypes": ["paid"]}), 6).await;
    assert!(receiver.received().iter().all(|it| it.json()["type"] == "paid"));
    rig.client.post(&format!("{path}/recover"), &json!({"since": "yesterday"})).await.expect(422);
    rig.client.put(&path, &json!({"url": receiver.url("/"), "disabled": true})).await.expect(200);
    rig.client.post(&format!("{path}/recover"), &since).await.expect(409);
}
