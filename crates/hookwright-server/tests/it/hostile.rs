//! What a hostile or broken client sends, byte by byte, to the real program: it answers or hangs up, and stays well.

use std::time::Duration;

use hookwright_testkit::http::raw;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::live::{Live, TOKEN, launch};

/// The head of a message that is sent, with these further headers.
fn head(headers: &str) -> String {
    format!(
        "POST /api/v1/app/app/msg HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\
         content-type: application/json\r\n{headers}\r\n"
    )
}

/// A message as it should be, but for its body.
fn sending(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [head(&format!("content-length: {}\r\n", body.len())).as_bytes(), body].concat()
}

/// The status and the body of an answer, if one came.
fn parts(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
    Some((status, &answer[end + 4..]))
}

/// Each of these is answered with its status, and a JSON body that says why if it is refused.
async fn check(cases: Vec<(&str, Vec<u8>, u16)>) {
    let server = Live::start(&launch("1h")).await;
    server.set_up(&[]).await;
    for (name, bytes, expected) in cases {
        let answer = raw(server.address(), &bytes).await;
        let shown = String::from_utf8_lossy(&answer);
        let (found, body) = parts(&answer).unwrap_or_else(|| panic!("{name}: no answer, but {shown:?}"));
        assert_eq!(found, expected, "{name}: {shown}");
        let body: Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{name}: {shown}"));
        let is_told = body["detail"].is_string() || body["detail"].is_array();
        assert_eq!(is_told, expected >= 400, "{name}: {shown}");
        server.is_well().await;
    }
    ends_well(server).await;
}

/// It stops when it is asked to, and nothing panicked.
async fn ends_well(mut server: Live) {
    server.process.terminate();
    assert_eq!(server.process.wait_exit().await.code(), Some(0));
    let panicked = server.process.lines().into_iter().find(|line| line.text.contains("panicked"));
    assert!(panicked.is_none(), "{panicked:?}");
}

