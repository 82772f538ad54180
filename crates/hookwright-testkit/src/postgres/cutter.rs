//! A connection to PostgreSQL that breaks when it is asked to: at a commit, or at any message of a batch.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::messages::{Messages, Sent, contains, is_begin, is_commit, is_committed, is_idle, is_sync};

/// What begins a batch goes out in one flight; so long it may be under way on a busy machine.
const FLIGHT: Duration = Duration::from_millis(500);

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the server hears of the commit.
    BeforeCommit,
    /// After the server has committed, before the client hears of it.
    BeforeAnswer,
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It ends for both.
    Cut,
    /// Nothing gets through for so long; then all does.
    Delay(Duration),
    /// The client hears that the server sends no more, and can still send.
    HalfCloseClient,
    /// The server hears that the client sends no more, and can still answer.
    HalfCloseServer,
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
    plan: Option<Plan>,
    /// How often a break was asked for: what a client sent before belongs to another.
    asked: u64,
    refuses: bool,
    /// How many messages of the batch that is meant got through, when it is over.
    steps: Option<usize>,
}

#[derive(Clone)]
struct Plan {
    place: Place,
    how: How,
    /// The bytes that a client must have sent before, or within the flight that begins the batch.
    of: Vec<u8>,
    /// Whether new connections are refused from then on.
    refuses_after: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Commit(Cut),
    /// Before this message of the batch, in whichever direction, counted from 0.
    Step(usize),
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
                    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    // However it ends, it ends for both.
                    let _ = Carrier::new(cutter, client, server).carry().await;
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
        self.ask(Place::Commit(cut), How::Cut, of, false);
    }

    /// The same, and then nobody gets through until [`Cutter::mend`].
    pub fn cut_and_refuse(&self, cut: Cut, of: &str) {
        self.ask(Place::Commit(cut), How::Cut, of, true);
    }

    /// The next batch in whose first flight `of` is breaks before this message of it, counted from 0 at its `BEGIN`, or at the values
    /// of its only statement, in both directions, until its commit is answered. If it has fewer, it does not break.
    pub fn break_at(&self, step: usize, how: How, of: &str) {
        self.ask(Place::Step(step), how, of, false);
    }

    /// How many messages of the batch that [`Cutter::break_at`] means got through, once it is over or broke. `None` if none has
    /// come: it was part of a batch that began with something else.
    #[must_use]
    pub fn steps(&self) -> Option<usize> {
        self.lock().steps
    }

    fn ask(&self, place: Place, how: How, of: &str, refuses_after: bool) {
        let mut state = self.lock();
        let asked = state.asked + 1;
        let plan = Plan { place, how, of: of.into(), refuses_after };
        *state = State { plan: Some(plan), asked, ..State::default() };
    }

    /// Whether a connection broke as it was asked for.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        self.lock().plan.is_none()
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

    /// What is asked for, and its number.
    fn asked(&self) -> Option<(Plan, u64)> {
        let state = self.lock();
        Some((state.plan.clone()?, state.asked))
    }

    /// Breaks what is asked for, if this is still that; one connection does.
    fn breaks(&self, number: u64) -> Option<How> {
        let mut state = self.lock();
        if state.asked != number {
            return None;
        }
        let plan = state.plan.take()?;
        state.refuses = plan.refuses_after;
        Some(plan.how)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
struct Carrier {
    cutter: Cutter,
    client: TcpStream,
    server: TcpStream,
    /// The number of the break that this connection is meant by, as its client has sent what that waits for.
    meant: Option<u64>,
    /// The same for one at a step, and how many messages of the batch got through.
    counting: Option<(u64, usize)>,
    sent: Sent,
    /// Whether a statement that is a transaction of its own has been sent and not answered.
    is_alone: bool,
    /// Whether the client, or the server, is told nothing more.
    is_half_closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

/// The connection is over for both.
struct Over;

impl Carrier {
    fn new(cutter: Cutter, client: TcpStream, server: TcpStream) -> Carrier {
        let (sent, is_alone, is_half_closed) = (Sent::default(), false, false);
        Carrier { cutter, client, server, meant: None, counting: None, sent, is_alone, is_half_closed }
    }

    async fn carry(mut self) -> Result<(), Over> {
        let (mut of_client, mut of_server) = (Messages::of_client(), Messages::of_server());
        let (mut from_client, mut from_server) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut stalled = self.cutter.stalled.subscribe();
        loop {
            let (from, read) = tokio::select! {
                read = self.client.read(&mut from_client) => (Sender::Client, read),
                read = self.server.read(&mut from_server) => (Sender::Server, read),
            };
            let messages = match from {
                Sender::Client => {
                    let mut messages = of_client.take(read_some(&from_client, read)?);
                    for message in &messages {
                        self.is_alone |= self.sent.note(message);
                    }
                    self.flight(&mut messages, &mut of_client, &mut from_client).await?;
                    messages
                }
                Sender::Server => of_server.take(read_some(&from_server, read)?),
            };
            let _ = stalled.wait_for(|stalled| !stalled).await;
            self.pass(from, messages).await?;
        }
    }

    /// If these begin a batch, and one is to break at a step: holds them back until it is clear whether it is the one that is
    /// meant, and counts if it is.
    async fn flight(
        &mut self,
        messages: &mut Vec<Vec<u8>>,
        of_client: &mut Messages,
        buffer: &mut [u8],
    ) -> Result<(), Over> {
        let Some((Plan { place: Place::Step(_), of, .. }, number)) = self.cutter.asked() else {
            return Ok(());
        };
        if !self.is_alone && !messages.iter().any(|message| is_begin(message)) {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + FLIGHT;
        let is_meant = |messages: &[Vec<u8>]| messages.iter().any(|message| contains(message, &of));
        while !is_meant(messages) {
            let Ok(read) = tokio::time::timeout_at(deadline, self.client.read(buffer)).await else {
                return Ok(());
            };
            let more = of_client.take(read_some(buffer, read)?);
            for message in &more {
                self.is_alone |= self.sent.note(message);
            }
            messages.extend(more);
        }
        self.counting = Some((number, 0));
        Ok(())
    }

    async fn pass(&mut self, from: Sender, messages: Vec<Vec<u8>>) -> Result<(), Over> {
        // Those that are not held back go out in one piece, as they came.
        let mut together = Vec::new();
        for message in messages {
            if let Some(how) = self.breaks_before(from, &message) {
                self.write(from, &std::mem::take(&mut together)).await?;
                self.break_now(how).await?;
            }
            self.count(&message);
            if from == Sender::Server && is_idle(&message) {
                self.is_alone = false;
            }
            together.extend(message);
        }
        self.write(from, &together).await
    }

    fn breaks_before(&mut self, from: Sender, message: &[u8]) -> Option<How> {
        let (plan, number) = self.cutter.asked()?;
        match plan.place {
            Place::Commit(cut) => {
                if from == Sender::Client && contains(message, &plan.of) {
                    self.meant = Some(number);
                }
                let is_here = match cut {
                    Cut::BeforeCommit => {
                        from == Sender::Client && (is_commit(message) || self.is_alone && is_sync(message))
                    }
                    Cut::BeforeAnswer => {
                        from == Sender::Server && (is_committed(message) || self.is_alone && is_idle(message))
                    }
                };
                if is_here && self.meant == Some(number) { self.cutter.breaks(number) } else { None }
            }
            Place::Step(step) if self.counting == Some((number, step)) => {
                self.counting = None;
                self.cutter.lock().steps = Some(step);
                self.cutter.breaks(number)
            }
            Place::Step(_) => None,
        }
    }

    /// Counts a message that gets through, if it is of the batch that is meant.
    fn count(&mut self, message: &[u8]) {
        let Some((number, count)) = &mut self.counting else { return };
        *count += 1;
        if is_committed(message) || self.is_alone && is_idle(message) {
            // What says that the server waits for more follows; a client needs only this. A later batch is not meant.
            let mut state = self.cutter.lock();
            if state.asked == *number {
                state.steps = Some(*count);
                state.plan = None;
            }
            drop(state);
            self.counting = None;
        }
    }

    async fn break_now(&mut self, how: How) -> Result<(), Over> {
        match how {
            How::Cut => return Err(Over),
            // Paces: how long nothing gets through is the point.
            How::Delay(delay) => tokio::time::sleep(delay).await,
            How::HalfCloseClient => self.client.shutdown().await.map_err(|_| Over)?,
            How::HalfCloseServer => self.server.shutdown().await.map_err(|_| Over)?,
        }
        self.is_half_closed = matches!(how, How::HalfCloseClient | How::HalfCloseServer);
        Ok(())
    }

    async fn write(&mut self, from: Sender, bytes: &[u8]) -> Result<(), Over> {
        let to = if from == Sender::Client { &mut self.server } else { &mut self.client };
        match to.write_all(bytes).await {
            // What goes where nobody is told anything more is lost; the other direction goes on.
            Err(_) if self.is_half_closed => Ok(()),
            written => written.map_err(|_| Over),
        }
    }
}

/// What was read; over if the other end has nothing more to say.
fn read_some(buffer: &[u8], read: std::io::Result<usize>) -> Result<&[u8], Over> {
    match read {
        Ok(0) | Err(_) => Err(Over),
        Ok(count) => Ok(&buffer[..count]),
    }
}
