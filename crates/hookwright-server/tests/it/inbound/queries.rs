//! Queries: what may be a credential in them is in no log, and everything else that is done with them is done with the whole.

use hookwright_testkit::http::Method;
use hookwright_testkit::{Receiver, eventually};
use serde_json::{Value, json};

use super::{PATH, Provider, forward, github, log, verdicts};
use crate::api::rig::{Rig, text, wrong_place};
use crate::live::{Live, launch};

/// A source that takes requests without a body.
fn getting() -> Value {
    json!({"name": "Any", "type": "generic-webhook", "methods": ["GET", "POST"]})
}

impl Provider {
    async fn get(&self, query: &str, headers: &[(&str, &str)]) -> u16 {
        self.client.request(Method::GET, &format!("{}?{query}", self.path), headers, "").await.status
    }
}

#[tokio::test]
async fn values_of_parameters_that_are_credentials_are_in_no_log_and_all_others_are() {
    let rig = Rig::start().await;
    let query = "id=7&apikey=needle&%61ccess_token=needle%2B&x=%20+&signature=needle;needle&note=keys";
    let kept = "id=7&apikey=[redacted]&%61ccess_token=[redacted]&x=%20+&signature=[redacted]&note=keys";
    for (source, status) in [(getting(), 200), (github(), 401)] {
        let provider = Provider::of(&rig, source).await;
        let path = format!("{}?{query}", provider.path);
        provider.client.request(Method::POST, &path, &[], "{}").await.expect(status);
        let rows = log(&rig, &provider.id).await;
        assert_eq!(rows[0]["query"], kept);
        assert!(!rows[0].to_string().contains("needle"), "{rows:?}");
    }
}

#[tokio::test]
async fn what_is_forwarded_of_a_query_is_whole_but_for_the_sources_own_secrets() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let config = json!({"header": "X-Shop", "token": "hunter-two"});
    let source = json!({"name": "Shop", "type": "token", "config": config, "methods": ["GET"]});
    let provider = Provider::of(&rig, source).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    let token = provider.path.rsplit('/').next().unwrap().to_owned();
    let query = format!("apikey=of-a-customer&id=7&a=hunter%2Dtwo&b=%2Fin%2F{token}&hub.verify_token=typed");
    assert_eq!(provider.get(&query, &[("x-shop", "hunter-two")]).await, 200);
    let row = log(&rig, &provider.id).await.remove(0);
    let kept = "apikey=[redacted]&id=7&a=[redacted]&b=[redacted]&hub.verify_token=[redacted]";
    assert_eq!(row["query"], kept);
    let expected = json!({
        "apikey": "of-a-customer", "id": "7", "a": "[redacted]", "b": "[redacted]",
        "hub.verify_token": "[redacted]",
    });
    assert_eq!(receiver.wait_for(1).await[0].json()["query"], expected);
    // Also when it is sent once more, from the log.
    let again = format!("{PATH}/{}/log/{}/resend", provider.id, text(&row["id"]));
    rig.client.post(&again, &json!({})).await.expect(202);
    assert_eq!(receiver.wait_for(2).await[1].json()["query"], expected);
}

#[tokio::test]
async fn a_token_counts_in_its_header_alone() {
    let rig = Rig::start().await;
    let config = json!({"header": "X-Shop", "token": "hunter-two"});
    let source = json!({"name": "Shop", "type": "token", "config": config, "methods": ["GET", "POST"]});
    let provider = Provider::of(&rig, source).await;
    for query in
        ["x-shop=hunter-two", "X-Shop=hunter-two", "token=hunter-two", "hunter-two", "other=hunter-two"]
    {
        assert_eq!(provider.get(query, &[]).await, 403, "{query}");
        let path = format!("{}?{query}", provider.path);
        let form = [("content-type", "application/x-www-form-urlencoded")];
        provider.client.request(Method::POST, &path, &form, "x-shop=hunter-two").await.expect(403);
    }
    let rows = log(&rig, &provider.id).await;
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| !row["query"].to_string().contains("hunter")), "{rows:?}");
}

