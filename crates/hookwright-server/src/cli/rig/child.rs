//! A server as a child process, with its own directory, that never outlives its owner.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;

use super::{Api, Core, RigError};

/// The database in a server's directory, unless it is set to another.
pub(crate) const DATABASE_FILE: &str = "trial.db";
/// How long a start may take: a database left by a crash is read first.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a start is looked at.
const READY_POLL: Duration = Duration::from_millis(10);
/// How long the death of a killed child is waited for.
const DEATH_WITHIN: Duration = Duration::from_secs(2);
/// So many lines of what a server wrote are shown when it fails.
const LAST_WORDS_LINES: usize = 12;

/// What a server is started with. It can be started with the same again after it was killed.
#[derive(Clone)]
pub(crate) struct ServerSetup {
    directory: PathBuf,
    address: SocketAddr,
    token: String,
    environment: Vec<(&'static str, String)>,
    arguments: Vec<&'static str>,
    core: Option<Core>,
}

/// A running server; dropping it kills it.
pub(crate) struct ChildServer {
    child: Child,
    stdout: PathBuf,
    api: Api,
}

impl ServerSetup {
    /// A server on a free port of loopback whose files lie in `directory`, with a new token, and loopback
    /// allowed as a target.
    ///
    /// # Errors
    ///
    /// If no port or no random bytes could be had.
    pub(crate) fn new(directory: &Path) -> Result<ServerSetup, RigError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(RigError::Random)?;
        let token = format!("trial_{:032x}", u128::from_be_bytes(random));
        Ok(ServerSetup {
            directory: directory.to_owned(),
            address: free_address()?,
            token,
            environment: Vec::new(),
            arguments: Vec::new(),
            core: None,
        })
    }

    /// Sets `HOOKWRIGHT_…` for the server.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> ServerSetup {
        self.environment.push((name, value.into()));
        self
    }

    /// Adds an argument behind `serve`.
    #[must_use]
    pub(crate) fn with_argument(mut self, argument: &'static str) -> ServerSetup {
        self.arguments.push(argument);
        self
    }

    /// Another node of the same installation, on a port of its own, whose files lie in `directory`.
    ///
    /// # Errors
    ///
    /// If no port could be had.
    pub(crate) fn beside(&self, directory: &Path) -> Result<ServerSetup, RigError> {
        Ok(ServerSetup { directory: directory.to_owned(), address: free_address()?, ..self.clone() })
    }

    /// Keeps the server, with all its threads, on one core.
    #[must_use]
    pub(crate) fn on(mut self, core: Core) -> ServerSetup {
        self.core = Some(core);
        self
    }

    /// The admin token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The server's URL, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts the server and returns when it is ready.
    ///
    /// # Errors
    ///
    /// With the server's last words, if it ended or was not ready in time.
    pub(crate) async fn start(&self) -> Result<ChildServer, RigError> {
        let (stdout, stderr) = (self.directory.join("server.out"), self.directory.join("server.log"));
        let program = std::env::current_exe().map_err(RigError::io("find this program's own file"))?;
        let mut command = Command::new(program);
        command.arg("serve").args(&self.arguments).current_dir(&self.directory).kill_on_drop(true);
        // What the user set is for the user's server: a trial must not write into that one's database.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HOOKWRIGHT_") {
                command.env_remove(name);
            }
        }
        command
            .env("HOOKWRIGHT_LISTEN", self.address.to_string())
            .env(
                "HOOKWRIGHT_DATABASE_URL",
                format!("sqlite://{}", self.directory.join(DATABASE_FILE).display()),
            )
            .env("HOOKWRIGHT_API_TOKEN", &self.token)
            .env("HOOKWRIGHT_ALLOW_TARGET_NETWORKS", "127.0.0.0/8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).map_err(RigError::io("make a file for the server's output"))?)
            .stderr(append(&stderr)?);
        let child = spawn(&mut command, self.core).map_err(RigError::io("start the server"))?;
        let mut server = ChildServer { child, stdout, api: Api::new(self.url(), &self.token)? };
        server.wait_until_ready(&stderr).await?;
        Ok(server)
    }
}

impl ChildServer {
    /// A client of it.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Its process id, while it runs.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it (SIGKILL: it gets no chance to tidy up) and returns when it is gone.
    ///
    /// # Errors
    ///
    /// [`RigError::Io`] if it could not be killed.
    pub(crate) async fn kill(&mut self) -> Result<(), RigError> {
        self.child.kill().await.map_err(RigError::io("kill the server"))
    }

    /// What stands behind `prefix` on a line it wrote to its standard output, waited for up to `within`.
    pub(crate) async fn printed(&self, prefix: &str, within: Duration) -> Option<String> {
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&self.stdout).unwrap_or_default();
            let complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(rest) = complete.filter_map(|line| line.trim().strip_prefix(prefix)).next_back() {
                return Some(rest.trim().to_owned());
            }
            if started.elapsed() > within {
                return None;
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    async fn wait_until_ready(&mut self, log: &Path) -> Result<(), RigError> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait().map_err(RigError::io("look after the server"))? {
                return Err(RigError::ServerEnded { status, log: last_words(log) });
            }
            // A request that hangs must not keep us from seeing that the server ended.
            if let Ok(true) = tokio::time::timeout(Duration::from_secs(1), self.api.is_ready()).await {
                return Ok(());
            }
            tokio::time::sleep(READY_POLL).await;
        }
        Err(RigError::ServerNotReady { seconds: READY_WITHIN.as_secs(), log: last_words(log) })
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        // Whoever owns the directory removes it next, and a server that still writes would put files back.
        let killed = Instant::now();
        if self.child.start_kill().is_ok() {
            while matches!(self.child.try_wait(), Ok(None)) && killed.elapsed() < DEATH_WITHIN {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn spawn(command: &mut Command, core: Option<Core>) -> io::Result<Child> {
    match core {
        Some(core) => {
            let runtime = Handle::current();
            core.run(|| {
                let _inside = runtime.enter();
                command.spawn()
            })?
        }
        None => command.spawn(),
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr, RigError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(RigError::io("find a free port for the server"))
}

/// Opens the log so that what a server wrote before it was killed stays readable.
fn append(path: &Path) -> Result<File, RigError> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(RigError::io("make a file for the server's log"))
}

fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS_LINES)..].join("\n")
}
