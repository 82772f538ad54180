//! Bodies that do not come whole: answered in the same words as whatever else is refused, and in the log.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Provider, github, log};
use crate::api::rig::{Rig, text};

#[tokio::test]
async fn a_body_that_breaks_off_is_in_the_log_as_refused() {
    let rig = Rig::start().await;
    let provider = Provider::of(&rig, github()).await;
    let address = rig.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It says what a chunk has, and then something else.
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\n{{\"a\"}}\r\nno chunk\r\n",
        provider.path
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("content-type: text/plain"), "as every answer of a source: {answer}");
    let row = &log(&rig, &provider.id).await[0];
    assert_eq!((&row["verdict"], &row["status_code"]), (&json!("refused"), &json!(400)));
    assert_eq!(text(&row["error_text"]), "The request body ended early or was not well framed.");
}
