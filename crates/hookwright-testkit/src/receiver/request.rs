//! Reads requests (RFC 9112) off a buffer: the head as a whole, the body by its framing.

use std::{io, net::SocketAddr};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::Instant,
};

use super::received::Received;

/// More headers than any of our requests has.
const HEADERS_MAX: usize = 128;

/// A head that was read, with what the receiver itself needs from it.
pub(super) struct Head {
    bytes: Bytes,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) is_head: bool,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

/// Why no request was read.
pub(super) enum Unread {
    /// The peer closed or reset between two requests.
    Ended,
    /// The peer closed or reset within a request.
    Incomplete,
    /// This is not HTTP/1.
    Malformed,
}

impl Head {
    /// Reads the next head from the stream; what follows it stays in the buffer.
    pub(super) async fn read(
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> Result<Self, Unread> {
        loop {
            if let Some(head) = Self::parse(buffer)? {
                return Ok(head);
            }
            if !matches!(stream.read_buf(buffer).await, Ok(1..)) {
                return Err(if buffer.is_empty() { Unread::Ended } else { Unread::Incomplete });
            }
        }
    }

    /// Takes a head off the buffer, or gives `None` if it is not complete.
    fn parse(buffer: &mut BytesMut) -> Result<Option<Self>, Unread> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(buffer) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Unread::Malformed),
        };
        let target = request.path.unwrap_or_default();
        let mut head = Self {
            bytes: Bytes::new(),
            id: String::new(),
            path: target.split('?').next().unwrap_or_default().to_owned(),
            is_head: request.method == Some("HEAD"),
            keep_alive: request.version == Some(1),
            expects_continue: false,
            framing: Framing::Length(0),
        };
        for header in request.headers {
            let value = String::from_utf8_lossy(header.value);
            match header.name {
                name if name.eq_ignore_ascii_case("content-length") => {
                    head.framing = Framing::Length(value.parse().map_err(|_| Unread::Malformed)?);
                }
                name if name.eq_ignore_ascii_case("transfer-encoding") => head.framing = Framing::Chunked,
                name if name.eq_ignore_ascii_case("connection") => {
                    head.keep_alive &= !value.eq_ignore_ascii_case("close");
                }
                name if name.eq_ignore_ascii_case("expect") => head.expects_continue = true,
                name if name.eq_ignore_ascii_case("webhook-id") => head.id = value.into_owned(),
                _ => {}
            }
        }
        head.bytes = buffer.split_to(length).freeze();
        Ok(Some(head))
    }

    /// Reads the body that belongs to this head.
    pub(super) async fn read_body(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> Result<Bytes, Unread> {
        match self.framing {
            Framing::Length(length) => {
                fill(stream, buffer, length).await?;
                Ok(buffer.split_to(length).freeze())
            }
            Framing::Chunked => read_chunks(stream, buffer).await,
        }
    }

    /// The complete record of the request.
    pub(super) fn received(
        &self,
        body: Bytes,
        sequence: usize,
        connection: usize,
        peer: SocketAddr,
    ) -> Received {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(&self.bytes).expect("this head was parsed before");
        let owned = request
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()));
        Received {
            sequence,
            headers: owned.collect(),
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            body,
            peer,
            connection,
            at: Instant::now(),
        }
    }
}

/// Reads a chunked body (RFC 9112, section 7.1) and its trailers, which are dropped.
async fn read_chunks(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Bytes, Unread> {
    let mut body = BytesMut::new();
    loop {
        let line = read_line(stream, buffer).await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| Unread::Malformed)?;
        if size == 0 {
            while !read_line(stream, buffer).await?.is_empty() {}
            return Ok(body.freeze());
        }
        fill(stream, buffer, size.checked_add(2).ok_or(Unread::Malformed)?).await?;
        body.extend_from_slice(&buffer[..size]);
        buffer.advance(size + 2);
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<String, Unread> {
    loop {
        if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line = buffer.split_to(end + 2);
            return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        fill(stream, buffer, buffer.len() + 1).await?;
    }
}

/// Reads until the buffer has at least `length` bytes.
async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    length: usize,
) -> Result<(), Unread> {
    while buffer.len() < length {
        let read: io::Result<usize> = stream.read_buf(buffer).await;
        if !matches!(read, Ok(1..)) {
            return Err(Unread::Incomplete);
        }
    }
    Ok(())
}
