//! A private PostgreSQL from installed binaries, and a database of its own for each test.
//!
//! Nothing is downloaded and no server that runs on the machine is used. One cluster serves all tests of a process, with
//! PostgreSQL's own defaults of durability; a test that stops and starts its server has a cluster of its own.

mod cutter; // a connection that breaks when it is asked to
mod messages; // what goes over it
mod bouncer; // a pooler between
mod cluster; // the server process and its directory
mod ready; // when one can be used
mod installed; // where the binaries are, and as whom they run

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_postgres::NoTls;

use crate::{Authority, Leaf};

pub use bouncer::{Bouncer, bouncer};
pub use cluster::{Cluster, Stop};
pub use cutter::{Cut, Cutter, How};

/// A master key, as `HOOKWRIGHT_MASTER_KEY` has it: there is no file beside a PostgreSQL database that could have one.
pub const MASTER_KEY: &str = "tests:746573747465737474657374746573747465737474657374746573747465737a";

/// An empty database on a cluster.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where it is, as `HOOKWRIGHT_DATABASE_URL` has it.
    pub url: String,
}

/// An empty database on the cluster that all tests of this process share.
///
/// Where no PostgreSQL is installed this says so, with the test's name, and answers `None`: the test then ends. With
/// `CI=true` it panics instead, so that no test is left out without anybody noticing.
pub async fn database() -> Option<Database> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    let shared = SHARED.get_or_init(Cluster::start);
    match shared {
        Some(cluster) => Some(cluster.database().await),
        None => {
            skipped(POSTGRESQL);
            None
        }
    }
}

/// A cluster of this test's own, which it may stop and start; `None` as of [`database`].
pub fn cluster() -> Option<Cluster> {
    let own = Cluster::start();
    if own.is_none() {
        skipped(POSTGRESQL);
    }
    own
}

/// The same with a server that takes TLS, and shows this certificate.
pub fn cluster_with_tls(authority: &Authority, leaf: Leaf) -> Option<Cluster> {
    let own = Cluster::start_tls(authority, leaf);
    if own.is_none() {
        skipped(POSTGRESQL);
    }
    own
}

/// The URL of a database that takes the place of a SQLite file in `folder`, if the tests are to run on PostgreSQL: with
/// `HOOKWRIGHT_TEST_DATABASE=postgres`. The same folder always gets the same database.
///
/// # Panics
///
/// If they are, and no PostgreSQL is installed.
#[must_use]
pub fn instead_of_file(folder: &Path) -> Option<String> {
    static GIVEN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    if std::env::var_os("HOOKWRIGHT_TEST_DATABASE").is_none_or(|kind| kind != "postgres") {
        return None;
    }
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(url) = given.get(folder) {
        return Some(url.clone());
    }
    // On a thread of its own: whoever asks may be on a runtime, where nothing may be waited for.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be had").block_on(database())
    });
    let database = made.join().expect("a database can be made").expect("PostgreSQL is installed");
    given.insert(folder.to_owned(), database.url.clone());
    Some(database.url)
}

/// What a test may miss, and the package that has it.
const POSTGRESQL: (&str, &str) = ("PostgreSQL", "postgresql");
const PGBOUNCER: (&str, &str) = ("PgBouncer", "pgbouncer");

#[expect(clippy::print_stderr, reason = "a test that did not run must not look as if it had")]
fn skipped((name, package): (&str, &str)) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{test} needs {name}, and none is installed: install the package {package}"
    );
    eprintln!("{test} skipped: no {name}");
}

impl Cluster {
    /// An empty database on this cluster.
    pub async fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name}")).await;
        Database { url: self.url(&name) }
    }

    /// Runs statements as the cluster's superuser, in its database `postgres`.
    pub async fn execute(&self, statements: &str) {
        run(&self.url("postgres"), statements).await;
    }
}

impl Database {
    /// The same database by way of a [`Cutter`].
    ///
    /// # Panics
    ///
    /// If this is not on a cluster of ours.
    pub async fn through_cutter(&self) -> (Cutter, Database) {
        let cutter = Cutter::start(self.at(0).0).await;
        let (_, through) = self.at(cutter.port());
        (cutter, through)
    }

    /// The port that it is at, and the same database at another one.
    fn at(&self, port: u16) -> (u16, Database) {
        let (before, path) = self.url.rsplit_once('/').expect("it has a path");
        let (before, own) = before.rsplit_once(':').expect("it has a port");
        let there = Database { url: format!("{before}:{port}/{path}") };
        (own.parse().expect("the port is a number"), there)
    }

    /// Opens so many sessions that do nothing, for as long as what this returns.
    pub async fn hold(&self, sessions: usize) -> Vec<tokio_postgres::Client> {
        let mut held = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            let client = connect(&self.url).await;
            client.simple_query("SELECT 1").await.expect("the query runs");
            held.push(client);
        }
        held
    }

    /// A session of the test's own, which may hold transactions open.
    pub async fn connect(&self) -> tokio_postgres::Client {
        connect(&self.url).await
    }

    /// Runs statements in it as its owner, on a connection of their own.
    pub async fn execute(&self, statements: &str) {
        run(&self.url, statements).await;
    }

    /// The one text or number that a query answers, as text.
    pub async fn ask(&self, query: &str) -> String {
        let client = connect(&self.url).await;
        let answer = client.simple_query(query).await.expect("the query runs");
        answer
            .iter()
            .find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .unwrap_or_default()
    }
}

async fn run(url: &str, statements: &str) {
    connect(url).await.batch_execute(statements).await.expect("the statements run");
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the cluster takes connections");
    // It ends with its client.
    tokio::spawn(connection);
    client
}
