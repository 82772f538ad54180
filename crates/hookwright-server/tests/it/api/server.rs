//! The server itself: health, request ids, heads that are too large, and its description.

use std::time::Duration;

use hookwright_testkit::http::{Client, Method, raw};

use super::rig::Rig;

fn address(rig: &Rig) -> std::net::SocketAddr {
    rig.base.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test]
async fn health_needs_no_token() {
    let rig = Rig::start().await;
    let anonymous = Client::anonymous(&rig.base);
    for path in ["/api/v1/health", "/api/v1/health/", "/api/v1/health/ping"] {
        assert!(anonymous.get(path).await.expect(204).body.is_empty());
        anonymous.request(Method::HEAD, path, &[], "").await.expect(204);
    }
    assert_eq!(anonymous.get("/api/v1/health/ready").await.expect(200).json()["status"], "ready");
    rig.hooks.shutdown(Duration::ZERO).await.unwrap();
    let answer = anonymous.get("/api/v1/health/ready").await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.json()["code"].is_string());
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_any_other_replaced() {
    let rig = Rig::start().await;
    for (name, id, kept) in [
        ("svix-req-id", "1234567890", true),
        ("x-request-id", "a-b_c.d:e", true),
        ("x-request-id", "two words", false),
        ("x-request-id", "<script>", false),
    ] {
        let answer = rig.client.request(Method::GET, "/api/v1/app", &[(name, id)], "").await.expect(200);
        assert_eq!(answer.header("x-request-id") == Some(id), kept, "{id}");
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_answered_with_431() {
    let rig = Rig::start().await;
    let long = format!("GET /api/v1/health HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(40_000));
    let many = format!("GET /api/v1/health HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    for head in [long, many] {
        let answer = raw(address(&rig), head.as_bytes()).await;
        assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_server_as_it_was() {
    let rig = Rig::start().await;
    let cut = "POST /api/v1/app HTTP/1.1\r\nhost: x\r\nauthorization: Bearer operator-token-of-the-tests\r\n\
               transfer-encoding: chunked\r\n\r\n5\r\n{\"nam\r\nzz\r\n";
    let answer = raw(address(&rig), cut.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    rig.application("ann").await;
}

#[tokio::test]
async fn the_description_is_served_as_it_is_committed() {
    let rig = Rig::start().await;
    let served = Client::anonymous(&rig.base).get("/api/openapi.json").await.expect(200);
    assert_eq!(served.text(), include_str!("../../../openapi.json"));
}
