//! A connection to PostgreSQL that breaks at a commit: before the server hears of it, or before its answer is heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The simple query `COMMIT`, as clients send it
/// (<https://www.postgresql.org/docs/15/protocol-message-formats.html>).
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";
/// That a statement is done, and which.
const COMMITTED: &[u8] = b"C\x00\x00\x00\x0bCOMMIT\x00";

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the server hears of the commit.
    BeforeCommit,
    /// After the server has committed, before the client hears of it.
    BeforeAnswer,
}

/// Stands between clients and a server on a loopback port, and breaks one connection when asked to.
#[derive(Clone)]
pub struct Cutter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Whether nothing gets through in either direction, though every connection stands.
    stalled: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    /// How often a cut was asked for: what a client sent before belongs to another.
    asked: u64,
    /// The bytes that a client must have sent before.
    of: Vec<u8>,
    /// Whether new connections are refused, from the next cut on.
    refuses_after: bool,
    refuses: bool,
}

impl Cutter {
    /// Starts to listen, in front of the server on this port.
    pub async fn start(port: u16) -> Cutter {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port can be had");
        let address = listener.local_addr().expect("a bound socket has an address");
        let cutter = Cutter { address, state: Arc::default(), stalled: Arc::default() };
        let accepting = cutter.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if accepting.lock().refuses {
                    continue;
                }
                let cutter = accepting.clone();
                tokio::spawn(async move {
                    // However it ends, it ends for both.
                    let _ = cutter.carry(client, port).await;
                });
            }
        });
        cutter
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next connection that commits breaks there, if `of` is in what its client sent from now on.
    pub fn cut(&self, cut: Cut, of: &str) {
        self.ask(cut, of, false);
    }

    /// The same, and then nobody gets through until [`Cutter::mend`].
    pub fn cut_and_refuse(&self, cut: Cut, of: &str) {
        self.ask(cut, of, true);
    }

    fn ask(&self, cut: Cut, of: &str, refuses_after: bool) {
        let mut state = self.lock();
        let asked = state.asked + 1;
        *state = State { cut: Some(cut), asked, of: of.into(), refuses_after, refuses: false };
    }

    /// Whether a connection broke as it was asked for.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        self.lock().cut.is_none()
    }

    /// From now on nothing is heard of the server, as if its machine stood still, until [`Cutter::mend`].
    pub fn stall(&self) {
        self.stalled.send_replace(true);
    }

    /// Lets everybody through again.
    pub fn mend(&self) {
        let mut state = self.lock();
        *state = State { asked: state.asked, ..State::default() };
        drop(state);
        self.stalled.send_replace(false);
    }

    async fn carry(&self, mut client: TcpStream, port: u16) -> std::io::Result<()> {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        // The cut that this connection is meant by, if it is.
        let (mut meant, mut stalled) = (None, self.stalled.subscribe());
        loop {
            tokio::select! {
                read = client.read(&mut from_client) => {
                    let bytes = &from_client[..read?];
                    if bytes.is_empty() {
                        return Ok(());
                    }
                    let _ = stalled.wait_for(|stalled| !stalled).await;
                    meant = self.meant_by(bytes).or(meant);
                    if let Some(place) = find(bytes, COMMIT)
                        && self.breaks(Cut::BeforeCommit, meant)
                    {
                        return server.write_all(&bytes[..place]).await;
                    }
                    server.write_all(bytes).await?;
                }
                read = server.read(&mut from_server) => {
                    let bytes = &from_server[..read?];
                    if bytes.is_empty() {
                        return Ok(());
                    }
                    let _ = stalled.wait_for(|stalled| !stalled).await;
                    if let Some(place) = find(bytes, COMMITTED)
                        && self.breaks(Cut::BeforeAnswer, meant)
                    {
                        return client.write_all(&bytes[..place]).await;
                    }
                    client.write_all(bytes).await?;
                }
            }
        }
    }

    /// The cut that is asked for, if these bytes of a client are what it waits for.
    fn meant_by(&self, bytes: &[u8]) -> Option<u64> {
        let state = self.lock();
        (state.cut.is_some() && find(bytes, &state.of).is_some()).then_some(state.asked)
    }

    /// Whether a connection that is meant by this cut breaks here; one does.
    fn breaks(&self, here: Cut, meant: Option<u64>) -> bool {
        let mut state = self.lock();
        if state.cut != Some(here) || meant != Some(state.asked) {
            return false;
        }
        state.cut = None;
        state.refuses = state.refuses_after;
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return Some(0);
    }
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
