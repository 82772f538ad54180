//! The thread that drives all connections, and the connections that reads take turns on.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres::AsyncMessage;

use crate::config::PostgresUrl;
use crate::store::error::StoreError;
use crate::store::postgres::address::Address;
use crate::store::postgres::connection::{Connection, STATEMENT_TIMEOUT};

/// Reads at the same time; more wait for their turn.
const READERS: usize = 8;
/// Whoever gets no connection within this is told that the database is gone.
const LENT_WITHIN: Duration = Duration::from_millis(1_500);

/// A read takes no longer than this in all, with the wait for its connection: whoever asks is told within 5 s.
const READ_WITHIN: Duration = Duration::from_secs(4);

/// Where nodes tell each other that there is something to look at. It carries no more than that: a hint that is lost, or comes
/// from another schema of the same database, does no harm.
pub(super) const CHANNEL: &str = "hookwright";

/// What people who look on see of a session that listens.
const HEARTBEAT: &str = "hookwright heartbeat";

/// What every session is set to. Statements are few and always the same, so that compiling them (`jit`) costs more than it brings.
const SESSION: &str = "SET jit = off; SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '30s'; SET TimeZone = 'UTC'";
/// What a session that writes is set to besides: its statements go by their indexes, whatever was counted last. A plan that
/// reads a whole table because it was small a minute ago would hold up everybody. A transaction whose client is not heard of any more
/// ends before the client's lease does: nobody adopts that before.
const WRITING: &str = "SET idle_in_transaction_session_timeout = '5s'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// So long whoever makes or drops a table waits for it: all who come after wait as long.
pub(super) const WAITS: &str = "SET lock_timeout = '200ms'";

/// Opens connections, and lends them to reads.
pub(super) struct Pool {
    driver: Driver,
    address: Address,
    idle: Mutex<Vec<Arc<Connection>>>,
    permits: Arc<Semaphore>,
}

