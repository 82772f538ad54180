//! A TCP proxy that can be cut, stalled and restored, to stand before a database or a receiver.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
};

/// How long accepting pauses after it failed, which happens when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Forwards connections to one address until it is told to break. Dropping it ends all its connections.
pub struct BreakableProxy {
    address: SocketAddr,
    orders: mpsc::Sender<Order>,
    connections: watch::Receiver<usize>,
    relay: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Flowing,
    Stalled,
    Cut,
}

/// A mode to take, and where to say that it was taken.
struct Order {
    mode: Mode,
    done: oneshot::Sender<()>,
}

impl BreakableProxy {
    /// Starts a proxy on a free port of 127.0.0.1 that forwards to `target`, which may be down still.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port can be had");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (orders, received) = mpsc::channel(1);
        let (count, connections) = watch::channel(0);
        let relay = Relay { target, address, mode: watch::Sender::new(Mode::Flowing), count };
        Self { address, orders, connections, relay: tokio::spawn(relay.run(listener, received)) }
    }

    /// The address to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Resets all connections and refuses new ones, as a host whose server crashed.
    pub async fn cut(&self) {
        self.order(Mode::Cut).await;
    }

    /// Keeps all connections and accepts new ones, but lets no byte pass, as a network that drops packets.
    pub async fn stall(&self) {
        self.order(Mode::Stalled).await;
    }

    /// Forwards again: what was held in a stall goes on, what was cut must connect anew.
    pub async fn restore(&self) {
        self.order(Mode::Flowing).await;
    }

    /// Returns once the mode was taken.
    async fn order(&self, mode: Mode) {
        let (done, taken) = oneshot::channel();
        self.orders.send(Order { mode, done }).await.expect("the relay runs as long as the proxy");
        taken.await.expect("the relay takes every order");
    }
}

impl Drop for BreakableProxy {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

struct Relay {
    target: SocketAddr,
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    count: watch::Sender<usize>,
}

impl Relay {
    async fn run(self, listener: TcpListener, mut orders: mpsc::Receiver<Order>) {
        let mut listener = Some(listener);
        // While cut, a bound socket that does not listen keeps the port ours and refuses connections.
        let mut placeholder = None;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => {
                    let Some(Order { mode, done }) = order else { return };
                    self.mode.send_replace(mode);
                    if mode == Mode::Cut {
                        listener = None;
                        placeholder = bind(self.address).ok();
                        // Each resets its two sockets when it sees the mode.
                        while connections.join_next().await.is_some() {}
                    } else if listener.is_none() {
                        drop(placeholder.take());
                        listener = Some(listen(self.address));
                    }
                    // The test may have stopped waiting.
                    let _ = done.send(());
                }
                accepted = accept(listener.as_ref()) => match accepted {
                    Ok(stream) => {
                        self.count.send_modify(|count| *count += 1);
                        connections.spawn(forward(stream, self.target, self.mode.subscribe()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// The next connection; none ever comes without a listener.
async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections of before may linger in TIME_WAIT on this port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> TcpListener {
    /// The backlog that the standard library uses, more than any test opens at once.
    const BACKLOG: u32 = 128;
    bind(address)
        .and_then(|socket| socket.listen(BACKLOG))
        .unwrap_or_else(|error| panic!("the proxy cannot listen on {address} again: {error}"))
}

/// Forwards one connection both ways until an end closes or the proxy is cut.
async fn forward(mut near: TcpStream, target: SocketAddr, mode: watch::Receiver<Mode>) {
    let mut watched = mode.clone();
    let cut = async move {
        // An error means that the proxy is gone, which cuts as well.
        let _ = watched.wait_for(|mode| *mode == Mode::Cut).await;
    };
    tokio::pin!(cut);
    let far = tokio::select! {
        biased;
        () = &mut cut => None,
        far = TcpStream::connect(target) => match far {
            Ok(far) => Some(far),
            // A client sees a target that is down as a connection that ends at once.
            Err(_) => return,
        },
    };
    let Some(mut far) = far else {
        let _ = near.set_zero_linger();
        return;
    };
    for stream in [&near, &far] {
        // Failing to switch Nagle's algorithm off only makes small pieces slower.
        let _ = stream.set_nodelay(true);
    }
    // Borrowed halves: owned ones send FIN when dropped, before the reset.
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    let both = async {
        tokio::join!(pump(near_read, far_write, mode.clone()), pump(far_read, near_write, mode.clone()));
    };
    let is_cut = tokio::select! {
        biased;
        () = &mut cut => true,
        () = both => false,
    };
    if is_cut {
        // Without a linger time, dropping the sockets sends RST.
        for stream in [&near, &far] {
            let _ = stream.set_zero_linger();
        }
    }
}

/// Copies one direction; each piece waits until the proxy is not stalled.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        match mode.wait_for(|mode| *mode != Mode::Stalled).await {
            Ok(mode) if *mode == Mode::Flowing => {}
            _ => return,
        }
        if read == 0 {
            // The other direction may still flow.
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
