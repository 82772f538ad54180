//! Plain answers: scripts, shapes, keep-alive.

use std::time::{Duration, SystemTime};

use hookwright_testkit::{Receiver, Reply};

use crate::plain::{exchange, kept_alive, read_until, request, send};

/// The whole answer to one request.
async fn answer(reply: Reply) -> String {
    let receiver = Receiver::start().await;
    receiver.script([reply]);
    let ended = exchange(&receiver, &request("/")).await;
    assert_eq!(ended.error, None);
    ended.text
}

#[tokio::test]
async fn without_a_script_every_request_is_answered_200() {
    let receiver = Receiver::start().await;
    for _ in 0..2 {
        let ended = exchange(&receiver, &request("/any")).await;
        assert_eq!(ended.text, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    }
}

#[tokio::test]
async fn a_script_is_played_in_order_and_its_last_reply_repeats() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::status(500), Reply::status(429), Reply::status(204)]);
    for status in [500, 429, 204, 204] {
        let ended = exchange(&receiver, &request("/")).await;
        assert!(ended.text.starts_with(&format!("HTTP/1.1 {status} ")), "{}", ended.text);
    }
}

#[tokio::test]
async fn a_path_has_its_own_script_whatever_the_query() {
    let receiver = Receiver::start().await;
    receiver.on("/down", [Reply::status(503)]);
    let down = exchange(&receiver, &request("/down?a=1")).await;
    let up = exchange(&receiver, &request("/up")).await;
    assert!(down.text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{}", down.text);
    assert!(up.text.starts_with("HTTP/1.1 200 OK\r\n"), "{}", up.text);
}

#[tokio::test]
async fn a_function_decides_by_the_request() {
    let receiver = Receiver::start().await;
    receiver.reply_with(|received| Reply::status(if received.sequence == 0 { 500 } else { 201 }));
    for status in [500, 201] {
        let ended = exchange(&receiver, &request("/")).await;
        assert!(ended.text.starts_with(&format!("HTTP/1.1 {status} ")), "{}", ended.text);
    }
}

#[tokio::test]
async fn headers_and_body_are_sent_as_given() {
    let text = answer(Reply::status(418).header("X-One", "1").header("x-one", "2").body("tea")).await;
    assert_eq!(
        text,
        "HTTP/1.1 418 I'm a teapot\r\nX-One: 1\r\nx-one: 2\r\ncontent-length: 3\r\nconnection: close\r\n\r\ntea"
    );
}

#[tokio::test]
async fn a_204_has_no_body_and_no_length() {
    assert_eq!(answer(Reply::status(204)).await, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}

#[tokio::test]
async fn a_status_that_nobody_knows_can_be_sent() {
    assert!(answer(Reply::status(799)).await.starts_with("HTTP/1.1 799 Unknown\r\n"));
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    let seconds = answer(Reply::status(429).retry_after(120)).await;
    assert!(seconds.contains("\r\nretry-after: 120\r\n"), "{seconds}");
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let date = answer(Reply::status(503).retry_after_date(at)).await;
    assert!(date.contains("\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "{date}");
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let text = answer(Reply::redirect(302, "http://127.0.0.1:1/next")).await;
    assert!(text.starts_with("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/next\r\n"), "{text}");
}

#[tokio::test]
async fn informational_answers_come_before_the_final_one() {
    let text = answer(Reply::status(200).interim(103).interim(102)).await;
    let statuses: Vec<_> = text.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["HTTP/1.1 103 Interim", "HTTP/1.1 102 Interim", "HTTP/1.1 200 OK"]);
}

#[tokio::test]
async fn a_delayed_reply_comes_not_before_its_time() {
    let start = std::time::Instant::now();
    let text = answer(Reply::ok().after(Duration::from_secs(1))).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let receiver = Receiver::start().await;
    let mut stream = send(&receiver, &kept_alive("/1")).await;
    read_until(&mut stream, "\r\n\r\nok").await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, kept_alive("/2").as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\nok").await;
    let received = receiver.wait_for(2).await;
    assert_eq!(receiver.tally().connections, 1);
    assert_eq!(received[1].connection, 0);
    assert_eq!(received[1].peer, received[0].peer);
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue_is_asked_for() {
    let receiver = Receiver::start().await;
    let (head, body) =
        request("/").split_once("\r\n\r\n").map(|(h, b)| (h.to_owned(), b.to_owned())).unwrap();
    let mut stream = send(&receiver, &format!("{head}\r\nexpect: 100-continue\r\n\r\n")).await;
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(receiver.count(), 0, "a request counts once its body is there");
    tokio::io::AsyncWriteExt::write_all(&mut stream, body.as_bytes()).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 200 OK").await;
    assert_eq!(receiver.received()[0].text(), "{}");
}
