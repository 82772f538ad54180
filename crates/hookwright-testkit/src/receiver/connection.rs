//! One connection: request after request, each with the reply that is due.

use std::{io, net::SocketAddr, sync::Arc};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::{
    ledger::{Ledger, Open},
    perform::{self, Then},
    request::{Head, Unread},
};

/// A byte stream over TCP, plain or within TLS.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {
    /// The TCP connection below.
    fn tcp(&self) -> &TcpStream;
}

pub(super) struct Connection<S> {
    stream: S,
    /// What was read and not yet understood.
    buffer: BytesMut,
}

/// Serves a connection until either side ends it.
pub(super) async fn serve<S: Wire>(stream: S, peer: SocketAddr, open: Open, ledger: Arc<Ledger>) {
    let mut connection = Connection { stream, buffer: BytesMut::new() };
    match connection.exchange_all(peer, &open, &ledger).await {
        Ok(Then::Reset) => {
            // Without a linger time, dropping the socket sends RST.
            let _ = connection.stream.tcp().set_zero_linger();
        }
        // The write side is closed in order; that a peer is gone already is no news here.
        Ok(Then::Close | Then::Continue) | Err(_) => {
            let _ = connection.stream.shutdown().await;
        }
    }
}

impl<S: Wire> Connection<S> {
    async fn exchange_all(
        &mut self,
        peer: SocketAddr,
        open: &Open,
        ledger: &Arc<Ledger>,
    ) -> io::Result<Then> {
        loop {
            match self.exchange(peer, open, ledger).await {
                Ok(Then::Continue) => {}
                Ok(end) => return Ok(end),
                Err(Failed::Unread(Unread::Ended)) => return Ok(Then::Close),
                Err(Failed::Unread(Unread::Incomplete)) => {
                    ledger.count(|tally| tally.incomplete += 1);
                    return Ok(Then::Close);
                }
                Err(Failed::Unread(Unread::Malformed)) => {
                    ledger.count(|tally| tally.malformed += 1);
                    let answer =
                        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                    self.write(answer).await?;
                    return Ok(Then::Close);
                }
                Err(Failed::Write(error)) => return Err(error),
            }
        }
    }

    /// One request and its reply.
    async fn exchange(
        &mut self,
        peer: SocketAddr,
        open: &Open,
        ledger: &Arc<Ledger>,
    ) -> Result<Then, Failed> {
        let head = Head::read(&mut self.stream, &mut self.buffer).await?;
        let in_flight = ledger.enter();
        if head.expects_continue {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = head.read_body(&mut self.stream, &mut self.buffer).await?;
        let complete = |sequence| head.received(body, sequence, open.number, peer);
        let (reply, gate) = ledger.record(&head.id, &head.path, complete);
        for gate in gate.iter().chain(&reply.gate) {
            self.unless_peer_leaves(gate.pass()).await?;
        }
        if !reply.delay.is_zero() {
            self.unless_peer_leaves(tokio::time::sleep(reply.delay)).await?;
        }
        Ok(perform::perform(self, &reply.act, &head, in_flight, ledger).await?)
    }

    /// Awaits something on the receiver's side, and fails if the peer closes or resets meanwhile.
    ///
    /// A peer that closes only its write side counts as gone, as for most servers.
    pub(super) async fn unless_peer_leaves<T>(&mut self, event: impl Future<Output = T>) -> io::Result<T> {
        tokio::pin!(event);
        loop {
            tokio::select! {
                biased;
                value = &mut event => return Ok(value),
                read = self.stream.read_buf(&mut self.buffer) => if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                },
            }
        }
    }

    /// Writes all of the bytes now, through TLS as well.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

enum Failed {
    Unread(Unread),
    Write(io::Error),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