#[tokio::test]
async fn heads_that_are_no_requests_are_refused_in_json() {
    let path = "x".repeat(70_000);
    check(vec![
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        ("zeros", vec![0; 1_000], 400),
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), 400),
        ("another version", b"GET /api/v1/health HTTP/7.3\r\nhost: x\r\n\r\n".to_vec(), 400),
        ("a line without a colon", b"GET /api/v1/health HTTP/1.1\r\nhost x\r\n\r\n".to_vec(), 400),
        ("a long header", head(&format!("x-long: {}\r\n", "x".repeat(40_000))).into(), 431),
        ("many headers", head(&"a: b\r\n".repeat(200)).into(), 431),
        ("a long path", format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n").into(), 431),
        ("a negative length", head("content-length: -1\r\n").into(), 400),
        ("a length of words", head("content-length: ten\r\n").into(), 400),
        ("two lengths", head("content-length: 2\r\ncontent-length: 3\r\n").into(), 400),
        ("a length beyond all numbers", head("content-length: 99999999999999999999\r\n").into(), 400),
        ("an unknown coding", head("transfer-encoding: pigeon\r\n").into(), 400),
    ])
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_in_json() {
    let get = |path: &[u8], headers: &[u8]| {
        [b"GET ", path, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", headers, b"\r\n"].concat()
    };
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let known = |path: &[u8]| get(path, bearer.as_bytes());
    let with = |header: &[u8]| {
        let message = sending(r#"{"eventType":"a.b","payload":{}}"#);
        let line = message.windows(2).position(|end| end == b"\r\n").unwrap() + 2;
        [&message[..line], header, b"\r\n", &message[line..]].concat()
    };
    check(vec![
        ("a byte in the path", known(b"/api/v1/app/\xff"), 400),
        ("a byte in the query", known(b"/api/v1/app?limit=\xff"), 400),
        ("an escaped byte in the path", known(b"/api/v1/app/%FF"), 404),
        ("an escaped byte in the query", known(b"/api/v1/app?iterator=%FF"), 422),
        ("an escaped byte in the name of a parameter", known(b"/api/v1/app?%FF=1"), 422),
        ("half an escape in the path", known(b"/api/v1/app/%f"), 404),
        ("half an escape in the query", known(b"/api/v1/app?limit=%f"), 422),
        ("an escaped zero in the path", known(b"/api/v1/app/%00"), 404),
        ("an escaped byte where there is nothing", known(b"/nothing/%FF"), 404),
        ("a name that is too long", known(format!("/api/v1/app/{}", "x".repeat(20_000)).as_bytes()), 404),
        ("no token, and a byte in the path", get(b"/api/v1/app/%FF", b""), 401),
        ("a byte in the token", get(b"/api/v1/app", b"authorization: Bearer \xff\r\n"), 401),
        ("a byte in the idempotency key", with(b"idempotency-key: \xff"), 422),
        ("a byte in the content type", with(b"content-type: \xff"), 202),
        ("a byte in the request's id", with(b"svix-req-id: \xff"), 202),
        ("a byte in a header's name", with(b"x\xff: 1"), 400),
    ])
    .await;
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_in_json() {
    let chunked =
        |chunks: &str| [head("transfer-encoding: chunked\r\n").as_bytes(), chunks.as_bytes()].concat();
    let huge = format!(r#"{{"eventType":"a","payload":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let announced = head("content-length: 1000000000000\r\n");
    let endless = format!("{:x}\r\n{huge}\r\n", huge.len());
    check(vec![
        ("a body above the limit", sending(&huge), 413),
        ("a length above the limit, and no body", announced.into(), 413),
        ("chunks above the limit", chunked(&endless), 413),
        ("a chunk size of words", chunked("zz\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk size beyond all numbers", chunked("fffffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk that is longer than it says", chunked("1\r\n{}\r\n0\r\n\r\n"), 400),
    ])
    .await;
}

#[tokio::test]
async fn envelopes_that_mean_nothing_are_refused_in_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let message = |payload: &str| sending(format!(r#"{{"eventType":"a.b","payload":{payload}}}"#));
    let other = |rest: &str| sending(format!(r#"{{"eventType":"a.b","payload":{{}},{rest}}}"#));
    check(vec![
        ("no body", sending(""), 422),
        ("bad UTF-8 in the payload", sending(b"{\"eventType\":\"a.b\",\"payload\":\"\xff\xfe\"}"), 422),
        ("bad UTF-8 in a name", sending(b"{\"eventType\":\"\xc3\x28\",\"payload\":{}}"), 422),
        (
            "bad UTF-8 in what is ignored",
            sending(b"{\"eventType\":\"a.b\",\"payload\":{},\"x\":\"\xff\"}"),
            422,
        ),
        ("half of a surrogate", other(r#""eventId":"\ud800""#), 422),
        ("10,000 nested arrays", message(&nested(10_000)), 422),
        ("10,000 nested arrays beside the payload", other(&format!(r#""x":{}"#, nested(10_000))), 422),
        ("10,000 nested arrays as the envelope", sending(nested(10_000)), 422),
        ("10,000 open arrays", sending("[".repeat(10_000)), 422),
        ("two event types", other(r#""eventType":"c.d""#), 422),
        ("two payloads", other(r#""payload":{"other":true}"#), 422),
        ("a payload and its alias", other(r#""data":{"other":true}"#), 422),
        ("an array with the values in order", sending(r#"["a.b",{},null,null,null,null,null,null]"#), 422),
        ("no payload", sending(r#"{"eventType":"a.b"}"#), 422),
        ("something behind the envelope", sending(r#"{"eventType":"a.b","payload":{}} {}"#), 422),
        (
            "a longer length than the body",
            {
                let mut bytes = sending(r#"{"eventType":"a.b","payload":{}}"#);
                bytes.truncate(bytes.len() - 2);
                bytes.extend_from_slice(b"  ");
                bytes
            },
            422,
        ),
        ("a shorter length than the body", [sending(r#"{"eventType":"#), b"junk".to_vec()].concat(), 422),
    ])
    .await;
}

#[tokio::test]
async fn clients_that_leave_at_any_point_do_no_harm() {
    let server = Live::start(&launch("1h")).await;
    server.set_up(&[]).await;
    let whole = sending(r#"{"eventType":"a.b","payload":{"n":1}}"#);
    for cut in 0..whole.len() {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&whole[..cut]).await.unwrap();
    }
    server.is_well().await;
    let listed = server.client.get("/api/v1/app/app/msg").await.expect(200).json();
    assert_eq!(listed["data"], serde_json::json!([]), "half a message is none");
    ends_well(server).await;
}

#[tokio::test]
async fn a_client_that_writes_all_before_it_reads_gets_its_answer() {
    let server = Live::start(&launch("1h")).await;
    server.set_up(&[]).await;
    let large = format!(r#"{{"eventType":"a","payload":"{}"}}"#, "x".repeat(12 * 1024 * 1024));
    let with_a_length = sending(&large);
    let in_chunks = [
        head("transfer-encoding: chunked\r\n").into_bytes(),
        format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).into_bytes(),
    ]
    .concat();
    let unknown = String::from_utf8_lossy(&with_a_length).replacen(TOKEN, "nobody", 1).into_bytes();
    for (bytes, expected) in [(with_a_length, 413), (in_chunks, 413), (unknown, 401)] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(&bytes).await.expect("all of it is taken in");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the answer is not cut off by a reset");
        let (status, said) = parts(&answer).unwrap();
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(&answer));
        assert!(serde_json::from_slice::<Value>(said).unwrap()["code"].is_string());
    }
    ends_well(server).await;
}

/// Sends the first part at once, then a byte every half second until the server has had enough; returns what it said.
async fn drip(server: &Live, first: &str, byte: u8) -> Vec<u8> {
    let (mut reader, mut writer) = TcpStream::connect(server.address()).await.unwrap().into_split();
    writer.write_all(first.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        while writer.write_all(&[byte]).await.is_ok() {
            // Paces: a client that holds a connection for as long as it can.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let mut answer = Vec::new();
    // It may end with a reset, because more was sent than was read.
    let read = tokio::time::timeout(Duration::from_secs(60), reader.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server still listens after a minute, having said {answer:?}");
    dripping.abort();
    answer
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_not_waited_for() {
    let server = Live::start(&launch("1h")).await;
    server.set_up(&[]).await;
    let slow_body = head("content-length: 1000\r\n");
    let slow_head = drip(&server, "GET /api/v1/health HTTP/1.1\r\nx-slow: ", b'x');
    let source = json!({"name": "Any", "type": "generic-webhook"});
    let source = server.client.post("/ingest/api/v1/source", &source).await.expect(201).json();
    let path = source["ingestUrl"].as_str().unwrap().strip_prefix(&server.url).unwrap();
    let to_source = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n");
    let (slow, body, inbound) =
        tokio::join!(slow_head, drip(&server, &slow_body, b' '), drip(&server, &to_source, b' '));
    let (status, _) = parts(&inbound).unwrap();
    assert_eq!(status, 408, "{}", String::from_utf8_lossy(&inbound));
    assert!(String::from_utf8_lossy(&inbound).contains("content-type: text/plain"));
    let log = format!("/ingest/api/v1/source/{}/log", source["id"].as_str().unwrap());
    let row = &server.client.get(&log).await.expect(200).json()["data"][0];
    assert_eq!((&row["verdict"], &row["status_code"]), (&json!("refused"), &json!(408)));
    for answer in [slow, body] {
        let (status, said) = parts(&answer).unwrap();
        assert_eq!(status, 408, "{}", String::from_utf8_lossy(&answer));
        assert_eq!(serde_json::from_slice::<Value>(said).unwrap()["code"], "request_timeout");
    }
    ends_well(server).await;
}
