//! The client of the tests, against our own receiver.

use hookwright_testkit::{
    Point, Receiver, Reply,
    http::{Client, Method, NoAnswer, raw},
};
use serde_json::json;

use crate::plain::request;

#[tokio::test]
async fn json_goes_out_with_the_token_and_comes_back() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(201).header("x-answer", "yes").body(r#"{"id":1}"#)]);
    let client = Client::new(receiver.url("/"), "secret");
    let answer = client.post("/things", &json!({ "a": 1 })).await.expect(201);
    assert_eq!(answer.header("X-Answer"), Some("yes"));
    assert_eq!(answer.json(), json!({ "id": 1 }));
    let received = &receiver.received()[0];
    assert_eq!((received.method.as_str(), received.path()), ("POST", "/things"));
    assert_eq!(received.header("authorization"), Some("Bearer secret"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.json(), json!({ "a": 1 }));
}

#[tokio::test]
async fn every_method_goes_over_one_connection() {
    let receiver = Receiver::start().await;
    let client = Client::anonymous(receiver.url("/"));
    let body = json!(null);
    let _ = client.get("/").await.expect(200);
    let _ = client.put("/", &body).await.expect(200);
    let _ = client.patch("/", &body).await.expect(200);
    let _ = client.delete("/").await.expect(200);
    let _ = client.request(Method::POST, "/", &[("x-a", "1")], vec![0, 255]).await.expect(200);
    let received = receiver.received();
    let methods: Vec<_> = received.iter().map(|one| one.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PUT", "PATCH", "DELETE", "POST"]);
    assert_eq!((received[4].header("x-a"), &received[4].body[..]), (Some("1"), &[0, 255][..]));
    assert!(received.iter().all(|one| one.header("authorization").is_none()));
    assert_eq!(receiver.tally().connections, 1);
}

#[tokio::test]
async fn no_answer_is_told_apart() {
    let receiver = Receiver::start().await;
    let client = Client::anonymous(receiver.url("/"));
    receiver.script([Reply::close(Point::InBody)]);
    let broken = client.try_request(Method::GET, "/", &[], "").await;
    assert!(matches!(broken, Err(NoAnswer::BrokeOff(_))), "{broken:?}");
    let invalid = client.try_request(Method::GET, "/", &[("bad name", "")], "").await;
    assert!(matches!(invalid, Err(NoAnswer::Invalid(_))), "{invalid:?}");
    receiver.stop().await;
    let down = client.try_request(Method::GET, "/", &[], "").await;
    assert!(matches!(down, Err(NoAnswer::Connection(_))), "{down:?}");
}

#[tokio::test]
async fn an_unexpected_status_shows_the_body() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500).body("the reason")]);
    let answer = Client::anonymous(receiver.url("/")).get("/").await;
    let failed = std::panic::catch_unwind(|| answer.expect(200)).unwrap_err();
    assert_eq!(*failed.downcast::<String>().unwrap(), "expected 200, and got 500: the reason");
}

#[tokio::test]
async fn raw_bytes_get_all_that_the_server_says() {
    let receiver = Receiver::start().await;
    let answer = raw(receiver.address(), request("/").as_bytes()).await;
    assert_eq!(answer, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    let answer = raw(receiver.address(), b"nonsense\r\n\r\n").await;
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
}