#[tokio::test]
async fn a_sender_is_asked_about_a_parameter_whatever_it_is_called_and_no_log_has_it() {
    let (rig, sender) = (Rig::start().await, Receiver::start().await);
    let mut source = getting();
    source["confirm"] =
        json!({"url": sender.url("/payments?about={query:token}"), "expect": {"status": 200}});
    let provider = Provider::of(&rig, source).await;
    let path = format!("{}?token=a%20b&key=other", provider.path);
    provider.client.request(Method::POST, &path, &[], "{}").await.expect(200);
    assert_eq!(sender.wait_for(1).await[0].target, "/payments?about=a%20b");
    eventually("it to be confirmed", async || {
        let row = log(&rig, &provider.id).await.remove(0);
        if row["verdict"] == "confirmed" { Ok(()) } else { Err(row) }
    })
    .await;
    let row = log(&rig, &provider.id).await.remove(0);
    assert_eq!(row["query"], "token=[redacted]&key=[redacted]");
    let one = rig.client.get(&format!("{PATH}/{}/log/{}", provider.id, text(&row["id"]))).await.expect(200);
    assert_eq!(one.json()["query"], "token=[redacted]&key=[redacted]");
}

#[tokio::test]
async fn parts_of_a_query_that_are_not_to_be_kept_are_neither_kept_nor_forwarded() {
    let (rig, receiver) = (Rig::start().await, Receiver::start().await);
    let mut source = getting();
    source["redact"] = json!(["/query/pin"]);
    let provider = Provider::of(&rig, source.clone()).await;
    forward(&rig, &provider.id, &receiver, &[]).await;
    assert_eq!(provider.get("pin=needle&id=7", &[]).await, 200);
    assert_eq!(log(&rig, &provider.id).await[0]["query"], "pin=[redacted]&id=7");
    assert_eq!(receiver.wait_for(1).await[0].json()["query"], json!({"pin": "[redacted]", "id": "7"}));
    source["confirm"] = json!({"url": "https://a.example/{query:pin}"});
    assert_eq!(wrong_place(&rig.client.post(PATH, &source).await.expect(422)), "body.redact");
}

#[tokio::test]
async fn a_signature_in_the_query_counts_whole() {
    let rig = Rig::start().await;
    let config = json!({"secret": "of-the-account"});
    let provider = Provider::of(&rig, json!({"name": "Docs", "type": "panda-doc", "config": config})).await;
    // `printf '{}' | openssl dgst -sha256 -hmac of-the-account`
    let signature = "bffd218d3fabfbddff1edb8b1c551a3ab248b38393cc966c4e4de5abc30febc4";
    let path = format!("{}?signature={signature}", provider.path);
    provider.client.request(Method::POST, &path, &[], "{}").await.expect(200);
    provider.client.request(Method::POST, &path, &[], "{ }").await.expect(401);
    let rows = log(&rig, &provider.id).await;
    assert!(rows.iter().all(|row| row["query"] == "signature=[redacted]"), "{rows:?}");
}

#[tokio::test]
async fn requests_without_a_body_are_told_apart_by_what_they_say() {
    let rig = Rig::start().await;
    let mut source = getting();
    source["dedupe"] = json!("body");
    let provider = Provider::of(&rig, source).await;
    for query in ["id=1&token=a", "id=2&token=a", "id=1&token=b", "id=1&token=a"] {
        assert_eq!(provider.get(query, &[]).await, 200);
    }
    let mut seen = verdicts(&rig, &provider.id).await;
    seen.sort();
    assert_eq!(seen, ["duplicate", "verified", "verified", "verified"]);
}

#[tokio::test]
async fn credentials_in_a_query_are_nowhere_in_the_files() {
    let mut server =
        Live::start(&launch("1s").env("HOOKWRIGHT_DATABASE_URL", "sqlite://hookwright.db")).await;
    let made = server.client.post(PATH, &github()).await.expect(201).json();
    let provider = Provider::made(&server.url, &made, &github(), None);
    let path = format!("{}?event=haystack-4d1e&apikey=needle-9b3f", provider.path);
    let headers = provider.headers("1", b"{}");
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    provider.client.request(Method::POST, &path, &headers, "{}").await.expect(200);
    provider.client.request(Method::POST, &path, &[], "{}").await.expect(401);
    let holds = |text: &str| {
        let files = ["hookwright.db", "hookwright.db-wal"].map(|name| server.process.directory().join(name));
        let is_in = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        files.iter().any(|file| is_in(std::fs::read(file).unwrap_or_default()))
    };
    assert!(holds("haystack-4d1e") && !holds("needle-9b3f"));
    assert!(server.process.lines().iter().all(|line| !line.text.contains("needle-9b3f")));
    server.process.kill9().await;
}
