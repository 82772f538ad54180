//! Accepts connections and brings each to the point where HTTP begins.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    connection::serve,
    ledger::{Ledger, Open},
};

/// How long accepting pauses after it failed, which happens when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What speaks first on a new connection.
#[derive(Clone)]
pub(super) enum Layer {
    Plain,
    Tls(Arc<ServerConfig>),
    /// Answers the client's hello with bytes that are not TLS.
    NotTls,
    /// Reads the client's hello and never answers.
    SilentTls,
}

/// Serves until it is aborted; all connections end with it.
pub(super) async fn listen(listener: TcpListener, layer: Layer, ledger: Arc<Ledger>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(greet(stream, peer, layer.clone(), ledger.open(), ledger.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn greet(mut stream: TcpStream, peer: SocketAddr, layer: Layer, open: Open, ledger: Arc<Ledger>) {
    // Failing to switch Nagle's algorithm off only makes small answers slower.
    let _ = stream.set_nodelay(true);
    match layer {
        Layer::Plain => serve(stream, peer, open, ledger).await,
        Layer::Tls(config) => match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => serve(stream, peer, open, ledger).await,
            Err(_) => ledger.count(|tally| tally.failed_handshakes += 1),
        },
        Layer::NotTls => {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(b"220 this is no TLS server\r\n").await;
            let _ = stream.shutdown().await;
            // Whatever the client still says is read, since a close before that would reset the connection.
            while matches!(stream.read(&mut hello).await, Ok(1..)) {}
        }
        Layer::SilentTls => {
            let mut hello = [0; 4096];
            while matches!(stream.read(&mut hello).await, Ok(1..)) {}
        }
    }
}
