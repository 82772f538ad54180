//! What receivers do wrong: each attempt ends within its timeout, with a reason that says what happened.

use std::time::{Duration, Instant};

use hookwright::domain::attempt::{Attempt, AttemptStatus};
use hookwright_testkit::{Point, Receiver, Reply, free_port};

use crate::rig::Rig;

const TIMEOUT: Duration = Duration::from_secs(1);

async fn strict() -> Rig {
    Rig::start_with(|config| {
        config.request_timeout = TIMEOUT;
        config.retry.schedule = Vec::new();
    })
    .await
}

/// Makes one attempt at `url`.
async fn attempt_at(url: String) -> Attempt {
    let rig = strict().await;
    rig.endpoint(url).await;
    let started = Instant::now();
    let message = rig.send("{}").await;
    let attempt = rig.wait_ended(message.id).await.remove(0);
    assert!(started.elapsed() < TIMEOUT + Duration::from_secs(2), "it ends within its timeout");
    rig.end().await;
    attempt
}

/// A receiver that replies so makes an attempt fail with this status code, reason and kept body.
async fn check(reply: Reply, response_code: u16, reason: &str) -> Attempt {
    let receiver = Receiver::start().await;
    receiver.script([reply]);
    let attempt = attempt_at(receiver.url("/")).await;
    assert_eq!(attempt.status, AttemptStatus::Fail, "{attempt:?}");
    assert_eq!((attempt.response_code, attempt.reason.as_deref()), (response_code, Some(reason)));
    assert_eq!(receiver.count(), 1, "it is tried once and not again behind our back");
    attempt
}

#[tokio::test]
async fn an_answer_that_never_comes() {
    check(Reply::hang(), 0, "no answer came within 1 s").await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte() {
    check(Reply::drip_head(Duration::from_millis(100)), 0, "no answer came within 1 s").await;
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte() {
    let reply = Reply::drip_body(Duration::from_millis(100));
    let attempt = check(reply, 200, "the answer did not end within 1 s, after status 200 OK").await;
    assert!(attempt.response.starts_with(b"x"));
}

#[tokio::test]
async fn informational_answers_without_an_end() {
    check(Reply::endless_interim(), 0, "no answer came within 1 s").await;
}

#[tokio::test]
async fn a_connection_reset_before_the_answer() {
    check(Reply::reset(Point::BeforeAnswer), 0, "the connection was reset before an answer came").await;
}

#[tokio::test]
async fn a_connection_reset_within_the_head() {
    check(Reply::reset(Point::InHead), 0, "the connection was reset before an answer came").await;
}

#[tokio::test]
async fn a_connection_reset_within_the_body() {
    let reason = "the answer broke off in the middle, after status 200 OK";
    check(Reply::reset(Point::InBody), 200, reason).await;
}

#[tokio::test]
async fn a_connection_closed_before_the_answer() {
    check(Reply::close(Point::BeforeAnswer), 0, "the connection was closed before an answer came").await;
}

#[tokio::test]
async fn a_connection_closed_within_the_head() {
    check(Reply::close(Point::InHead), 0, "the connection was closed before an answer came").await;
}

#[tokio::test]
async fn a_connection_closed_within_the_body() {
    let reason = "the answer broke off in the middle, after status 200 OK";
    let attempt = check(Reply::close(Point::InBody), 200, reason).await;
    assert_eq!(attempt.response, "0123456789");
}

#[tokio::test]
async fn an_answer_that_is_not_http() {
    check(Reply::garbage(), 0, "the answer was not HTTP").await;
}

#[tokio::test]
async fn headers_beyond_all_measure() {
    check(Reply::oversized_header(1 << 20), 0, "the answer's headers were too large").await;
}

#[tokio::test]
async fn more_headers_than_are_read() {
    let mut reply = Reply::status(200);
    for number in 0..150 {
        reply = reply.header(format!("x-{number}"), "x");
    }
    check(reply, 0, "the answer's headers were too large").await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let reason = "the endpoint answered 302 Found; redirects are not followed";
    check(Reply::redirect(302, "http://127.0.0.1:1/elsewhere"), 302, reason).await;
}

#[tokio::test]
async fn a_status_that_no_registry_knows() {
    check(Reply::status(599), 599, "the endpoint answered 599").await;
}

#[tokio::test]
async fn not_found() {
    let attempt =
        check(Reply::status(404).body("no such hook"), 404, "the endpoint answered 404 Not Found").await;
    assert_eq!(attempt.response, "no such hook");
}

#[tokio::test]
async fn nobody_listens() {
    let attempt = attempt_at(format!("http://127.0.0.1:{}/", free_port())).await;
    let reason = "the connection was refused: nothing listens there";
    assert_eq!((attempt.response_code, attempt.reason.as_deref()), (0, Some(reason)));
}

#[tokio::test]
async fn of_a_huge_body_the_first_8_kib_are_kept_and_the_rest_is_not_read() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::huge(1 << 30)]);
    let attempt = attempt_at(receiver.url("/")).await;
    assert_eq!((attempt.status, attempt.response_code), (AttemptStatus::Success, 200));
    assert_eq!(attempt.response.len(), 8 * 1024);
    assert!(receiver.tally().streamed < 64 << 20, "{} bytes were read", receiver.tally().streamed);
}

#[tokio::test]
async fn a_body_without_an_end_does_not_hold_the_attempt() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::endless()]);
    let attempt = attempt_at(receiver.url("/")).await;
    assert_eq!((attempt.status, attempt.response.len()), (AttemptStatus::Success, 8 * 1024));
    receiver.wait_tally(|tally| tally.open_connections == 0, "the connection is closed").await;
}
