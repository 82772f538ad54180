//! A client as plain as can be: it writes bytes and reads bytes.

use std::io;

use hookwright_testkit::{DEADLINE, Receiver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What came back until the connection ended, and how it ended.
pub(crate) struct Ended {
    pub(crate) text: String,
    pub(crate) error: Option<io::ErrorKind>,
}

/// A request to `path` after which the receiver closes.
pub(crate) fn request(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: here\r\nwebhook-id: msg_1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    )
}

/// A request to `path` after which the connection stays open.
pub(crate) fn kept_alive(path: &str) -> String {
    request(path).replace("connection: close\r\n", "")
}

/// Connects and writes `text`.
pub(crate) async fn send(receiver: &Receiver, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(receiver.address()).await.expect("the receiver listens");
    stream.write_all(text.as_bytes()).await.expect("the receiver reads");
    stream
}

/// Sends a request and reads to the end of the connection.
pub(crate) async fn exchange(receiver: &Receiver, text: &str) -> Ended {
    read_to_end(&mut send(receiver, text).await).await
}

/// Reads to the end of the connection.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Ended {
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    Ended { text: String::from_utf8_lossy(&bytes).into_owned(), error: read.err().map(|error| error.kind()) }
}

/// Reads until `marker` was read, and returns all up to there and what came with it.
pub(crate) async fn read_until(stream: &mut TcpStream, marker: &str) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains(marker) {
            return text;
        }
        let read = timeout(DEADLINE, stream.read_buf(&mut bytes)).await.expect("more comes in time");
        assert_ne!(read.expect("the connection lasts"), 0, "ended before {marker:?}, after {text:?}");
    }
}