/// A connection that a read has to itself.
pub(super) struct Lent {
    connection: Arc<Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Starts the thread; connects to nothing yet.
    pub(super) fn open(url: &PostgresUrl) -> Result<Pool, StoreError> {
        Ok(Pool {
            driver: Driver::start()?,
            address: Address::read(url)?,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// For a thread that writes: it drives its connections itself while it waits for an answer, which saves the way to the
    /// other thread and back. Nobody drives them meanwhile: that one was closed is found out by using it.
    pub(super) fn of_one_thread(&self) -> Result<Pool, StoreError> {
        Ok(Pool {
            driver: Driver::of_who_waits()?,
            address: self.address.clone(),
            idle: Mutex::default(),
            permits: Arc::clone(&self.permits),
        })
    }

    /// A connection for one read, which is given back by dropping it.
    pub(super) async fn lend(self: &Arc<Self>) -> Result<Lent, StoreError> {
        let until = Instant::now() + READ_WITHIN;
        let permit = tokio::time::timeout(LENT_WITHIN, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError::Silent)?.map_err(|_| StoreError::Silent)?;
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => {
                let connected = tokio::time::timeout_at(until, self.connect(""));
                Arc::new(connected.await.map_err(|_| StoreError::Silent)??)
            }
        };
        connection.wait_until(Some(until));
        Ok(Lent { connection, pool: Arc::clone(self), _permit: permit })
    }

    /// A new connection that writes.
    pub(super) async fn connect_to_write(&self) -> Result<Connection, StoreError> {
        self.connect(WRITING).await
    }

    /// A new connection whose statements may take as long as they do.
    pub(super) async fn connect_to_migrate(&self) -> Result<Connection, StoreError> {
        self.connect("SET statement_timeout = 0; SET lock_timeout = 0").await
    }

    /// A new connection for a look around.
    pub(super) async fn connect_to_look(&self) -> Result<Connection, StoreError> {
        self.connect("").await
    }

    /// A new connection that makes and drops tables others are busy with: whoever comes after it waits as long as it does.
    pub(super) async fn connect_to_keep(&self) -> Result<Connection, StoreError> {
        self.connect(&format!("{WAITS}; SET enable_seqscan = off; SET bytea_output = 'hex'")).await
    }

    /// A new connection that hears what others notify of, and rings `hint` each time.
    pub(super) async fn connect_to_listen(&self, hint: Arc<Notify>) -> Result<Connection, StoreError> {
        self.connect_hearing(
            &format!("{WRITING}; SET application_name = '{HEARTBEAT}'; LISTEN {CHANNEL}"),
            Some(hint),
        )
        .await
    }

    async fn connect(&self, further: &str) -> Result<Connection, StoreError> {
        self.connect_hearing(further, None).await
    }

    async fn connect_hearing(
        &self,
        further: &str,
        hint: Option<Arc<Notify>>,
    ) -> Result<Connection, StoreError> {
        let (config, tls) = (self.address.config.clone(), self.address.tls.clone());
        // The socket belongs to the driver's thread, whoever waits here.
        let connecting = self.driver.handle.spawn(async move {
            let (client, mut connection) = config.connect(tls).await?;
            // It ends with its client, and whoever uses that is told how.
            let driving = tokio::spawn(async move {
                while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                    if let (AsyncMessage::Notification(_), Some(hint)) = (message, &hint) {
                        hint.notify_one();
                    }
                }
            });
            Ok::<_, tokio_postgres::Error>((client, driving.abort_handle()))
        });
        let connected =
            tokio::time::timeout(LENT_WITHIN, connecting).await.map_err(|_| StoreError::Silent)?;
        let (client, driving) = connected.map_err(|_| StoreError::Silent)??;
        let connection = Connection::new(client, driving);
        connection.batch(&format!("{SESSION}; {STATEMENT_TIMEOUT}; {further}")).await?;
        Ok(connection)
    }

    /// Waits for `future` on this thread, which is none of the driver's; its timers run there.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        if let Drives::WhoWaits = self.driver.drives
            && let Some(runtime) = &self.driver.runtime
        {
            return runtime.block_on(async {
                let value = future.await;
                // What was dropped is closed before nobody drives it.
                tokio::task::yield_now().await;
                value
            });
        }
        let _timers = self.driver.handle.enter();
        // Whoever calls may be a task of a runtime, whose budget of polls would run out while it waits here, for ever.
        wait(tokio::task::unconstrained(future))
    }

    fn take_idle(&self) -> Option<Arc<Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // After an outage all that were idle are closed.
        while let Some(connection) = idle.pop() {
            if connection.is_good() {
                return Some(connection);
            }
        }
        None
    }
}

impl Deref for Lent {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.connection.is_good() {
            let idle = &self.pool.idle;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.connection));
        }
    }
}

impl Lent {
    /// Begins a transaction that reads one state of the database; it ends with [`Lent::end`], or else with the connection.
    pub(super) async fn snapshot(&self) -> Result<(), StoreError> {
        self.suspect();
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    pub(super) async fn end(&self) -> Result<(), StoreError> {
        // Nothing was written, so that this ends it as well as a commit; and a commit means one thing in this program.
        self.batch("ROLLBACK").await?;
        self.mend();
        Ok(())
    }
}

/// Who reads and writes the sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drives {
    /// A thread of its own.
    Thread,
    /// Whoever waits for an answer.
    WhoWaits,
}

/// What reads and writes the sockets.
struct Driver {
    drives: Drives,
    handle: Handle,
    /// There until this goes.
    runtime: Option<Runtime>,
}

impl Driver {
    fn start() -> Result<Driver, StoreError> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("hookwright-postgres");
        Driver::of(builder, Drives::Thread)
    }

    fn of_who_waits() -> Result<Driver, StoreError> {
        Driver::of(Builder::new_current_thread(), Drives::WhoWaits)
    }

    fn of(mut builder: Builder, drives: Drives) -> Result<Driver, StoreError> {
        let runtime = builder.enable_all().build().map_err(StoreError::Thread)?;
        Ok(Driver { drives, handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped where nothing may block.
            runtime.shutdown_background();
        }
    }
}

/// Waits for a future that others drive.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
