//! A PostgreSQL server in a temporary directory, which goes when its [`Cluster`] does, or when the test process ends.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::installed::{Installed, Unprivileged};
use crate::free_port;

/// Runs the server, and waits for a word on its input: a signal's name stops the server and leaves its files. The end of the
/// input, which is also the end of the test process however it ended, stops it and removes them.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null &
pid=$!
if read -r signal <&3; then
    kill -"$signal" $pid
    wait $pid
else
    kill -QUIT $pid
    wait $pid
    rm -rf "$FOLDER"
fi
echo "the supervisor has ended" >&2
"#;

/// The line that says that clients may come.
const READY: &str = "database system is ready to accept connections";

/// A PostgreSQL server of our own, on a loopback port.
pub struct Cluster {
    installed: Installed,
    user: Option<Unprivileged>,
    folder: PathBuf,
    port: u16,
    running: Mutex<Option<Running>>,
}

struct Running {
    supervisor: Child,
    /// Closing it ends the server.
    input: ChildStdin,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Clients are cut off, and what is committed is written out (`pg_ctl stop -m fast`).
    Fast,
    /// As in a crash (`pg_ctl stop -m immediate`).
    Immediate,
}

impl Cluster {
    /// Makes a cluster and starts its server; `None` where no PostgreSQL is installed.
    pub(super) fn start() -> Option<Cluster> {
        let installed = Installed::find()?;
        let user = Unprivileged::needed();
        let folder = tempfile::Builder::new().prefix("hookwright-postgres-").tempdir();
        // Kept beyond this value: the supervisor removes it, also when this process is killed.
        let folder = folder.expect("a temporary directory can be made").keep();
        if let Some(user) = user {
            user.own(&folder);
        }
        let cluster = Cluster { installed, user, folder, port: free_port(), running: Mutex::new(None) };
        cluster.initialise();
        cluster.start_again();
        Some(cluster)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The loopback port it listens on, also while it is stopped.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server, whose files stay.
    pub fn stop(&self, how: Stop) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut running) = running else { return };
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        };
        writeln!(running.input, "{signal}").expect("the supervisor reads");
        running.supervisor.wait().expect("the supervisor ends with the server");
    }

    /// Starts a stopped server; it takes connections when this returns.
    pub fn start_again(&self) {
        let mut command = self.as_user("/bin/sh");
        command.args(["-c", SUPERVISOR, "supervisor"]).arg(self.installed.program("postgres"));
        command.arg("-D").arg(self.data());
        command.args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=1500",
        ]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.display()));
        command.env("FOLDER", &self.folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut supervisor = command.spawn().expect("a shell can be started");
        let input = supervisor.stdin.take().expect("its input is ours");
        let mut errors = BufReader::new(supervisor.stderr.take().expect("its errors are ours"));
        let (mut line, mut printed) = (String::new(), String::new());
        while !line.contains(READY) {
            line.clear();
            let read = errors.read_line(&mut line).expect("what it prints is text");
            printed.push_str(&line);
            // Clients that come too early are refused with one too.
            let has_failed = line.contains("FATAL:") && !line.contains("the database system is");
            assert!(read > 0 && !has_failed, "PostgreSQL does not start:\n{printed}");
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(Running { supervisor, input });
        // Read on, so that it never waits for somebody to read what it prints. It ends with the server.
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    }

    fn initialise(&self) {
        let mut initdb = self.as_user(self.installed.program("initdb"));
        initdb.arg("-D").arg(self.data());
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let output = initdb.output().expect("initdb can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed:\n{errors}");
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A command in the cluster's folder, as a user that is not root.
    fn as_user(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match self.user {
            Some(user) => user.command(),
            None => Command::new("env"),
        };
        command.arg(program.as_ref()).current_dir(&self.folder);
        // Settings of the developer's own.
        for name in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(Running { mut supervisor, input }) => {
                drop(input);
                // It ends once the server has.
                let _ = supervisor.wait();
            }
            None => {
                let _ = std::fs::remove_dir_all(&self.folder);
            }
        }
    }
}
