//! The ways in which a receiver misbehaves.

use std::{io::ErrorKind, time::Duration};

use hookwright_testkit::{Point, Receiver, Reply};

use crate::plain::{Ended, exchange, kept_alive, read_until, request, send};

async fn ended(reply: Reply) -> Ended {
    let receiver = Receiver::start().await;
    receiver.script([reply]);
    exchange(&receiver, &kept_alive("/")).await
}

/// A receiver whose reply never ends, and the connection on which `marker` was read of it.
async fn open_until(reply: Reply, marker: &str) -> (Receiver, tokio::net::TcpStream, String) {
    let receiver = Receiver::start().await;
    receiver.script([reply]);
    let mut stream = send(&receiver, &request("/")).await;
    let text = read_until(&mut stream, marker).await;
    (receiver, stream, text)
}

/// What a receiver must notice once its peer went away.
async fn wait_alone(receiver: &Receiver) {
    let alone = receiver.wait_tally(|tally| tally.open_connections == 0, "the connection to end").await;
    assert_eq!(alone.in_flight, 0);
}

#[tokio::test]
async fn a_close_ends_the_connection_in_order_at_the_given_point() {
    for (at, expected) in [
        (Point::BeforeAnswer, ""),
        (Point::InHead, "HTTP/1.1 200 OK\r\ncontent-le"),
        (Point::InBody, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789"),
    ] {
        let Ended { text, error } = ended(Reply::close(at)).await;
        assert_eq!((text.as_str(), error), (expected, None), "{at:?}");
    }
}

#[tokio::test]
async fn a_reset_breaks_the_connection_at_the_given_point() {
    for (at, expected) in [
        (Point::BeforeAnswer, ""),
        (Point::InHead, "HTTP/1.1 200 OK\r\ncontent-le"),
        (Point::InBody, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789"),
    ] {
        let Ended { text, error } = ended(Reply::reset(at)).await;
        assert_eq!((text.as_str(), error), (expected, Some(ErrorKind::ConnectionReset)), "{at:?}");
    }
}

#[tokio::test]
async fn a_hang_lasts_until_the_sender_leaves() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::hang()]);
    let stream = send(&receiver, &request("/")).await;
    receiver.wait_for(1).await;
    assert_eq!(receiver.tally().in_flight, 1);
    drop(stream);
    wait_alone(&receiver).await;
}

#[tokio::test]
async fn a_hang_ends_with_the_receiver() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::hang()]);
    let mut stream = send(&receiver, &request("/")).await;
    receiver.wait_for(1).await;
    let address = receiver.address();
    receiver.stop().await;
    assert_eq!(crate::plain::read_to_end(&mut stream).await.text, "");
    assert_eq!(
        tokio::net::TcpStream::connect(address).await.unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn a_dripped_head_never_ends() {
    let (receiver, stream, text) =
        open_until(Reply::drip_head(Duration::from_millis(1)), "x-drip: xxx").await;
    assert!(!text.contains("\r\n\r\n"), "{text}");
    drop(stream);
    wait_alone(&receiver).await;
}

#[tokio::test]
async fn a_dripped_body_follows_a_complete_head() {
    let (receiver, stream, _) = open_until(Reply::drip_body(Duration::from_millis(1)), "\r\n\r\nxxx").await;
    assert_eq!(receiver.tally().in_flight, 1);
    drop(stream);
    wait_alone(&receiver).await;
}

#[tokio::test]
async fn a_huge_body_has_exactly_its_announced_length() {
    const BYTES: u64 = 3_000_001;
    let receiver = Receiver::start().await;
    receiver.script([Reply::huge(BYTES)]);
    let mut stream = send(&receiver, &request("/")).await;
    let head = read_until(&mut stream, "\r\n\r\n").await;
    let (head, start) = head.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("content-length: 3000001"), "{head}");
    let mut rest = vec![0; usize::try_from(BYTES).unwrap() - start.len()];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut rest).await.unwrap();
    assert!(rest.iter().all(|byte| *byte == b'x'));
    receiver.wait_tally(|tally| tally.streamed == BYTES, "all of the body to be counted").await;
}

#[tokio::test]
async fn a_huge_body_stops_once_the_sender_leaves() {
    const BYTES: u64 = 1 << 40;
    let (receiver, stream, _) = open_until(Reply::huge(BYTES), "\r\n\r\nxxx").await;
    drop(stream);
    wait_alone(&receiver).await;
    let streamed = receiver.tally().streamed;
    assert!(streamed > 0 && streamed < BYTES, "{streamed}");
}

#[tokio::test]
async fn an_endless_body_is_chunked_and_stops_once_the_sender_leaves() {
    let (receiver, stream, text) = open_until(Reply::endless(), "\r\n\r\n4000\r\nxxx").await;
    assert!(text.contains("transfer-encoding: chunked"), "{text}");
    receiver.wait_tally(|tally| tally.streamed > 0, "the first chunk to be counted").await;
    drop(stream);
    wait_alone(&receiver).await;
}

#[tokio::test]
async fn endless_informational_answers_never_become_a_final_one() {
    let (receiver, stream, text) = open_until(
        Reply::endless_interim(),
        &"HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preload\r\n\r\n".repeat(3),
    )
    .await;
    assert!(!text.contains("HTTP/1.1 2"), "{text}");
    drop(stream);
    wait_alone(&receiver).await;
}

#[tokio::test]
async fn garbage_is_not_http() {
    let Ended { text, error } = ended(Reply::garbage()).await;
    assert!(text.contains("this is no web server") && !text.contains("HTTP/"), "{text}");
    assert_eq!(error, None);
}

#[tokio::test]
async fn an_oversized_header_has_the_asked_size() {
    let Ended { text, error } = ended(Reply::oversized_header(100_000)).await;
    assert!(text.contains(&format!("\r\nx-filler: {}\r\n\r\n", "x".repeat(100_000))));
    assert_eq!(error, None);
}

#[tokio::test]
async fn raw_bytes_are_sent_as_they_are() {
    let two_lengths = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
    assert_eq!(ended(Reply::raw(two_lengths)).await.text, two_lengths);
}

#[test]
fn only_plain_answers_are_shaped() {
    let shaped = std::panic::catch_unwind(|| Reply::hang().header("a", "b"));
    let message = *shaped.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, "`header` shapes a plain answer, and this reply is Hang");
}
