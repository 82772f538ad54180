//! Sends one numbered message: to the server's API, or straight to the receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, Limited};

use super::super::rig::{Api, HttpClient, RigError, accepted, http_client};
use super::board::Board;
use super::drive::Turn;
use super::payload;
use super::source::Provider;

/// Messages that are sent before a part is measured: connections are made, caches filled.
pub(super) const WARM_UP: u64 = 500;
/// How long one request may take; a server that hangs ends the measurement.
const REQUEST_WITHIN: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Where messages are sent, and where that is noted.
pub(super) struct Sender {
    target: Target,
    board: Arc<Board>,
    size: u64,
    /// Messages that each node took; of whatever else there is one.
    taken: Vec<AtomicU64>,
}

enum Target {
    Receiver {
        client: HttpClient,
        url: String,
    },
    Server {
        /// One of each node.
        apis: Vec<Api>,
        paths: Vec<String>,
        event_type: &'static str,
        keys: Option<Keys>,
    },
    Source(Box<Provider>),
}

/// Makes idempotency keys that look like an SDK's (`auto_<uuid>`) and are spread like random ones, at the
/// price of a few additions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    seed: u64,
}

impl Sender {
    /// Straight to a receiver.
    pub(super) fn to_receiver(url: String, board: Arc<Board>, size: u64) -> Sender {
        Sender::to(Target::Receiver { client: http_client(), url }, 1, board, size)
    }

    /// Over the APIs of a server's nodes, of which each sender has one, to these applications in turn.
    pub(super) fn to_server(
        apis: Vec<Api>,
        applications: &[impl AsRef<str>],
        event_type: &'static str,
        keys: Option<Keys>,
        board: Arc<Board>,
        size: u64,
    ) -> Sender {
        let path = |application: &str| format!("/api/v1/app/{application}/msg");
        let paths = applications.iter().map(|application| path(application.as_ref())).collect();
        let nodes = apis.len();
        Sender::to(Target::Server { apis, paths, event_type, keys }, nodes, board, size)
    }

    /// To a source, as its provider does.
    pub(super) fn to_source(provider: Provider, board: Arc<Board>, size: u64) -> Sender {
        Sender::to(Target::Source(Box::new(provider)), 1, board, size)
    }

    fn to(target: Target, nodes: usize, board: Arc<Board>, size: u64) -> Sender {
        Sender { target, board, size, taken: (0..nodes.max(1)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Messages that each node took so far.
    pub(super) fn taken(&self) -> Vec<u64> {
        self.taken.iter().map(|taken| taken.load(Ordering::Relaxed)).collect()
    }

    /// Sends a message, and returns when it was taken.
    ///
    /// # Errors
    ///
    /// If it was not.
    pub(super) async fn send(&self, turn: Turn) -> Result<(), RigError> {
        let Turn { number, sender, due } = turn;
        let node = usize::try_from(sender % self.taken.len() as u64).unwrap_or_default();
        self.board.sent(number, due);
        tokio::time::timeout(REQUEST_WITHIN, self.request(number, node))
            .await
            .map_err(|_| RigError::TooSlow { seconds: REQUEST_WITHIN.as_secs() })??;
        self.board.accepted(number, Instant::now());
        self.taken[node].fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn request(&self, number: u64, node: usize) -> Result<(), RigError> {
        match &self.target {
            Target::Receiver { client, url } => {
                let body = Bytes::from(payload::write("", number, self.size, ""));
                let request = Request::post(url)
                    .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                    .body(Full::new(body))
                    .map_err(RigError::Request)?;
                taken(client, request, url).await
            }
            Target::Source(provider) => {
                let body = Bytes::from(payload::write("", number, self.size, ""));
                taken(provider.client(), provider.request(number, body)?, provider.url()).await
            }
            Target::Server { apis, paths, event_type, keys } => {
                let turn = usize::try_from(number % paths.len().max(1) as u64).unwrap_or_default();
                let path = paths.get(turn).map_or("/", String::as_str);
                let before = format!("{{\"eventType\":\"{event_type}\",\"payload\":");
                let body = Bytes::from(payload::write(&before, number, self.size, "}"));
                let key = keys.as_ref().map(|keys| keys.key(number));
                let (status, answer) = apis[node].call(Method::POST, path, body, key.as_deref()).await?;
                accepted(status, path, &answer)
            }
        }
    }
}

/// Makes a request that must be answered with success.
async fn taken(client: &HttpClient, request: Request<Full<Bytes>>, url: &str) -> Result<(), RigError> {
    let answer = client.request(request).await.map_err(RigError::NoAnswer)?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(RigError::Broken)?;
    accepted(head.status, url, &body.to_bytes())
}

impl Keys {
    /// Keys that no other run makes.
    ///
    /// # Errors
    ///
    /// If there are no random bytes.
    pub(super) fn new() -> Result<Keys, RigError> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(RigError::Random)?;
        Ok(Keys { seed: u64::from_ne_bytes(seed) })
    }

    fn key(&self, number: u64) -> String {
        format!("auto_{}", self.uuid(number))
    }

    /// What looks like a random UUID.
    pub(super) fn uuid(&self, number: u64) -> String {
        let high = mixed(self.seed.wrapping_add(number));
        let low = mixed(high ^ self.seed);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood 2014): a bijection that leaves no pattern.
fn mixed(value: u64) -> u64 {
    let z = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Keys;

    #[test]
    fn keys_differ_and_look_like_those_of_sdks() {
        let keys = Keys { seed: 7 };
        let made: HashSet<String> = (0..10_000).map(|number| keys.key(number)).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|key| key.len() == "auto_00000000-0000-0000-0000-000000000000".len()));
        assert_ne!(keys.key(1), Keys { seed: 8 }.key(1));
    }
}
