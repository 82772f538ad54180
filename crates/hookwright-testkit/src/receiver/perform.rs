//! Performs one reply on a connection.

use std::{fmt::Write, future, io, sync::Arc, time::Duration};

use super::{
    connection::{Connection, Wire},
    ledger::{InFlight, Ledger},
    reply::{Act, Answer, BreakOff, Point},
    request::Head,
};

/// The unit in which huge and endless bodies are written.
const PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Continue,
    Close,
    Reset,
}

/// Plays `act` to its end, or until the peer is gone, which is the error.
pub(super) async fn perform<S: Wire>(
    connection: &mut Connection<S>,
    act: &Act,
    head: &Head,
    in_flight: InFlight,
    ledger: &Arc<Ledger>,
) -> io::Result<Then> {
    match act {
        Act::Answer(answer) => {
            for status in &answer.interim {
                connection.write(format!("HTTP/1.1 {status} Interim\r\n\r\n").as_bytes()).await?;
            }
            // Before the last byte: once the sender has it, it may start the next request at once, and the
            // gauge must never show more than the sender had in flight.
            drop(in_flight);
            connection.write(&render(answer, head)).await?;
            Ok(if head.keep_alive { Then::Continue } else { Then::Close })
        }
        Act::Hang => connection.unless_peer_leaves(future::pending()).await,
        Act::DripHead { interval } => drip(connection, "HTTP/1.1 200 OK\r\nx-drip: ", *interval).await,
        Act::DripBody { interval } => {
            connection.write(b"HTTP/1.1 200 OK\r\n").await?;
            connection.write(format!("content-length: {}\r\n\r\n", u32::MAX).as_bytes()).await?;
            drip(connection, "", *interval).await
        }
        Act::BreakOff { how, at } => {
            drop(in_flight);
            let before: &[u8] = match at {
                Point::BeforeAnswer => b"",
                Point::InHead => b"HTTP/1.1 200 OK\r\ncontent-le",
                Point::InBody => b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789",
            };
            connection.write(before).await?;
            Ok(match how {
                BreakOff::Close => Then::Close,
                BreakOff::Reset => Then::Reset,
            })
        }
        Act::Huge { bytes } => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
            connection.write(head.as_bytes()).await?;
            let mut left = *bytes;
            while left > 0 {
                let length = usize::try_from(left).map_or(PIECE.len(), |left| left.min(PIECE.len()));
                connection.write(&PIECE[..length]).await?;
                left -= length as u64;
                ledger.count(|tally| tally.streamed += length as u64);
            }
            // Whether the sender wants more than this answer is for it to show.
            Ok(Then::Continue)
        }
        Act::EndlessChunks => {
            connection.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let chunk = [format!("{:x}\r\n", PIECE.len()).as_bytes(), &PIECE, b"\r\n"].concat();
            loop {
                connection.write(&chunk).await?;
                ledger.count(|tally| tally.streamed += PIECE.len() as u64);
            }
        }
        Act::EndlessInterim => loop {
            connection.write(b"HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preload\r\n\r\n").await?;
        },
        Act::Raw(bytes) => {
            drop(in_flight);
            connection.write(bytes).await?;
            Ok(Then::Close)
        }
    }
}

/// Writes `start` and then filler, one byte per interval, until the peer is gone.
async fn drip<S: Wire>(connection: &mut Connection<S>, start: &str, interval: Duration) -> io::Result<Then> {
    let mut start = start.bytes();
    loop {
        connection.write(&[start.next().unwrap_or(b'x')]).await?;
        connection.unless_peer_leaves(tokio::time::sleep(interval)).await?;
    }
}

/// The bytes of a plain answer.
fn render(answer: &Answer, request: &Head) -> Vec<u8> {
    let status = answer.status;
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown"));
    for (name, value) in &answer.headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    if !bodiless {
        let _ = write!(text, "content-length: {}\r\n", answer.body.len());
    }
    if !request.keep_alive {
        text.push_str("connection: close\r\n");
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    if !bodiless && !request.is_head {
        bytes.extend_from_slice(&answer.body);
    }
    bytes
}
