//! What is recorded and counted, and the waits on it.

use std::time::Duration;

use hookwright_testkit::{Gate, Receiver, Reply, eventually, eventually_within};

use crate::plain::{exchange, kept_alive, read_until, request, send};

#[tokio::test]
async fn a_request_is_kept_as_it_was_sent() {
    let receiver = Receiver::start().await;
    let text = "PUT /a/b?c=d&c=e HTTP/1.1\r\nHost: here\r\nWebhook-ID: msg_7\r\nX-Twice: 1\r\nx-twice: 2\r\n\
                connection: close\r\ncontent-length: 11\r\n\r\n{\"a\":[1,2]}";
    exchange(&receiver, text).await;
    let [received] = receiver.wait_for(1).await.try_into().unwrap();
    assert_eq!((received.method.as_str(), received.target.as_str()), ("PUT", "/a/b?c=d&c=e"));
    assert_eq!((received.path(), received.query()), ("/a/b", Some("c=d&c=e")));
    let names: Vec<_> = received.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Host", "Webhook-ID", "X-Twice", "x-twice", "connection", "content-length"]);
    assert_eq!(received.header_all("X-TWICE").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(received.id(), "msg_7");
    assert_eq!(received.json(), serde_json::json!({ "a": [1, 2] }));
    assert_eq!(received.sequence, 0);
}

#[tokio::test]
async fn a_chunked_body_is_put_together() {
    let receiver = Receiver::start().await;
    let text = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                5;note=x\r\nhello\r\n6\r\n world\r\n0\r\ntrailer: x\r\n\r\n";
    exchange(&receiver, text).await;
    assert_eq!(receiver.wait_for(1).await[0].text(), "hello world");
}

#[tokio::test]
async fn a_wait_ends_with_the_request_that_fulfils_it() {
    let receiver = Receiver::start().await;
    let wait = receiver.wait_until(|all| all.iter().any(|one| one.path() == "/b"), "a request to /b");
    let (received, ()) = tokio::join!(wait, async {
        exchange(&receiver, &request("/a")).await;
        exchange(&receiver, &request("/b")).await;
    });
    assert_eq!(received.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(), ["/a", "/b"]);
    assert!(received[0].at <= received[1].at);
}

#[tokio::test]
async fn a_wait_in_vain_says_what_came_instead() {
    let receiver = Receiver::start().await.with_deadline(Duration::from_secs(1));
    exchange(&receiver, &request("/other")).await;
    let failed = tokio::spawn(async move { receiver.wait_for(2).await }).await.unwrap_err();
    let message = *failed.into_panic().downcast::<String>().unwrap();
    assert!(
        message.starts_with("waited 1s for 2 requests; the receiver saw Tally { requests: 1,"),
        "{message}"
    );
    assert!(message.ends_with("\n  #0 POST /other with 2 bytes, webhook-id \"msg_1\""), "{message}");
}

#[tokio::test]
async fn a_gate_holds_requests_until_it_is_released() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(202)]);
    let gate = receiver.gate();
    let mut first = send(&receiver, &request("/1")).await;
    gate.wait_entered(1).await;
    let mut second = send(&receiver, &request("/2")).await;
    gate.wait_entered(2).await;
    assert_eq!(receiver.tally().in_flight, 2);
    gate.release_some(1);
    read_until(&mut first, "HTTP/1.1 202 ").await;
    assert_eq!(receiver.tally().in_flight, 1);
    gate.release();
    read_until(&mut second, "HTTP/1.1 202 ").await;
    assert!(exchange(&receiver, &request("/3")).await.text.starts_with("HTTP/1.1 202 "));
    assert_eq!(receiver.tally().max_in_flight, 2);
}

#[tokio::test]
async fn a_gate_before_one_reply_holds_only_that() {
    let receiver = Receiver::start().await;
    let gate = Gate::new();
    receiver.script([Reply::status(500).behind(&gate), Reply::ok()]);
    let mut held = send(&receiver, &request("/")).await;
    gate.wait_entered(1).await;
    assert!(exchange(&receiver, &request("/")).await.text.starts_with("HTTP/1.1 200 "));
    gate.release();
    read_until(&mut held, "HTTP/1.1 500 ").await;
}

#[tokio::test]
async fn the_gauge_never_shows_more_than_was_in_flight() {
    let receiver = Receiver::start().await;
    for _ in 0..200 {
        exchange(&receiver, &request("/")).await;
    }
    assert_eq!(receiver.tally().max_in_flight, 1);
}

#[tokio::test]
async fn a_counting_receiver_keeps_only_how_often_each_id_came() {
    let receiver = Receiver::start_counting().await;
    let mut stream = send(&receiver, &kept_alive("/")).await;
    read_until(&mut stream, "ok").await;
    exchange(&receiver, &request("/")).await;
    exchange(&receiver, &request("/").replace("msg_1", "msg_2")).await;
    let tally = receiver.wait_tally(|tally| tally.distinct == 2, "two messages").await;
    assert_eq!(tally.requests, 3);
    assert_eq!(receiver.counts(), [("msg_1".to_owned(), 2), ("msg_2".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_request_that_breaks_off_is_counted_and_not_recorded() {
    let receiver = Receiver::start().await;
    let stream = send(&receiver, "POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc").await;
    drop(stream);
    let tally = receiver.wait_tally(|tally| tally.incomplete == 1, "the broken request").await;
    assert_eq!(tally.requests, 0);
}

#[tokio::test]
async fn what_is_not_http_is_answered_400() {
    let receiver = Receiver::start().await;
    let ended = exchange(&receiver, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(ended.text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{}", ended.text);
    assert_eq!(receiver.tally().malformed, 1);
}

#[tokio::test]
async fn a_receiver_comes_back_on_its_port() {
    let receiver = Receiver::start().await;
    let port = receiver.port();
    exchange(&receiver, &request("/")).await;
    receiver.stop().await;
    let receiver = Receiver::start_on(port).await;
    assert!(exchange(&receiver, &request("/")).await.text.ends_with("ok"));
}

#[tokio::test]
async fn polling_ends_with_the_first_success() {
    let mut probes = 0;
    let value = eventually("the third probe", async || {
        probes += 1;
        if probes == 3 { Ok("there") } else { Err(probes) }
    });
    assert_eq!(value.await, "there");
    assert_eq!(probes, 3);
}

#[tokio::test]
async fn polling_in_vain_says_what_it_saw_last() {
    let polled = tokio::spawn(async {
        eventually_within(Duration::from_secs(1), "a seventh row", async || Err::<(), _>("6 rows")).await
    });
    let message = *polled.await.unwrap_err().into_panic().downcast::<String>().unwrap();
    assert_eq!(message, "waited 1s for a seventh row; last saw \"6 rows\"");
}
