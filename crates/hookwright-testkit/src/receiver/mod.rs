//! A scripted HTTP/1.1 receiver on loopback.
//!
//! The server is written by hand on TCP, since most of what it must do is what a proper server library prevents.
//! `listener` accepts, `connection` reads with `request`, asks the `ledger` which `reply` is due and has `perform`
//! play it.

mod gate;
mod received;
mod reply;

mod connection;
mod ledger;
mod listener;
mod perform;
mod request;
mod script;

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};

pub use gate::Gate;
pub use ledger::Tally;
use ledger::{Keep, Ledger};
use listener::Layer;
pub use received::Received;
pub use reply::{Point, Reply};
use script::Script;

use crate::{Authority, DEADLINE, Leaf};

/// A receiver that answers as told and keeps what it got. Dropping it ends all its connections.
pub struct Receiver {
    ledger: Arc<Ledger>,
    address: SocketAddr,
    scheme: &'static str,
    /// How long a wait lasts before it panics.
    deadline: Duration,
    acceptor: JoinHandle<()>,
}

impl Receiver {
    /// Starts a receiver on a free port, which answers 200 to everything.
    pub async fn start() -> Self {
        Self::open(0, Layer::Plain, Keep::Requests).await
    }

    /// Starts one on a given port, to come back where one was stopped.
    pub async fn start_on(port: u16) -> Self {
        Self::open(port, Layer::Plain, Keep::Requests).await
    }

    /// Starts one for load tests, which keeps only how often each `webhook-id` came.
    pub async fn start_counting() -> Self {
        Self::open(0, Layer::Plain, Keep::Counts).await
    }

    /// Starts one that speaks TLS 1.2 and 1.3 with a certificate from `authority`.
    pub async fn start_tls(authority: &Authority, leaf: Leaf) -> Self {
        Self::open(0, Layer::Tls(authority.server_config(leaf)), Keep::Requests).await
    }

    /// Starts one whose URLs say `https` and that answers a TLS hello with plain text.
    pub async fn start_not_tls() -> Self {
        Self::open(0, Layer::NotTls, Keep::Requests).await
    }

    /// Starts one whose URLs say `https` and that never finishes a handshake.
    pub async fn start_silent_tls() -> Self {
        Self::open(0, Layer::SilentTls, Keep::Requests).await
    }

    /// Waits for another time than [`DEADLINE`] before a wait panics, for what takes minutes by design.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The URL of a path, which starts with a slash, on `127.0.0.1`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.url_on("127.0.0.1", path)
    }

    /// The URL of a path on another name of this host, such as `localhost`.
    #[must_use]
    pub fn url_on(&self, host: &str, path: &str) -> String {
        assert!(path.starts_with('/'), "a path starts with a slash, and this is {path:?}");
        format!("{}://{host}:{}{path}", self.scheme, self.port())
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Replies to the next requests one after another; the last reply repeats.
    ///
    /// Replaces the script so far. An empty script answers 200.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.ledger.script(Script::sequence(replies));
    }

    /// As [`script`](Self::script), for the requests to one path, whatever their query.
    pub fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.ledger.script_path(path, Script::sequence(replies));
    }

    /// Replies as the function decides, which sees each request in the order of recording.
    ///
    /// It runs under the lock of the receiver, so it must not ask the receiver anything.
    pub fn reply_with(&self, function: impl FnMut(&Received) -> Reply + Send + 'static) {
        self.ledger.script(Script::Function(Box::new(function)));
    }

    /// Holds all requests from now on at a gate, and replies as scripted to those it lets pass.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let gate = Gate::new();
        self.ledger.gate(gate.clone());
        gate
    }

    /// Waits for at least `n` requests, and returns all that came.
    ///
    /// # Panics
    ///
    /// After the deadline, with what came; and on a receiver that only counts.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        self.ledger.wait(self.deadline, &format!("{n} requests"), |tally, _| tally.requests >= n).await;
        self.received()
    }

    /// Waits until `enough` holds for the requests that came, and returns them.
    ///
    /// # Panics
    ///
    /// As [`wait_for`](Self::wait_for); `what` says what was awaited.
    pub async fn wait_until(&self, enough: impl Fn(&[Received]) -> bool, what: &str) -> Vec<Received> {
        self.ledger.wait(self.deadline, what, |_, received| enough(received)).await;
        self.received()
    }

    /// Waits until `enough` holds for the counters, and returns the counters.
    ///
    /// # Panics
    ///
    /// After the deadline, with what came; `what` says what was awaited.
    pub async fn wait_tally(&self, enough: impl Fn(&Tally) -> bool, what: &str) -> Tally {
        let mut seen = Tally::default();
        let check = |tally: &Tally, _: &[Received]| {
            seen = *tally;
            enough(tally)
        };
        self.ledger.wait(self.deadline, what, check).await;
        seen
    }

    /// All requests so far, in the order in which they were completely read.
    ///
    /// # Panics
    ///
    /// On a receiver that only counts.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.ledger.received()
    }

    /// How many requests were completely read so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tally().requests
    }

    /// The counters at this moment.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.ledger.tally()
    }

    /// How often each `webhook-id` came; requests without one are under the empty string.
    #[must_use]
    pub fn counts(&self) -> HashMap<String, u32> {
        self.ledger.counts()
    }

    /// Ends all connections and refuses new ones; returns once the port is free.
    pub async fn stop(mut self) {
        self.acceptor.abort();
        // The only outcome is that it was cancelled.
        let _ = (&mut self.acceptor).await;
    }

    async fn open(port: u16, layer: Layer, keep: Keep) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .unwrap_or_else(|error| panic!("cannot listen on 127.0.0.1:{port}: {error}"));
        let address = listener.local_addr().expect("a bound socket has an address");
        let scheme = if matches!(layer, Layer::Plain) { "http" } else { "https" };
        let ledger = Ledger::new(keep);
        let acceptor = tokio::spawn(listener::listen(listener, layer, ledger.clone()));
        Self { ledger, address, scheme, deadline: DEADLINE, acceptor }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}
