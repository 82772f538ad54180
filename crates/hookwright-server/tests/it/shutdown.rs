//! How the real program stops: what is in flight ends, and the rest waits for the next start.

use hookwright_testkit::http::Client;
use hookwright_testkit::{Receiver, eventually};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::live::{Live, TOKEN, launch};

/// The attempts of a message that succeeded, once there are any.
async fn successes(client: &Client, id: &str) -> Vec<Value> {
    let path = format!("/api/v1/app/app/attempt/msg/{id}?status=0");
    eventually("a success on record", async || {
        let attempts = client.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone();
        if attempts.is_empty() { Err(attempts) } else { Ok(attempts) }
    })
    .await
}

#[tokio::test]
async fn what_is_in_flight_ends_and_is_on_record() {
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    let launch = launch("1h");
    let mut server = Live::start(&launch).await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    let held = server.send(&json!({"held": true})).await;
    gate.wait_entered(1).await;
    server.process.terminate();
    server.process.wait_for_line(|line| line.contains("stopping: "), "that it stops").await;
    eventually("that it takes no more requests", async || match TcpStream::connect(server.address()).await {
        Ok(_) => Err("it does"),
        Err(_) => Ok(()),
    })
    .await;
    gate.release();
    assert_eq!(server.process.wait_exit().await.code(), Some(0), "{:?}", server.process.lines());

    let again = Live::start(&launch).await;
    assert_eq!(successes(&again.client, &held).await.len(), 1);
    let next = again.send(&json!({})).await;
    let received = receiver.wait_for(2).await;
    let ids: Vec<&str> = received.iter().map(|request| request.id()).collect();
    assert_eq!(ids, [held, next], "what was delivered is not delivered again");
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_is_delivered_after_the_next_start() {
    let receiver = Receiver::start().await;
    let gate = receiver.gate();
    let launch = launch("1h").env("HOOKWRIGHT_SHUTDOWN_GRACE", "500ms");
    let mut server = Live::start(&launch).await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    let held = server.send(&json!({"held": true})).await;
    gate.wait_entered(1).await;
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0), "{:?}", server.process.lines());
    gate.release();

    let again = Live::start(&launch).await;
    let received = receiver.wait_for(2).await;
    assert_eq!([received[0].id(), received[1].id()], [&held, &held]);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(successes(&again.client, &held).await.len(), 1);
}

#[tokio::test]
async fn a_request_under_way_is_answered_and_its_message_is_kept() {
    let receiver = Receiver::start().await;
    let launch = launch("1h");
    let mut server = Live::start(&launch).await;
    server.set_up(&[("one", receiver.url("/"))]).await;
    let body = json!({"eventType": "book.added", "payload": {"last": true}}).to_string();
    let (first, rest) = body.split_at(20);
    let head = format!(
        "POST /api/v1/app/app/msg HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..read].starts_with(b"HTTP/1.1 100"), "the request is under way");
    stream.write_all(first.as_bytes()).await.unwrap();
    server.process.terminate();
    server.process.wait_for_line(|line| line.contains("stopping: "), "that it stops").await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(server.process.wait_exit().await.code(), Some(0), "{:?}", server.process.lines());

    let _again = Live::start(&launch).await;
    let received = receiver.wait_for(1).await;
    assert!(answer.contains(received[0].id()), "{answer}");
}
